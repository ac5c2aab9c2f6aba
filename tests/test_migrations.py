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

from studio import attempts, schema
from studio.database import Database, metadata

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
