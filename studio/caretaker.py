"""The sweep: finds every job that still needs work, and every file that is past its time."""

from __future__ import annotations

import asyncio

import structlog

from studio import jobs
from studio.census import Census
from studio.delivery import purge
from studio.equipment import Equipment
from studio.ports import Dispatcher

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 60.0


class Caretaker:
    """Wakes whatever was in the air when a process died, at the start and every minute."""

    def __init__(self, equipment: Equipment, dispatcher: Dispatcher, census: Census) -> None:
        self._equipment = equipment
        self._dispatcher = dispatcher
        self._census = census

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        await self._census.refresh()
        async with self._equipment.database.read() as connection:
            due = await jobs.due_ids(connection, self._equipment.clock())
        for job_id in due:
            self._dispatcher.wake(job_id)
        purged = await purge(self._equipment)
        if purged:
            log.info("files_purged", jobs=purged)
