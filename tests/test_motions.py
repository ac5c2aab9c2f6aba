"""The motion library: adding, finding, changing and removing motions, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from media.workshop import Workshop
from studio import jobs
from studio.census import Census
from studio.database import Database
from studio.equipment import Equipment, Terms
from studio.errors import InputRefused, OrderRefused, StudioError
from studio.journal import Journal
from studio.models import JobState, Order
from studio.moderation import audit
from studio.motions import clearing, keeping
from studio.motions.keeping import Keeper
from studio.motions.library import Library
from studio.motions.motion import Motion, checked_name, checked_tags
from studio.motions.tables import motion_uses, motions
from studio.register import Register
from studio.storage import open_storage
from tests import sandbox_world
from tests.builders import FixedClock, an_order
from tests.bureau import UNUSED
from tests.motion_world import a_motion, long_clip, on_disk
from tests.studio_world import Disk

SERVER = 1
THEO, NOOR = Keeper(guild_id=SERVER, member_id=20), Keeper(guild_id=SERVER, member_id=21)


@pytest.fixture
async def equipment(database: Database, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Equipment]:
    workshop = Workshop()
    yield Equipment(
        database=database,
        storage=open_storage((tmp_path / "files").as_uri()),
        workshop=workshop,
        attachments=Disk(),
        provider=UNUSED,
        desk=UNUSED,
        operator=UNUSED,
        clock=clock,
        terms=Terms(account="test", usd_micros_per_second=50_000, max_jobs_per_member=50),
    )
    await workshop.close()


@pytest.fixture
def shelf_of(equipment: Equipment) -> Library:
    return Library(equipment)


def with_motion(motion: Motion, **order: int) -> Order:
    return replace(an_order(**order), video=motion.as_source())


async def take(equipment: Equipment, order: Order) -> None:
    await Register(equipment, Census(equipment.database), Journal()).take(order)


async def recorded(equipment: Equipment) -> list[str]:
    async with equipment.database.read() as connection:
        return [entry.action for _, entry in await audit.newest(connection, SERVER)]


async def close(equipment: Equipment, job_id: str) -> None:
    async with equipment.database.write() as connection:
        job = await jobs.get(connection, job_id)
        assert job is not None
        job = await jobs.move(connection, job, JobState.CANCELLED, now=equipment.clock())
        await jobs.amend(connection, job, closed_at=equipment.clock())


# ── adding ──────────────────────────────────────────────────────────────────────────────────────


async def test_an_added_motion_is_stored_once_with_its_facts_and_a_preview_that_loops(
    equipment: Equipment, shelf_of: Library, tmp_path: Path
) -> None:
    added = await shelf_of.keeping.add(THEO, on_disk(long_clip()), name=" Happy  Dance ", tags="#Dance, slow")

    found = await shelf_of.motion(SERVER, "happy dance")
    assert added == found
    assert (found.name, found.tags, found.added_by) == ("Happy Dance", ("dance", "slow"), 20)
    assert found.content.seconds == pytest.approx(11, abs=0.3)
    assert [cut.seconds <= 10 for cut in found.content.cuts] == [False, True]
    keys = {cut.key for cut in found.content.cuts} | {found.content.thumbnail_key, found.content.preview_key}
    assert set(await equipment.storage.keys("motions")) == keys
    with Image.open(tmp_path / "files" / found.content.preview_key) as preview:
        assert (preview.format, preview.info["loop"]) == ("GIF", 0)
        assert getattr(preview, "n_frames", 1) > 5
        assert max(preview.size) <= 320
    assert (tmp_path / "files" / found.content.preview_key).stat().st_size < 600_000
    assert await recorded(equipment) == ["motion_added"]


async def test_of_two_moderators_who_add_the_same_name_at_once_one_is_refused(
    equipment: Equipment, shelf_of: Library
) -> None:
    video = on_disk(sandbox_world.clip())

    ended = await asyncio.gather(
        shelf_of.keeping.add(THEO, video, name="Wave"),
        shelf_of.keeping.add(NOOR, video, name="WAVE"),
        return_exceptions=True,
    )

    refused = [each for each in ended if isinstance(each, OrderRefused)]
    assert [each.code for each in refused] == ["motion_name_taken"]
    assert len(await shelf_of.search(SERVER)) == 1
    assert await recorded(equipment) == ["motion_added"]


async def test_a_file_that_is_no_video_leaves_nothing_behind_and_its_name_free(
    equipment: Equipment, shelf_of: Library
) -> None:
    with pytest.raises(InputRefused, match="media_not_a_video"):
        await shelf_of.keeping.add(THEO, on_disk(sandbox_world.picture()), name="wave")

    async with equipment.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(motions))).scalar_one() == 0
    assert list(await equipment.storage.keys("motions")) == []
    assert await recorded(equipment) == []


async def test_a_full_library_says_so_before_any_work_is_done(
    equipment: Equipment, shelf_of: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_MOTIONS", 1)
    await a_motion(equipment, "wave")

    with pytest.raises(OrderRefused, match="motions_full") as refused:
        await shelf_of.keeping.add(THEO, on_disk(Path(__file__)), name="jump")

    assert "1 motions" in refused.value.sentence


async def test_a_motion_for_which_there_is_no_room_is_not_kept(
    equipment: Equipment, shelf_of: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_BYTES", 2000)
    await a_motion(equipment, "wave")

    with pytest.raises(OrderRefused, match="motions_too_large") as refused:
        await shelf_of.keeping.add(THEO, on_disk(sandbox_world.clip()), name="jump")

    assert "1 kB of 2 kB left" in refused.value.sentence
    assert [motion.name for motion in await shelf_of.search(SERVER)] == ["wave"]
    assert len({key.split("/")[1] for key in await equipment.storage.keys("motions")}) == 1


async def test_a_motion_whose_process_was_killed_while_it_was_added_is_cleared_away(
    equipment: Equipment, shelf_of: Library, clock: FixedClock
) -> None:
    await shelf_of.keeping._reserve(THEO, "motion0", "wave")
    async with equipment.storage.workspace() as folder:
        (folder / "motion.mp4").write_bytes(b"half of it")
        await equipment.storage.put("motions/motion0/motion.mp4", folder / "motion.mp4")

    early = await clearing.clear(equipment)
    clock.tick(3601)
    late = await clearing.clear(equipment)

    assert (early, late) == (0, 1)
    assert list(await equipment.storage.keys("motions")) == []
    await a_motion(equipment, "wave")


# ── names ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given", ["", " \u200b ", "x" * 41])
def test_a_name_that_cannot_be_read_is_refused(given: str) -> None:
    with pytest.raises(OrderRefused, match="motion_name_unusable"):
        checked_name(given)


@pytest.mark.parametrize("given", ["a b c d e f", "x" * 21])
def test_too_many_or_too_long_tags_are_refused(given: str) -> None:
    with pytest.raises(OrderRefused, match="motion_tags_unusable"):
        checked_tags(given)


async def test_a_renamed_motion_is_found_by_its_new_name_alone(
    equipment: Equipment, shelf_of: Library
) -> None:
    motion = await a_motion(equipment, "wave")
    await a_motion(equipment, "Straße")

    await shelf_of.keeping.rename(THEO, motion.id, "Big Wave")
    await shelf_of.keeping.tag(THEO, motion.id, "hello, hands")

    found = await shelf_of.motion(SERVER, "BIG WAVE")
    assert (found.id, found.tags) == (motion.id, ("hello", "hands"))
    with pytest.raises(OrderRefused, match="motion_unknown"):
        await shelf_of.motion(SERVER, "wave")
    with pytest.raises(OrderRefused, match="motion_name_taken"):
        await shelf_of.keeping.rename(THEO, motion.id, "STRASSE")
    assert sorted(await recorded(equipment)) == ["motion_renamed", "motion_tagged"]


async def test_another_server_neither_sees_nor_changes_a_motion(
    equipment: Equipment, shelf_of: Library
) -> None:
    motion = await a_motion(equipment, "wave")
    elsewhere = replace(THEO, guild_id=2)

    for attempt in (
        shelf_of.pick(2, motion.id),
        shelf_of.keeping.rename(elsewhere, motion.id, "mine"),
        shelf_of.keeping.remove(elsewhere, motion.id),
    ):
        with pytest.raises(OrderRefused, match="motion_unknown"):
            await attempt

    assert await shelf_of.search(2) == []
    assert (await shelf_of.motion(SERVER, "wave")) == motion


# ── choosing ────────────────────────────────────────────────────────────────────────────────────


async def test_what_a_member_used_last_is_suggested_first_then_what_many_use(
    equipment: Equipment, shelf_of: Library, clock: FixedClock
) -> None:
    wave, jump, spin = [await a_motion(equipment, name) for name in ("wave", "jump", "spin")]
    await a_motion(equipment, "bow", tags=("polite",))
    for motion, member in ((wave, 10), (jump, 11), (jump, 12), (spin, 10)):
        await take(equipment, with_motion(motion, member_id=member, at=clock()))
        clock.tick(1)

    mine = await shelf_of.suggest(SERVER, 10, "")
    others = await shelf_of.suggest(SERVER, 77, "")

    assert [motion.name for motion in mine] == ["spin", "wave", "jump", "bow"]
    assert [motion.name for motion in others][:1] == ["jump"]
    assert [motion.name for motion in await shelf_of.suggest(SERVER, 10, "POLITE")] == ["bow"]
    assert [motion.used for motion in await shelf_of.search(SERVER, "jump")] == [2]


async def test_nothing_is_suggested_while_the_database_is_away(
    equipment: Equipment, shelf_of: Library
) -> None:
    async with equipment.database.write() as connection:
        await connection.run_sync(motion_uses.drop)

    assert await shelf_of.suggest(SERVER, 10, "") == []


# ── removing ────────────────────────────────────────────────────────────────────────────────────


async def test_a_removed_motion_keeps_its_files_until_the_orders_that_need_them_are_done(
    equipment: Equipment, shelf_of: Library
) -> None:
    motion = await a_motion(equipment, "wave")
    order = with_motion(motion)
    await take(equipment, order)

    await shelf_of.keeping.remove(THEO, motion.id, reason="somebody is shown")
    while_waiting = list(await equipment.storage.keys("motions"))
    await close(equipment, order.job_id)
    cleared = await clearing.clear(equipment)

    assert len(while_waiting) == 3
    assert cleared == 1
    assert list(await equipment.storage.keys("motions")) == []
    async with equipment.database.read() as connection:
        assert (await connection.execute(select(motion_uses))).all() == []


async def test_an_order_whose_motion_was_removed_before_it_was_recorded_is_refused(
    equipment: Equipment, shelf_of: Library
) -> None:
    motion = await a_motion(equipment, "wave")
    order = with_motion(motion)
    await shelf_of.keeping.remove(THEO, motion.id)

    with pytest.raises(StudioError, match="motion_gone"):
        await take(equipment, order)

    async with equipment.database.read() as connection:
        assert await jobs.get(connection, order.job_id) is None
    assert list(await equipment.storage.keys("motions")) == []


async def test_orders_and_a_removal_at_once_leave_no_order_without_its_files(
    equipment: Equipment, shelf_of: Library
) -> None:
    motion = await a_motion(equipment, "wave")
    orders = [with_motion(motion, member_id=number) for number in range(6)]

    ended = await asyncio.gather(
        *(take(equipment, order) for order in orders[:3]),
        shelf_of.keeping.remove(THEO, motion.id),
        *(take(equipment, order) for order in orders[3:]),
        return_exceptions=True,
    )

    taken = [each for number, each in enumerate(ended) if number != 3 and each is None]
    files = list(await equipment.storage.keys("motions"))
    assert ended[3] == motion or isinstance(ended[3], Motion)
    assert len(files) == (3 if taken else 0)
