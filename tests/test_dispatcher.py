"""The dispatcher: one task for a job at a time, no wake-up lost, and an end in time."""

from __future__ import annotations

import asyncio
from collections import Counter

from studio.dispatcher import InProcessDispatcher


async def running(dispatcher: InProcessDispatcher) -> asyncio.Task[None]:
    task = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0)
    return task


async def test_a_job_woken_while_it_runs_runs_once_more_and_never_twice_at_once() -> None:
    runs: Counter[str] = Counter()
    at_once: Counter[str] = Counter()
    go_on, done_twice = asyncio.Event(), asyncio.Event()

    async def advance(job_id: str, /, *, news: bool) -> None:
        at_once[job_id] += 1
        assert at_once[job_id] == 1
        runs[job_id] += 1
        await go_on.wait()
        at_once[job_id] -= 1
        if runs[job_id] == 2:
            done_twice.set()

    dispatcher = InProcessDispatcher(advance)
    task = await running(dispatcher)
    dispatcher.wake("a")
    await asyncio.sleep(0.01)
    for _ in range(5):
        dispatcher.wake("a")
    go_on.set()
    await asyncio.wait_for(done_twice.wait(), 10)
    await dispatcher.stop(grace_seconds=5)
    await task

    assert runs["a"] == 2


async def test_later_wake_ups_come_in_their_order() -> None:
    seen: list[str] = []
    all_seen = asyncio.Event()

    async def advance(job_id: str, /, *, news: bool) -> None:
        seen.append(job_id)
        if len(seen) == 3:
            all_seen.set()

    dispatcher = InProcessDispatcher(advance)
    task = await running(dispatcher)
    dispatcher.wake("last", after_seconds=0.2)
    dispatcher.wake("second", after_seconds=0.05)
    dispatcher.wake("first")
    await asyncio.wait_for(all_seen.wait(), 10)
    await dispatcher.stop(grace_seconds=1)
    await task

    assert seen == ["first", "second", "last"]


async def test_no_more_jobs_run_at_once_than_allowed() -> None:
    now, most = 0, 0
    finished = asyncio.Event()
    count = 0

    async def advance(_job_id: str, /, *, news: bool) -> None:
        nonlocal now, most, count
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        count += 1
        if count == 9:
            finished.set()

    dispatcher = InProcessDispatcher(advance, at_once=3)
    task = await running(dispatcher)
    for index in range(9):
        dispatcher.wake(str(index))
    await asyncio.wait_for(finished.wait(), 10)
    await dispatcher.stop(grace_seconds=1)
    await task

    assert most == 3


async def test_stopping_waits_for_a_quick_step_and_cancels_an_endless_one() -> None:
    outcome: dict[str, str] = {}

    async def advance(job_id: str, /, *, news: bool) -> None:
        try:
            await asyncio.sleep(0.05 if job_id == "quick" else 3600)
        except asyncio.CancelledError:
            outcome[job_id] = "cancelled"
            raise
        outcome[job_id] = "finished"

    dispatcher = InProcessDispatcher(advance)
    task = await running(dispatcher)
    dispatcher.wake("quick")
    dispatcher.wake("endless")
    await asyncio.sleep(0.01)
    await dispatcher.stop(grace_seconds=2)
    await task

    assert outcome == {"quick": "finished", "endless": "cancelled"}


async def test_news_reach_the_job_by_whichever_wake_up_comes_first_and_only_once() -> None:
    runs: list[tuple[str, bool]] = []
    all_begun, go_on = asyncio.Event(), asyncio.Event()

    async def advance(job_id: str, /, *, news: bool) -> None:
        runs.append((job_id, news))
        if len(runs) == 3:
            all_begun.set()
        await go_on.wait()

    dispatcher = InProcessDispatcher(advance)
    task = await running(dispatcher)
    dispatcher.wake("rung")
    dispatcher.wake("rung", news=True)
    dispatcher.wake("later", after_seconds=60, news=True)
    dispatcher.wake("later")
    dispatcher.wake("running")
    await asyncio.wait_for(all_begun.wait(), 10)
    dispatcher.wake("running", news=True)
    dispatcher.wake("running")
    go_on.set()
    async with asyncio.timeout(10):
        while len(runs) < 4:  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.01)
    dispatcher.wake("running")
    await asyncio.sleep(0.05)
    await dispatcher.stop(grace_seconds=1)
    await task

    assert runs == [
        ("rung", True), ("later", True), ("running", False), ("running", True), ("running", False),
    ]  # fmt: skip


async def test_what_is_due_later_is_not_kept_waiting_by_those_who_come_one_after_the_other() -> None:
    seen: list[str] = []

    async def advance(job_id: str, /, *, news: bool) -> None:
        seen.append(job_id)
        await asyncio.sleep(0.005)
        if job_id != "due" and len(seen) < 1000:
            dispatcher.wake(f"{job_id}+")

    dispatcher = InProcessDispatcher(advance)
    task = await running(dispatcher)
    dispatcher.wake("due", after_seconds=0.1)
    for number in range(20):
        dispatcher.wake(str(number))
    async with asyncio.timeout(20):
        while "due" not in seen:  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.01)
    await dispatcher.stop(grace_seconds=1)
    await task

    assert seen.index("due") < 500
