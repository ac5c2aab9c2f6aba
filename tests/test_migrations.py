"""A database of an older version is brought up to date with everything that is in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, select

from studio import attempts, jobs, schema
from studio.database import Database, metadata
from studio.endings import withdraw
from studio.equipment import because
from studio.models import Clip, Ending
from tests.pool_world import booked, folded

MOMENT = 1_772_366_400_000_000
ORDER = {
    "id": "job1", "state": "rendering", "version": 7, "created_at": MOMENT, "state_since": MOMENT,
    "guild_id": 1, "channel_id": 2, "member_id": 3, "member_name": "Ada", "picture": {"name": "me.jpg"},
    "video": {"name": "dance.mp4"}, "wishes": {}, "provider_job_id": "render-1", "progress": 40, "tries": 0,
    "cancel": "none",
}  # fmt: skip
ATTEMPT = {
    "token": "t1", "job_id": "job1", "account": "a", "state": "accepted", "created_at": MOMENT,
    "answered_at": MOMENT, "provider_job_id": "render-1", "request_id": "r-1",
}  # fmt: skip
CHARGE = {
    "ref": "job1:charge:0", "at": MOMENT, "kind": "charge", "amount_usd_micros": 250_000, "job_id": "job1",
    "guild_id": 1, "member_id": 3, "actor": "provider", "reason": "accepted",
}  # fmt: skip
FIRST_ROWS = {"jobs": ORDER, "attempts": ATTEMPT, "ledger": CHARGE, "notes": {"key": "k", "value": "v"}}


@pytest.fixture
async def old(database_url: str) -> AsyncIterator[Database]:
    """A database of the first release, with an order in it that the provider took."""
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(_bring_to, "0001")
        tables = await connection.run_sync(_tables)
        for name, values in FIRST_ROWS.items():
            await connection.execute(tables.tables[name].insert().values(**values))
    yield database
    await database.close()


async def test_an_upgrade_keeps_every_row_as_it_was(old: Database) -> None:
    await schema.upgrade(old)

    async with old.read() as connection:
        tables = await connection.run_sync(_tables)
        for name, values in FIRST_ROWS.items():
            rows = (await connection.execute(select(tables.tables[name]))).mappings().all()
            assert [{key: row[key] for key in values} for row in rows] == [values]


async def test_an_upgraded_database_finds_attempts_by_their_render(old: Database) -> None:
    await schema.upgrade(old)

    async with old.read() as connection:
        found = await attempts.accepted_among(connection, ["render-1", "render-2"])
        indexes: list[Any] = await connection.run_sync(lambda sync: inspect(sync).get_indexes("attempts"))

    assert [attempt.token for attempt in found] == ["t1"]
    assert ["provider_job_id"] in [index["column_names"] for index in indexes]
    assert await schema.revision(old) == schema.newest_revision()


async def test_an_upgraded_database_has_the_tables_that_the_code_expects(old: Database) -> None:
    await schema.upgrade(old)

    async with old.read() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )

    assert differences == []


def _bring_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _tables(connection: Connection) -> MetaData:
    tables = MetaData()
    tables.reflect(connection)
    return tables


A_FILE = {"url": "u", "filename": "f", "size": 1, "content_type": None}
READABLE = {
    "picture": A_FILE,
    "video": A_FILE,
    "wishes": {
        "prompt": "", "negative_prompt": "", "orientation": None, "keep_sound": True,
        "shot_type": "customize",
    },
}  # fmt: skip
EARLIER = {
    "delivered": ("delivered", [("charge", 250_000)]),
    "rendering": ("rendering", [("hold", 200_000), ("release", -200_000), ("charge", 150_000)]),
    "waiting": ("queued", [("hold", 300_000)]),
    "failed": ("failed", [("charge", 150_000)]),
    "refunded": ("failed", [("charge", 150_000), ("refund", -150_000)]),
    "cancelled": ("cancelled", [("hold", 150_000), ("release", -150_000)]),
}
"""Orders by their ids: how they stood before there were shares, and their entries in the ledger."""


async def test_what_was_ordered_before_there_were_shares_counts_in_them(database_url: str) -> None:
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(_bring_to, "0003")
        tables = await connection.run_sync(_tables)
        for job_id, (state, booked_before) in EARLIER.items():
            order = ORDER | READABLE | {"id": job_id, "state": state, "provider_job_id": None}
            await connection.execute(tables.tables["jobs"].insert().values(**order))
            for number, (kind, amount) in enumerate(booked_before):
                entry = CHARGE | {"job_id": job_id, "kind": kind, "amount_usd_micros": amount}
                row = entry | {"ref": f"{job_id}:{kind}:{number}"}
                await connection.execute(tables.tables["ledger"].insert().values(**row))

    await schema.upgrade(database)
    upgraded, expected = await booked(database), await folded(database)
    await _cancel(database, "waiting")

    quarter = MOMENT // 900_000_000
    assert upgraded == expected
    assert upgraded[1, 3, 1, quarter] == (3, 850_000, 150_000)
    assert (await booked(database))[1, 0, 1, quarter] == (2, 550_000, 150_000)
    assert await booked(database) == await folded(database)
    await database.close()


async def _cancel(database: Database, job_id: str) -> None:
    async with database.write() as connection:
        job = await jobs.get(connection, job_id)
        assert job is not None
        await withdraw(connection, job, Ending("cancelled"), now=job.state_since, why=because("test"))


async def test_clips_that_named_their_posters_are_read_without(database_url: str) -> None:
    stored = {
        "key": "jobs/job1/clip.mp4", "size": 4_000_000_000, "seconds": 5.25, "width": 2, "height": 4,
        "has_sound": True, "source_url": "https://video.example.org/100%.mp4", "found": None,
    }  # fmt: skip
    named = {"one": {"poster_key": "jobs/one/poster.jpg"}, "none": {"poster_key": None}, "never": {}}
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(_bring_to, "0013")
        tables = await connection.run_sync(_tables)
        for job_id, further in named.items():
            order = ORDER | READABLE | {"id": job_id, "provider_job_id": None, "clip": stored | further}
            await connection.execute(tables.tables["jobs"].insert().values(**order))
        unfinished = ORDER | READABLE | {"id": "unfinished"}
        await connection.execute(tables.tables["jobs"].insert().values(**unfinished))

    await schema.upgrade(database)

    async with database.read() as connection:
        read = {job_id: await jobs.get(connection, job_id) for job_id in (*named, "unfinished")}
    clips = {job_id: job.clip for job_id, job in read.items() if job is not None}
    assert clips == dict.fromkeys(named, Clip(**stored)) | {"unfinished": None}
    await database.close()
