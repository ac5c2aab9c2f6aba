"""Orders with a motion from the library instead of a video, from the register to the clip."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.delivery import purge
from studio.journal import Shelf
from studio.models import Job, JobState, Member, Order, Orientation, Place, SourceFile, Wishes
from studio.motions import clearing
from studio.motions.keeping import Keeper
from studio.motions.motion import Motion
from studio.sharing import servers
from studio.sharing.policy import Allowance
from tests import sandbox_world
from tests.builders import an_order
from tests.motion_world import a_motion, long_clip, on_disk
from tests.studio_world import World, studio_at_work

THEO = Keeper(guild_id=1, member_id=20)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with studio_at_work(tmp_path) as opened:
        yield opened


def an_order_with(world: World, motion: Motion, picture: Path, **wishes: Any) -> Order:
    now = world.now()
    return Order(
        job_id=world.engine.studio.new_job_id(now),
        member=Member(10, "Mira"),
        place=Place(guild_id=1, channel_id=100, interaction_token="secret"),
        picture=replace(on_disk(picture), content_type="image/jpeg"),
        video=motion.as_source(),
        wishes=Wishes(**wishes),
        ordered_at=now,
    )


async def ordered(world: World, order: Order) -> str:
    await world.engine.studio.register.take(order)
    world.ordered.append(order.job_id)
    await world.engine.studio.acknowledged(order.job_id, answer_id=5)
    return order.job_id


async def prepared(world: World, order: Order) -> Job:
    """The job once it has its inputs."""
    return await world.until(await ordered(world, order), lambda job: job.inputs or job.state.ended)


async def test_two_clips_with_one_motion_need_no_second_copy_of_it(world: World) -> None:
    equipment = world.engine.studio._equipment
    motion = await a_motion(equipment, "wave")

    orders = [
        an_order_with(world, motion, sandbox_world.picture(), prompt=prompt) for prompt in ("sea", "forest")
    ]
    jobs = [await world.until_closed(await ordered(world, order)) for order in orders]

    assert [job.state for job in jobs] == [JobState.DELIVERED, JobState.DELIVERED]
    assert all(job.inputs and job.inputs.video_key == motion.content.cuts[0].key for job in jobs)
    assert [job.inputs.orientation for job in jobs if job.inputs] == [Orientation.IMAGE, Orientation.IMAGE]
    await world.check()
    assert len(await world.storage.keys("motions")) == 3


async def test_a_motion_outlives_the_files_of_the_clips_that_were_made_with_it(world: World) -> None:
    equipment = world.engine.studio._equipment
    motion = await a_motion(equipment, "wave")
    job_id = await ordered(world, an_order_with(world, motion, sandbox_world.picture()))
    await world.until_closed(job_id)

    late = replace(equipment, terms=replace(equipment.terms, retention_seconds=-1.0))
    purged = await purge(late)

    assert purged == 1
    assert list(await world.storage.keys("jobs")) == []
    assert len(await world.storage.keys("motions")) == 3


async def test_a_long_motion_is_cut_only_where_no_shorter_one_was_made_before(world: World) -> None:
    library = world.engine.studio.motions.keeping
    motion = await library.add(THEO, on_disk(long_clip()), name="long walk")
    plain = await prepared(world, an_order_with(world, motion, sandbox_world.picture()))
    facing = await prepared(
        world, an_order_with(world, motion, sandbox_world.picture(), orientation=Orientation.IMAGE)
    )
    async with world.database.write() as connection:
        server = await servers.read(connection, 1, world.now())
        policy = replace(server.policy, allowances=(Allowance(role_id=1, longest_seconds=5),))
        await servers.change(connection, server, policy=policy)
    shared = await prepared(world, an_order_with(world, motion, sandbox_world.picture()))

    assert plain.inputs
    assert facing.inputs
    assert shared.inputs
    whole, short = motion.content.cuts
    assert (plain.inputs.video_key, plain.inputs.orientation) == (whole.key, Orientation.VIDEO)
    assert plain.inputs.notices == ()
    assert facing.inputs.video_key == short.key
    assert [notice.code for notice in facing.inputs.notices] == ["notice_motion_trimmed"]
    assert shared.inputs.video_key == f"jobs/{shared.id}/input/motion.mp4"
    assert 4 < shared.inputs.seconds <= 5
    assert [notice.code for notice in shared.inputs.notices] == ["notice_video_trimmed_share"]


async def test_a_clip_whose_motion_was_removed_while_it_waited_is_made_all_the_same(
    world: World,
) -> None:
    equipment = world.engine.studio._equipment
    motion = await a_motion(equipment, "wave")
    order = an_order_with(world, motion, sandbox_world.picture())
    await world.engine.studio.register.take(order)
    world.ordered.append(order.job_id)

    await world.engine.studio.motions.keeping.remove(THEO, motion.id)
    await world.engine.studio.acknowledged(order.job_id, answer_id=5)
    job = await world.until_closed(order.job_id)
    await clearing.clear(equipment)

    assert job.state is JobState.DELIVERED
    assert list(await world.storage.keys("motions")) == []
    await world.check()


async def test_a_video_in_the_pictures_place_is_refused_with_a_reason(world: World) -> None:
    motion = await a_motion(world.engine.studio._equipment, "wave")

    job = await world.until_closed(await ordered(world, an_order_with(world, motion, sandbox_world.clip())))

    assert job.ending is not None
    assert (job.state, job.ending.code, job.ending.cost_usd_micros) == (
        JobState.FAILED,
        "motion_with_video",
        0,
    )
    await world.check()


def test_a_journal_brings_an_order_back_with_its_motion(tmp_path: Path) -> None:
    motion = SourceFile("", "wave", 1000, "video/mp4", motion_id="motion1")
    order = replace(an_order(), video=motion)
    shelf = Shelf(tmp_path, "orders-")
    journal = shelf.open()
    journal.note(order)
    assert journal._descriptor is not None

    # As when the process ends: the lock goes, the file stays.
    os.close(journal._descriptor)
    [leftover] = shelf.left_behind()

    assert [intent.order for intent in leftover.intents()] == [order]
    leftover.release()
