"""Keeps the status cards true: each change at once, the passing of time now and then."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict

import structlog

from studio import jobs, queue
from studio.equipment import Equipment
from studio.errors import DeskError
from studio.holdups import holdup_of
from studio.models import Job, JobState, Progress
from studio.progress import progress_of

log = structlog.get_logger(__name__)

TICK_SECONDS = 3.0
EDIT_EVERY_SECONDS = 12.0
"""How long a card rests between two edits that only show that time passes."""

TICKING = (JobState.QUEUED, JobState.RENDERING)


class Display:
    """Shows jobs on their cards; one edit of a card at a time, always from the newest row.

    `alone` False: other processes show the same jobs, each what it changed, one of them the passing of time.
    """

    def __init__(self, equipment: Equipment, *, alone: bool = True) -> None:
        self._equipment = equipment
        self._alone = alone
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._shown: dict[str, tuple[float, int | None]] = {}
        self._usual_render_seconds: float | None = None

    def changed(self, job_id: str) -> None:
        """The job's state moved: its card is brought up to date soon."""
        self._changed[job_id] = None
        self._wake.set()

    async def conclude(self, job: Job) -> None:
        """Bring card and answer to their final form; no later edit undoes it. Raises `DeskError`."""
        async with self._locks[job.id]:
            await self._equipment.desk.conclude(job, await self._progress(job))
        self._shown.pop(job.id, None)
        self._locks.pop(job.id, None)

    async def show_changes(self) -> None:
        """Show what this process changes, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            pending, self._changed = list(self._changed), {}
            await asyncio.gather(*(self._show(job_id, urgent=True) for job_id in pending))

    async def show_time(self) -> None:
        """Show the passing of time, of every job, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            async with self._equipment.database.read() as connection:
                moving = await jobs.in_states(connection, TICKING)
                places = await queue.positions(connection)
            for job in moving:
                shown_at, shown_place = self._shown.get(job.id, (float("-inf"), None))
                rested = loop.time() - shown_at >= EDIT_EVERY_SECONDS
                if rested and (job.state is JobState.RENDERING or places.get(job.id) != shown_place):
                    await self._show(job.id, urgent=False)

    async def _show(self, job_id: str, *, urgent: bool) -> None:
        async with self._locks[job_id]:
            async with self._equipment.database.read() as connection:
                job = await jobs.get(connection, job_id)
            if job is None or job.state.ended or job.place.card_id is None:
                # What an ended job still has to show is said by `conclude`.
                return
            progress = await self._progress(job)
            self._shown[job_id] = (asyncio.get_running_loop().time(), progress.position)
            try:
                await self._equipment.desk.show(job, progress, urgent=urgent)
            except DeskError as error:
                log.info("card_not_shown", job_id=job_id, error=error.code)
            if not self._alone:
                await self._conclude_again(job_id)

    async def _conclude_again(self, job_id: str) -> None:
        """Mend the card of a job that another process concluded while ours was on its way."""
        async with self._equipment.database.read() as connection:
            job = await jobs.get(connection, job_id)
        if job is None or not job.state.ended:
            return
        try:
            await self._equipment.desk.conclude(job, await self._progress(job))
        except DeskError as error:
            log.info("card_not_shown", job_id=job_id, error=error.code)

    async def _progress(self, job: Job) -> Progress:
        equipment = self._equipment
        async with equipment.database.read() as connection:
            places = await queue.positions(connection) if job.state is JobState.QUEUED else {}
            now = equipment.clock()
            holdup = await holdup_of(connection, job, waits=equipment.terms.waits, now=now)
            if job.state in (JobState.QUEUED, JobState.RENDERING):
                self._usual_render_seconds = _median(await jobs.recent_render_seconds(connection))
        progress = progress_of(
            job,
            now=now,
            position=places.get(job.id),
            waiting_for=holdup,
            usual_render_seconds=self._usual_render_seconds,
        )
        async with equipment.database.write() as connection:
            await jobs.raise_progress(connection, job.id, int(progress.fraction * 1000))
        return progress


def _median(seconds: list[float]) -> float | None:
    return statistics.median(seconds) if seconds else None
