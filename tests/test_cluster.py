"""The dispatcher over several processes: one step of a job at a time anywhere, and no wake-up lost."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from studio import schema
from studio.cluster import ClusterDispatcher, Lead
from studio.database import Database
from studio.outbox import Outbox, span_of
from studio.ports import Advance
from studio.pulse import Pulse
from tests.cluster_world import cable, new_database

PATIENCE = 60.0


async def never() -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def url(postgresql: str) -> str:
    url = new_database(postgresql)
    database = Database(url)
    await schema.upgrade(database)
    await database.close()
    return url


@asynccontextmanager
async def dispatcher(
    url: str, advance: Advance | None, lead: Lead = never
) -> AsyncIterator[ClusterDispatcher]:
    """A dispatcher at work, as one process would have it."""
    database = Database(url)
    made = ClusterDispatcher(database, advance=advance, lead=lead)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        await made.stop(grace_seconds=2)
        await asyncio.wait_for(task, PATIENCE)
        await database.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes, too
            await asyncio.sleep(0.02)


class Steps:
    """Counts the steps of each job, and that no two of one job ran at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.runs: Counter[str] = Counter()
        self.at_once: Counter[str] = Counter()
        self.news: Counter[str] = Counter()
        self.most = 0
        self._seconds = seconds

    async def advance(self, job_id: str, /, *, news: bool) -> None:
        self.news[job_id] += news
        self.at_once[job_id] += 1
        self.most = max(self.most, self.at_once[job_id])
        self.runs[job_id] += 1
        await asyncio.sleep(self._seconds)
        self.at_once[job_id] -= 1


async def test_a_gateway_wakes_and_workers_work_each_job_once_at_a_time(url: str) -> None:
    steps = Steps(seconds=0.05)

    async with (
        dispatcher(url, None) as gateway,
        dispatcher(url, steps.advance),
        dispatcher(url, steps.advance),
    ):
        for _ in range(3):
            for job in range(20):
                gateway.wake(f"job{job}")
            await asyncio.sleep(0.1)
        await until(lambda: len(steps.runs) == 20 and not +steps.at_once)

    assert steps.most == 1


async def test_a_wake_up_that_comes_while_the_job_runs_runs_it_once_more(url: str) -> None:
    steps = Steps(seconds=1.0)

    async with dispatcher(url, steps.advance) as worker, dispatcher(url, steps.advance) as other:
        worker.wake("job")
        await until(lambda: steps.at_once["job"])
        for _ in range(5):
            other.wake("job")
            worker.wake("job")
        await until(lambda: steps.runs["job"] == 2 and not steps.at_once["job"])
        await asyncio.sleep(1.5)

    assert (steps.runs["job"], steps.most) == (2, 1)


async def test_a_long_delay_stands_in_the_way_of_neither_a_short_one_nor_of_now(url: str) -> None:
    steps = Steps()

    async with dispatcher(url, steps.advance) as worker:
        worker.wake("job", after_seconds=3600)
        await asyncio.sleep(0.5)
        worker.wake("job", after_seconds=1)
        await until(lambda: steps.runs["job"] == 1)
        worker.wake("job")
        await until(lambda: steps.runs["job"] == 2)


async def test_one_of_the_working_processes_leads_and_another_one_after_it(url: str) -> None:
    leading: Counter[str] = Counter()

    def leader(name: str) -> Lead:
        async def lead() -> None:
            leading[name] += 1
            try:
                await never()
            finally:
                leading[name] -= 1

        return lead

    steps = Steps()
    async with dispatcher(url, steps.advance, leader("second")):
        async with dispatcher(url, steps.advance, leader("first")):
            await until(lambda: +leading)
            [before] = list(+leading)
            await asyncio.sleep(6)
            still = list(+leading)
        # The first has ended: whichever led, now the second does.
        await until(lambda: +leading)
        after = list(+leading)

    assert still == [before]
    assert after == ["second"]


async def test_steps_that_take_too_long_at_the_end_are_handed_on(url: str) -> None:
    cancelled: list[str] = []
    steps = Steps()

    async def endless(job_id: str, /, *, news: bool) -> None:
        try:
            await never()
        except asyncio.CancelledError:
            cancelled.append(job_id)
            raise

    async with dispatcher(url, endless) as worker:
        worker.wake("job", news=True)
        await asyncio.sleep(1)
        await worker.stop(grace_seconds=0.1)
        async with dispatcher(url, steps.advance):
            await until(lambda: steps.runs["job"])

    assert cancelled == ["job"]
    assert steps.news["job"] == 1


async def test_news_are_told_from_other_wake_ups_and_reach_another_process(url: str) -> None:
    steps = Steps(seconds=0.5)

    async with dispatcher(url, None) as gateway, dispatcher(url, steps.advance):
        gateway.wake("job")
        await until(lambda: steps.at_once["job"])
        gateway.wake("job")
        await asyncio.sleep(0.1)
        gateway.wake("job", news=True)
        gateway.wake("job", news=True)
        await until(lambda: steps.news["job"] and not steps.at_once["job"])
        await asyncio.sleep(1.5)

    assert (steps.runs["job"], steps.news["job"]) == (3, 1)


async def test_an_outage_of_the_database_loses_no_wake_up_and_sets_every_lock_free(url: str) -> None:
    steps = Steps(seconds=0.3)

    with tempfile.TemporaryDirectory(prefix="cut-", dir="/tmp") as folder:
        async with cable(url, Path(folder)) as line, dispatcher(line.url, steps.advance) as worker:
            worker.wake("before")
            await until(lambda: steps.at_once["before"])
            await line.cut()
            for job in ("during", "before"):
                worker.wake(job)
            await asyncio.sleep(3)
            await line.join()
            await until(lambda: steps.runs["during"] and steps.runs["before"] > 1)


async def test_the_tables_are_made_once_by_many_at_once(url: str) -> None:
    database = Database(url)
    made = [ClusterDispatcher(database, advance=None, lead=never) for _ in range(4)]

    await asyncio.gather(*(each.prepare() for each in made))
    await made[0].prepare()

    await database.close()


# ── parts ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("seconds", "span"), [(-1, 0), (0, 0), (0.3, 1), (1, 1), (2, 2), (3, 3), (60, 7)])
def test_delays_are_told_apart_by_their_power_of_two(seconds: float, span: int) -> None:
    assert span_of(seconds) == span


def test_a_wish_that_comes_while_one_is_being_sent_is_kept() -> None:
    outbox = Outbox()
    outbox.put("a", 0)
    sending = outbox.take()
    outbox.put("a", 0)

    later = outbox.take()
    outbox.put_back(sending)
    outbox.put_back(later)

    assert (len(sending), len(later), len(outbox.take())) == (1, 1, 1)


async def test_a_process_that_stood_still_drops_its_work_before_it_goes_on() -> None:
    import time

    seen: list[str] = []

    async def step() -> None:
        await asyncio.sleep(0.2)
        seen.append("went on")

    task = asyncio.create_task(step())
    with Pulse(limit_seconds=1.0, on_standstill=lambda _seconds: task.cancel()):
        await asyncio.sleep(0.05)
        time.sleep(2.5)  # noqa: ASYNC251 - stands for a signal that stops the whole process
        await asyncio.wait({task})

    assert seen == []
