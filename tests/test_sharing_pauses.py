"""A paused server's clips wait and say so, and a member's share decides how long a video may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio import queue
from studio.database import Database
from studio.holdups import holdup_of
from studio.models import JobState
from studio.sharing import house
from studio.sharing.house import House
from studio.sharing.policy import Allowance, Policy, Share
from studio.waits import Waits
from tests import sandbox_world
from tests.builders import FixedClock, a_job
from tests.media_files import clip_mp4
from tests.pool_world import PRICE, set_rules
from tests.studio_world import studio_at_work


async def claimed(database: Database, clock: FixedClock) -> list[str]:
    async with database.write() as connection:
        given = await queue.claim(connection, most=9, slot_recovery=300, account="test", now=clock())
    return [job.id for job in given]


async def test_what_waits_in_a_paused_server_goes_on_by_itself_when_it_is_open_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "LOOK_SECONDS", 0.3)
    async with studio_at_work(tmp_path) as world:
        await set_rules(world.database, Policy(paused=True), guild_id=2)
        waits = await world.order("here", guild=2, member=20)
        goes_on = await world.order("elsewhere", guild=1)

        await world.until_closed(goes_on)
        await world.eventually(lambda: set(world.desk.holdups.get(waits, ())) == {"waiting_for_moderators"})
        assert world.renders_of("here") == []
        await set_rules(world.database, Policy(), guild_id=2)

        await world.check()
        assert world.outcome(waits) == "clip"


async def test_in_a_paused_house_nothing_gets_a_slot(database: Database, clock: FixedClock) -> None:
    job = await a_job(database, JobState.QUEUED)
    async with database.write() as connection:
        await house.write(connection, House(paused=True))

    during = await claimed(database, clock)
    async with database.read() as connection:
        said = await holdup_of(connection, job, waits=Waits(), now=clock())
    async with database.write() as connection:
        await house.write(connection, House(draining=True))
    after = await claimed(database, clock)

    assert (during, said, after) == ([], "waiting_for_house", [job.id])


async def test_a_job_that_has_its_slot_when_its_server_is_paused_goes_back_to_the_queue(
    tmp_path: Path,
) -> None:
    async with studio_at_work(tmp_path) as world:
        upload, first = world.engine._work._steps[JobState.SUBMITTING], []

        async def paused_meanwhile(job):  # type: ignore[no-untyped-def]  # stands before the real step
            if not first:
                first.append(job.id)
                await set_rules(world.database, Policy(paused=True))
            return await upload(job)

        world.engine._work._steps[JobState.SUBMITTING] = paused_meanwhile
        job_id = await world.order("here")

        await world.until(job_id, lambda job: first and job.state is JobState.QUEUED)

        assert world.renders_of("here") == []


async def test_a_members_share_cuts_the_video_and_says_so(tmp_path: Path) -> None:
    video = clip_mp4(tmp_path / "long.mp4", seconds=6)
    everyone = Allowance(role_id=1, share=Share(), longest_seconds=4.0)
    async with studio_at_work(tmp_path) as world:
        await set_rules(world.database, Policy(allowances=(everyone,)))

        job_id = await world.order_from_scratch(sandbox_world.picture(), video)
        job = await world.until_closed(job_id)

    assert job.inputs is not None
    assert 3.5 < job.inputs.seconds <= 4.0
    assert job.cost_usd_micros == 4 * PRICE
    (notice,) = (notice for notice in job.inputs.notices if "trimmed" in notice.code)
    assert (notice.code, notice.facts["limit"]) == ("notice_video_trimmed_share", 4.0)


async def test_a_higher_priority_goes_first_in_its_own_server_only(
    database: Database, clock: FixedClock
) -> None:
    boosters = Allowance(role_id=7, priority=5)
    await set_rules(database, Policy(allowances=(boosters,)))
    elsewhere = await a_job(database, JobState.QUEUED, guild_id=2)
    ordinary = await a_job(database, JobState.QUEUED, member_id=11)
    first = await a_job(database, JobState.QUEUED, member_id=12, priority=5)

    assert await claimed(database, clock) == [elsewhere.id, first.id, ordinary.id]
