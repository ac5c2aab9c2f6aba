"""The sweep: finds every job that still needs work, and every file that is past its time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from studio import jobs, overviews
from studio.census import Census
from studio.delivery import purge
from studio.equipment import Equipment
from studio.moderation import petitions
from studio.ports import Dispatcher
from studio.sharing.spending import watch_budget

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 60.0

SWEEP_FOR_OTHERS_SECONDS = 10.0
"""How often to sweep where other processes may die while this one lives on."""

AHEAD = timedelta(seconds=90)
"""How far ahead jobs are woken for their time: longer than until the next sweep."""

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
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_SECONDS if self._alone else SWEEP_FOR_OTHERS_SECONDS)

    async def sweep(self) -> None:
        """Wake what nobody seems to be at work at; what is due until the next sweep, if nobody else works."""
        await self._census.refresh()
        if self._alone:
            await self._wake_at_their_times()
        else:
            await self._wake_what_is_due()
        await self._purge()
        await watch_budget(self._equipment)

    async def _wake_what_is_due(self) -> None:
        async with self._equipment.database.read() as connection:
            due = await jobs.due_ids(connection, self._equipment.clock(), resting=AT_REST)
        for job_id in due:
            self._dispatcher.wake(job_id)

    async def _wake_at_their_times(self) -> None:
        """Wake each job at its own time: the process that was to do so may have ended."""
        now = self._equipment.clock()
        async with self._equipment.database.read() as connection:
            moments = await overviews.waking_times(connection, now, within=AHEAD)
        for job_id, wake_at in moments:
            rest = 0.0 if wake_at is None else (wake_at - now).total_seconds()
            self._dispatcher.wake(job_id, after_seconds=max(0.0, rest))

    async def _purge(self) -> None:
        async with self._equipment.database.write() as connection:
            await petitions.sweep(connection, self._equipment.clock())
        await self._equipment.storage.sweep()
        purged = await purge(self._equipment)
        if purged:
            log.info("files_purged", jobs=purged)
