"""What becomes of motions when members are forgotten, servers are left and backups are made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from media import drawing, previews
from media.errors import MediaRefused
from media.workshop import Workshop
from studio import backup, schema
from studio.aliases import alias_of
from studio.census import Census
from studio.database import Database
from studio.equipment import Equipment, Terms
from studio.journal import Journal
from studio.moderation import departures
from studio.moderation.care import Care, open_care
from studio.moderation.privacy import export
from studio.motions import shelf
from studio.motions.motion import Motion
from studio.motions.tables import motion_uses, motions
from studio.register import Register
from studio.storage import open_storage
from tests.builders import FixedClock, an_order
from tests.bureau import UNUSED, Bells
from tests.motion_world import a_motion

ME, SERVER = 10, 1
DAY = 86_400.0


@pytest.fixture
def equipment(database: Database, clock: FixedClock, tmp_path: Path) -> Equipment:
    return Equipment(
        database=database,
        storage=open_storage((tmp_path / "files").as_uri()),
        workshop=UNUSED,
        attachments=UNUSED,
        provider=UNUSED,
        desk=UNUSED,
        operator=UNUSED,
        clock=clock,
        terms=Terms(account="test", usd_micros_per_second=50_000, max_jobs_per_member=50),
    )


@pytest.fixture
def care(equipment: Equipment) -> Care:
    return open_care(equipment, Bells())


async def rows(database: Database, table: Any) -> list[Any]:
    async with database.read() as connection:
        return list((await connection.execute(select(table))).mappings())


async def use(equipment: Equipment, motion: Motion, *, member_id: int) -> None:
    order = replace(an_order(member_id=member_id), video=motion.as_source())
    await Register(equipment, Census(equipment.database), Journal()).take(order)


async def test_a_members_copy_names_the_motions_that_they_added_and_used(
    equipment: Equipment, clock: FixedClock
) -> None:
    mine = await a_motion(equipment, "wave", by=ME)
    other = await a_motion(equipment, "jump", by=99)
    await use(equipment, other, member_id=ME)
    await use(equipment, mine, member_id=77)

    async with equipment.database.read() as connection:
        copy = await export(connection, ME, now=clock())

    assert [motion["name"] for motion in copy["motions_added"]] == ["wave"]
    assert [motion["motion_id"] for motion in copy["motions_used"]] == [other.id]


async def test_of_whoever_is_forgotten_the_motions_stay_without_a_name(
    equipment: Equipment, care: Care
) -> None:
    motion = await a_motion(equipment, "wave", by=ME)
    async with equipment.database.write() as connection:
        used = {"guild_id": SERVER, "member_id": ME, "motion_id": motion.id, "at": equipment.clock()}
        await connection.execute(motion_uses.insert().values(**used))

    done = await care.forgetting.ask(ME)

    assert done
    assert await rows(equipment.database, motion_uses) == []
    (kept,) = await rows(equipment.database, motions)
    assert (kept["name"], kept["added_by"]) == ("wave", alias_of(ME))
    assert len(await equipment.storage.keys("motions")) == 3


async def test_a_server_that_was_left_loses_its_motions_with_their_files_after_thirty_days(
    equipment: Equipment, care: Care, clock: FixedClock
) -> None:
    await a_motion(equipment, "wave", guild_id=SERVER)
    elsewhere = await a_motion(equipment, "wave", guild_id=2)
    # Nothing else is stored about it: its motions alone have the departure noticed.
    await care.departures.compare([2], clock(), shards=departures.Shards())

    clock.tick(29 * DAY)
    await departures.clean(equipment)
    early = len(await rows(equipment.database, motions))
    clock.tick(2 * DAY)
    await departures.clean(equipment)

    assert early == 2
    assert [row["id"] for row in await rows(equipment.database, motions)] == [elsewhere.id]
    assert {key.split("/")[1] for key in await equipment.storage.keys("motions")} == {elsewhere.id}


async def test_suggestions_are_read_from_an_index_however_many_servers_there_are(
    equipment: Equipment,
) -> None:
    async with equipment.database.write() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        query = f"{explain} SELECT * FROM motions WHERE guild_id = 1 AND removed_at IS NULL"
        plan = " ".join(str(tuple(row)) for row in await connection.execute(text(query)))

    assert "uq_motions_name" in plan


async def test_a_backup_brings_the_motions_back_with_their_files(tmp_path: Path, clock: FixedClock) -> None:
    here, there = (f"sqlite:///{tmp_path / name / 'bot.db'}" for name in ("here", "there"))
    database = Database(here)
    await schema.upgrade(database)
    equipment = Equipment(
        database=database,
        storage=open_storage((tmp_path / "here" / "files").as_uri()),
        workshop=UNUSED,
        attachments=UNUSED,
        provider=UNUSED,
        desk=UNUSED,
        operator=UNUSED,
        clock=clock,
        terms=Terms(account="test", usd_micros_per_second=50_000),
    )
    motion = await a_motion(equipment, "wave")
    await database.close()
    restored = open_storage((tmp_path / "there" / "files").as_uri())

    await backup.back_up(here, equipment.storage, tmp_path / "backup.tar", now=clock())
    manifest = await backup.unpack(tmp_path / "backup.tar", there, restored)

    assert len(manifest.files) == 3
    copy = Database(there)
    async with copy.read() as connection:
        assert await shelf.find(connection, SERVER, "wave") == motion
    await copy.close()
    async with restored.checkout(motion.content.preview_key) as path:
        assert path.read_bytes()[:4] == b"GIF8"
    with pytest.raises(backup.BackupFailed, match="holds files already"):
        await backup.unpack(tmp_path / "backup.tar", f"sqlite:///{tmp_path / 'third.db'}", restored)


# ── previews and the drawn motion ───────────────────────────────────────────────────────────────


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    workshop = Workshop()
    yield workshop
    await workshop.close()


async def test_a_drawn_motion_is_long_enough_and_its_preview_small(
    workshop: Workshop, tmp_path: Path
) -> None:
    facts = await workshop.draw_motion(tmp_path / "motion.mp4")
    preview = await workshop.draw_preview(tmp_path / "motion.mp4", tmp_path / "preview.gif")

    assert facts.seconds == pytest.approx(drawing.SECONDS, abs=0.1)
    # Upright, it would take a phone's whole screen.
    assert (preview.width, preview.height) == (previews.WIDEST, previews.HIGHEST)
    assert preview.size < 200_000


async def test_a_preview_of_something_broken_is_refused_and_leaves_no_file(
    workshop: Workshop, tmp_path: Path
) -> None:
    (tmp_path / "motion.mp4").write_bytes(b"\0\0\0\x18ftypisom" + b"\0" * 100)

    with pytest.raises(MediaRefused):
        await workshop.draw_preview(tmp_path / "motion.mp4", tmp_path / "preview.gif")

    assert not (tmp_path / "preview.gif").exists()
