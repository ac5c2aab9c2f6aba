"""Keeps the status cards true: each change at once, the passing of time now and then."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import structlog

from studio import jobs, overviews
from studio.equipment import Equipment
from studio.errors import DeskError
from studio.forecast import Forecast
from studio.holdups import holdup_of
from studio.models import Job, JobState, Progress
from studio.progress import Turn, progress_of
from studio.recent import Recent
from studio.sharing import standstill
from studio.sharing.standstill import Standstill

log = structlog.get_logger(__name__)

TICK_SECONDS = 3.0
EDIT_EVERY_SECONDS = 12.0
"""How long a card rests between two edits that only show that time passes."""

TICKS = 9
"""How many cards of renders are looked at each time, in turn: with more than 36 of them each rests longer."""

FRONT = 20
"""The first places in the queue are kept true at once; of those behind them, as many in turn each time."""

QUEUE_RESTS_SECONDS = 0.001
"""How long the queue is not looked at again for each job in it: a long one must not fill a core."""

EDITS_AT_ONCE = 32
REMEMBERED_CARDS = 2000

WORTH_TELLING = timedelta(seconds=60)
"""By how much an expected start has to change for that alone to be shown."""


class Display:
    """Shows jobs on their cards; one edit of a card at a time, always from the newest row.

    `alone` False: other processes show the same jobs, each what it changed, one of them the passing of time.
    """

    def __init__(self, equipment: Equipment, *, alone: bool = True) -> None:
        self._equipment = equipment
        self._alone = alone
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._line_moved = asyncio.Event()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._shown_at: Recent[float] = Recent(REMEMBERED_CARDS)
        self._shown_turns: Recent[Turn] = Recent(REMEMBERED_CARDS)
        self._last_ticked: tuple[datetime, str] | None = None
        self._last_place = FRONT
        self._queue_rests_until = float("-inf")
        self._standstill = Standstill()
        self._forecast = Forecast(equipment)

    def changed(self, job_id: str) -> None:
        """The job's state moved: its card is brought up to date soon."""
        self._changed[job_id] = None
        self._wake.set()

    def line_moved(self) -> None:
        """Jobs left the queue: those who are next then are told soon."""
        self._line_moved.set()

    async def conclude(self, job: Job) -> None:
        """Bring card and answer to their final form; no later edit undoes it. Raises `DeskError`."""
        async with self._lock(job.id):
            await self._equipment.desk.conclude(job, await self._progress(job, None))
        self._shown_at.forget(job.id)
        self._shown_turns.forget(job.id)

    async def show_changes(self) -> None:
        """Show what this process changes, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(EDITS_AT_ONCE):
                group.create_task(self._keep_showing())

    async def show_time(self) -> None:
        """Show the passing of time, of every job, until cancelled."""
        while True:
            self._line_moved.clear()
            await self._tick_renders()
            await self._tick_pauses()
            await self._tick_queue()
            try:
                await asyncio.wait_for(self._line_moved.wait(), TICK_SECONDS)
            except TimeoutError:
                continue

    async def _keep_showing(self) -> None:
        while True:
            await self._wake.wait()
            if not self._changed:
                self._wake.clear()
                continue
            job_id = next(iter(self._changed))
            del self._changed[job_id]
            await self._show(job_id, urgent=True)

    async def _tick_renders(self) -> None:
        async with self._equipment.database.read() as connection:
            page = await overviews.rendering_cards(connection, after=self._last_ticked, limit=TICKS)
        self._last_ticked = page[-1] if len(page) == TICKS else None
        for _, job_id in page:
            shown_at = self._shown_at.get(job_id)
            rested = shown_at is None or self._time() - shown_at >= EDIT_EVERY_SECONDS
            if rested and not await self._show(job_id, urgent=False):
                return

    async def _tick_pauses(self) -> None:
        """Have every card say so where moderators or the operator began or ended a pause."""
        async with self._equipment.database.read() as connection:
            before, self._standstill = self._standstill, await standstill.read(connection)
            if before != self._standstill:
                for job_id, guild_id in await overviews.waiting(connection):
                    if self._standstill.differs_at(guild_id, before):
                        self.changed(job_id)

    async def _tick_queue(self) -> None:
        """Show new places: at the front at once, further back in turn."""
        if self._time() < self._queue_rests_until:
            return
        waiting = await self._forecast.waiting()
        self._queue_rests_until = self._time() + waiting * QUEUE_RESTS_SECONDS
        if not waiting:
            return
        first, last = self._last_place + 1, self._last_place + FRONT
        line = await self._forecast.turns(front=FRONT, first=first, last=last)
        self._last_place = last if len(line) == 2 * FRONT else FRONT
        for job_id, turn in line.items():
            if self._is_news(job_id, turn) and not await self._show(job_id, urgent=False, turn=turn):
                return

    def _is_news(self, job_id: str, turn: Turn) -> bool:
        shown = self._shown_turns.get(job_id)
        if shown is None or shown.place != turn.place:
            return True
        if shown.starts_at is None or turn.starts_at is None:
            return shown.starts_at is not turn.starts_at
        return abs(shown.starts_at - turn.starts_at) >= WORTH_TELLING

    async def _show(self, job_id: str, *, urgent: bool, turn: Turn | None = None) -> bool:
        """Show the job as it is now; False when there was no room for an edit that is not urgent."""
        async with self._lock(job_id):
            async with self._equipment.database.read() as connection:
                job = await jobs.get(connection, job_id)
            if job is None or job.state.ended or job.place.card_id is None:
                # What an ended job still has to show is said by `conclude`.
                return True
            shown = await self._show_as_it_is(job, turn, urgent=urgent)
            if not self._alone:
                await self._conclude_again(job_id)
            return shown

    async def _show_as_it_is(self, job: Job, turn: Turn | None, *, urgent: bool) -> bool:
        if job.state is not JobState.QUEUED:
            turn = None
        elif turn is None:
            turn = await self._forecast.turn_of(job.id)
        progress = await self._progress(job, turn)
        try:
            shown = await self._equipment.desk.show(job, progress, urgent=urgent)
        except DeskError as error:
            log.info("card_not_shown", job_id=job.id, error=error.code)
            shown = True
        if shown:
            self._shown_at[job.id] = self._time()
            if turn is not None:
                self._shown_turns[job.id] = turn
        return shown

    async def _conclude_again(self, job_id: str) -> None:
        """Mend the card of a job that another process concluded while ours was on its way."""
        async with self._equipment.database.read() as connection:
            job = await jobs.get(connection, job_id)
        if job is None or not job.state.ended:
            return
        try:
            await self._equipment.desk.conclude(job, await self._progress(job, None))
        except DeskError as error:
            log.info("card_not_shown", job_id=job_id, error=error.code)

    async def _progress(self, job: Job, turn: Turn | None) -> Progress:
        equipment = self._equipment
        now = equipment.clock()
        async with equipment.database.read() as connection:
            holdup = await holdup_of(connection, job, waits=equipment.terms.waits, now=now)
        progress = progress_of(
            job,
            now=now,
            turn=turn,
            waiting_for=holdup,
            usual_render_seconds=await self._forecast.usual_render_seconds(),
        )
        permille = int(progress.fraction * 1000)
        # No card of an ended job shows a bar again.
        if permille > job.progress and not job.state.ended:
            async with equipment.database.write_once() as connection:
                await jobs.raise_progress(connection, job.id, permille)
        return progress

    def _lock(self, job_id: str) -> asyncio.Lock:
        return self._locks.setdefault(job_id, asyncio.Lock())

    def _time(self) -> float:
        return asyncio.get_running_loop().time()
