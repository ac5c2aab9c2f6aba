"""The sweep: finds every job that still needs work, and every file that is past its time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from studio import jobs
from studio.census import Census
from studio.delivery import purge
from studio.equipment import Equipment
from studio.ports import Dispatcher

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 60.0

SWEEP_FOR_OTHERS_SECONDS = 10.0
"""How often to sweep where other processes may die while this one lives on."""

LONGEST_REST_SECONDS = 3600.0

AT_REST = timedelta(seconds=5)
"""How long nothing has happened to a job that its own process seems to have lost."""


class Caretaker:
    """Wakes whatever was in the air when a process died, at the start and regularly.

    `alone` False: the work is done by several processes, any of which may die.
    """

    def __init__(
        self, equipment: Equipment, dispatcher: Dispatcher, census: Census, *, alone: bool = True
    ) -> None:
        self._equipment = equipment
        self._alone = alone
        self._dispatcher = dispatcher
        self._census = census

    async def run(self) -> None:
        """Sweep until cancelled."""
        if self._alone:
            await self._take_over()
            await asyncio.sleep(SWEEP_SECONDS)
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_SECONDS if self._alone else SWEEP_FOR_OTHERS_SECONDS)

    async def sweep(self) -> None:
        """Wake what nobody seems to be at work at."""
        await self._census.refresh()
        async with self._equipment.database.read() as connection:
            resting = timedelta(0) if self._alone else AT_REST
            due = await jobs.due_ids(connection, self._equipment.clock(), resting=resting)
        for job_id in due:
            self._dispatcher.wake(job_id)
        await self._purge()

    async def _take_over(self) -> None:
        """Wake each job at its own time: the process that was to do so has ended."""
        await self._census.refresh()
        async with self._equipment.database.read() as connection:
            moments = await jobs.waking_times(connection)
        now = self._equipment.clock()
        for job_id, wake_at in moments:
            rest = 0.0 if wake_at is None else (wake_at - now).total_seconds()
            # No step rests longer by itself: a clock that was set back must not put a job to sleep.
            self._dispatcher.wake(job_id, after_seconds=min(max(0.0, rest), LONGEST_REST_SECONDS))
        await self._purge()

    async def _purge(self) -> None:
        await self._equipment.storage.sweep()
        purged = await purge(self._equipment)
        if purged:
            log.info("files_purged", jobs=purged)
