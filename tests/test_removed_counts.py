"""A clip that is paid for and taken down or posted nowhere fills its member's and its server's shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from studio.database import Database
from studio.errors import DeskGone
from studio.keeping import is_showable
from studio.models import Job, JobState
from studio.sharing.periods import Period
from studio.sharing.policy import Policy, Share
from studio.sharing.quotas import Usage
from tests.pool_world import booked, folded
from tests.studio_world import CHARGE, World, studio_at_work
from tests.test_approvals import MEMBER, MODERATOR, prepared, rule, used

Remove = Callable[[World, Job], Awaitable[None]]
ONE_CLIP = Policy(pool=Share(Period.DAY, clips=1))


async def forget(world: World, job: Job) -> None:
    await world.engine.care.privacy.forget(job.order.member.id)


async def take_down(world: World, job: Job) -> None:
    await world.engine.care.safety.take_down(job, by=MODERATOR, reason="rude")


@pytest.mark.parametrize("remove", [forget, take_down])
@pytest.mark.parametrize("begun", [True, False])
async def test_what_was_charged_stays_counted_and_what_was_given_back_does_not(
    tmp_path: Path, database: Database, remove: Remove, begun: bool
) -> None:
    async with studio_at_work(tmp_path, seconds=4, database=database) as world:
        await rule(world, ONE_CLIP)
        job_id = await prepared(world)
        job = await world.until_in(job_id, JobState.RENDERING)
        if begun:
            await world.eventually(lambda: any(job.status == "processing" for job in world.sandbox.jobs))

        await remove(world, job)
        ended = await world.until_closed(job_id)

        assert ended.ending is not None
        if remove is forget:
            # What is left goes by itself, once the job is closed.
            assert await world.engine.care.forgetting.go_on(MEMBER)
        assert await booked(database) == await folded(database)
        charged = world.sandbox.account.net
        assert ended.ending.cost_usd_micros == charged
        assert (ended.state, ended.ending.code) == (
            JobState.CANCELLED, "taken_down" if charged else "cancelled"
        )  # fmt: skip
        assert charged == (CHARGE if begun else 0)
        assert await used(world, job) == Usage(int(begun), charged)


async def test_a_clip_that_could_be_posted_nowhere_counts_since_it_is_shown_elsewhere(
    tmp_path: Path, database: Database
) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        await rule(world, ONE_CLIP)
        job_id = await prepared(world)
        world.desk.fails = [DeskGone()]

        job = await world.until_closed(job_id)

        assert (world.outcome(job_id), is_showable(job)) == ("nowhere_to_deliver", True)
        assert await booked(database) == await folded(database)
        assert await used(world, job) == Usage(1, CHARGE)
