"""The in-process dispatcher: wakes jobs, each advanced by one task at a time."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools

import structlog

from studio.ports import Advance

log = structlog.get_logger(__name__)

FAR_SECONDS = 120.0
"""What is to be woken later than this is left to the sweep: ten thousand resting jobs cost no memory."""

FEW = 16
"""With so many at work the machine has enough to do."""

TURN_SECONDS = 0.015
"""How long a job waits for others at most before it begins as well: they may only be waiting themselves."""


class InProcessDispatcher:
    """Satisfies `studio.ports.Dispatcher` inside one event loop.

    `run()` must be running for anything to happen; `wake` may be called from any task of the loop and
    starts nothing itself, so that the caller (an interaction's callback) owns none of the work.

    Of many that are woken together a few start at once and the others in turn: the first are done long before
    the last, where all would else be done at the end.
    """

    def __init__(self, advance: Advance, *, at_once: int = 64) -> None:
        self._advance = advance
        self._at_once = at_once
        self._ready: dict[str, None] = {}
        self._later: list[tuple[float, int, str]] = []
        self._soonest: dict[str, float] = {}
        self._order = itertools.count()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._news: set[str] = set()
        self._changed = asyncio.Event()
        self._one_ended = asyncio.Event()
        self._stopping = False

    def wake(self, job_id: str, *, after_seconds: float = 0.0, news: bool = False) -> None:
        if news:
            self._news.add(job_id)
        if after_seconds > 0:
            self._wake_later(job_id, after_seconds)
        elif job_id in self._running:
            self._again.add(job_id)
        else:
            self._ready[job_id] = None
        self._changed.set()

    async def run(self) -> None:
        """Advance woken jobs until cancelled or stopped."""
        while not self._stopping:
            self._changed.clear()
            self._promote_due()
            while self._ready and len(self._running) < self._at_once and not self._stopping:
                self._start(next(iter(self._ready)))
                if self._ready:
                    await self._until_few()
                    self._promote_due()
            try:
                await asyncio.wait_for(self._changed.wait(), self._seconds_to_next())
            except TimeoutError:
                continue

    async def _until_few(self) -> None:
        """Let those at work get on, but not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TURN_SECONDS):
                while len(self._running) >= FEW and not self._stopping:
                    self._one_ended.clear()
                    await self._one_ended.wait()

    async def stop(self, *, grace_seconds: float) -> None:
        """Start nothing more, let running steps reach their end, cancel what takes longer."""
        self._stopping = True
        self._changed.set()
        running = list(self._running.values())
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=grace_seconds)
        for task in late:
            task.cancel()
        if late:
            # Their rows say where they are: the next start takes them up again.
            log.info("steps_interrupted", count=len(late))
            await asyncio.gather(*late, return_exceptions=True)

    def _wake_later(self, job_id: str, after_seconds: float) -> None:
        when = asyncio.get_running_loop().time() + after_seconds
        # A step that is run too early says itself when it wants to be run again.
        if after_seconds <= FAR_SECONDS and when < self._soonest.get(job_id, float("inf")):
            self._soonest[job_id] = when
            heapq.heappush(self._later, (when, next(self._order), job_id))

    def _promote_due(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._later and self._later[0][0] <= now:
            when, _, job_id = heapq.heappop(self._later)
            if self._soonest.get(job_id) == when:
                del self._soonest[job_id]
                self.wake(job_id)

    def _seconds_to_next(self) -> float | None:
        if not self._later:
            return None
        return max(0.0, self._later[0][0] - asyncio.get_running_loop().time())

    def _start(self, job_id: str) -> None:
        del self._ready[job_id]
        news = job_id in self._news
        self._news.discard(job_id)
        task = asyncio.create_task(self._advance(job_id, news=news), name=f"job {job_id}")
        self._running[job_id] = task
        task.add_done_callback(lambda _task: self._finished(job_id))

    def _finished(self, job_id: str) -> None:
        del self._running[job_id]
        if job_id in self._again:
            self._again.discard(job_id)
            self._ready[job_id] = None
        self._one_ended.set()
        self._changed.set()
