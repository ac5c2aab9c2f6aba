"""Another version of a clip is made from what is kept of the first, byte for byte, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.ids import new_job_id
from studio.keeping import kept_files
from studio.lineage import Parent
from studio.models import JobState, Member, Order, Place, Wishes
from tests import sandbox_world
from tests.studio_world import World, studio_at_work


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with studio_at_work(tmp_path) as world:
        yield world


async def order_again(world: World, first_id: str) -> str:
    """Have another version of a finished clip ordered, as the press below it does."""
    first = await world.job(first_id)
    assert first.inputs is not None
    picture, video = kept_files(first, first.inputs)
    now = world.now()
    order = Order(
        job_id=new_job_id(now),
        member=Member(10, "member 10"),
        place=Place(guild_id=1, channel_id=100, interaction_token="secret"),
        picture=picture,
        video=video,
        wishes=Wishes(prompt="another one"),
        ordered_at=now,
        parent=Parent(first_id, 100, 9000),
    )
    await world.engine.studio.register.take(order)
    world.ordered.append(order.job_id)
    return order.job_id


async def test_it_is_delivered_from_the_same_picture_and_motion(world: World) -> None:
    first_id = await world.order_from_scratch(sandbox_world.picture(), sandbox_world.clip())
    first = await world.until_closed(first_id)

    second_id = await order_again(world, first_id)
    await world.engine.studio.acknowledged(second_id, answer_id=6)
    second = await world.until_closed(second_id)

    assert second.state is JobState.DELIVERED
    assert second.order.parent == Parent(first_id, 100, 9000)
    assert first.inputs is not None
    assert second.inputs is not None
    for before, after in (
        (first.inputs.picture_key, second.inputs.picture_key),
        (first.inputs.picture_thumbnail_key, second.inputs.picture_thumbnail_key),
        (first.inputs.video_key, second.inputs.video_key),
    ):
        assert before != after
        whole = 50_000_000
        assert await world.storage.read(before, 0, whole) == await world.storage.read(after, 0, whole)
    await world.check()


async def test_files_that_go_before_they_are_used_end_it_for_nothing(world: World) -> None:
    first_id = await world.order_from_scratch(sandbox_world.picture(), sandbox_world.clip())
    await world.until_closed(first_id)
    second_id = await order_again(world, first_id)

    await world.storage.delete_tree(f"jobs/{first_id}/input")
    await world.engine.studio.acknowledged(second_id, answer_id=6)
    second = await world.until_closed(second_id)

    assert second.state is JobState.FAILED
    assert world.outcome(second_id) == "kept_files_gone"
    assert second.cost_usd_micros in (None, 0)
