"""What nobody foresaw ends no order that may have been charged, and holds up nobody for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from providers.pixelbyte import PixelByte
from providers.sandbox import Fault
from providers.sandbox.faults import Reset
from studio import attempts, jobs
from studio.models import JobState
from studio.ports import RemoteListing
from studio.work import CRASHES_BEFORE_GIVING_UP
from tests.studio_world import QUICK, World, studio_at_work

LOST = Fault(on="submit", reset=Reset.AFTER, processed=True)


def stumbling(times: float) -> Callable[[PixelByte], AsyncIterator[RemoteListing]]:
    """A list of renders that fails so often in a way that nobody foresaw."""
    readable, left = PixelByte.recent, [times]

    async def recent(client: PixelByte) -> AsyncIterator[RemoteListing]:
        left[0] -= 1
        if left[0] >= 0:
            raise KeyError("nobody foresaw this")
        async for listing in readable(client):
            yield listing

    return recent


async def has_failed_often(world: World, job_id: str, state: JobState) -> None:
    """Have the next failure of the job's step be one too many, at the next start."""
    job = await world.job(job_id)
    async with world.database.write() as connection:
        if job.state is not state:
            job = await jobs.move(connection, job, state, now=world.now())
        await jobs.amend(connection, job, tries=CRASHES_BEFORE_GIVING_UP, wake_at=world.now())


async def test_a_lost_order_is_looked_for_on_after_many_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(LOST, Fault(on="list", times=None, code="INVALID_INPUT"))
        job_id = await world.order("lost")
        await world.until(job_id, lambda job: job.state is JobState.UNKNOWN and job.tries)
        await world.stop()
        await has_failed_often(world, job_id, JobState.UNKNOWN)
        world.sandbox.faults.clear()
        monkeypatch.setattr(PixelByte, "recent", stumbling(1))

        await world.start()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.renders_of("lost")) == 1


async def test_a_search_that_fails_again_and_again_is_given_up_in_time_and_the_others_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PixelByte, "recent", stumbling(float("inf")))
    waits = replace(QUICK, give_up_render=4.0)
    async with studio_at_work(tmp_path, waits=waits, max_concurrent_jobs=1) as world:
        world.sandbox.faults.add(Fault(on="submit", code="INTERNAL_ERROR"))
        lost = await world.order("lost")
        await world.until_in(lost, JobState.UNKNOWN)
        other = await world.order("other", member=11)

        await world.eventually(lambda: world.operator.about("cannot be looked for"))
        await world.until_closed(lost)

        assert world.outcome(lost) == "order_unexplained"
        assert "order " + lost + " is unexplained" in world.operator.history
        await world.until_in(other, JobState.RENDERING)


async def test_an_order_that_fails_while_it_is_sent_is_looked_for_before_it_ends(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        failures = [KeyError("nobody foresaw this")]

        def address(token: str) -> str | None:
            if failures:
                raise failures.pop()
            return None

        world.terms = replace(world.terms, webhook_address=address)
        await world.stop()
        job_id = await world.order("sent")
        await has_failed_often(world, job_id, JobState.SUBMITTING)

        await world.start()

        await world.check()
        assert failures == []
        assert world.outcome(job_id) == "clip"
        async with world.database.read() as connection:
            assert not await attempts.is_in_doubt(connection, "test")
