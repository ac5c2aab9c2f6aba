"""Everything that runs by itself in one process: dispatcher, display, poller and caretaker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from studio.caretaker import Caretaker
from studio.census import Census
from studio.dispatcher import InProcessDispatcher
from studio.display import Display
from studio.equipment import Equipment
from studio.errors import StudioError
from studio.front import Studio
from studio.ids import new_job_id
from studio.poller import Poller
from studio.work import Work

log = structlog.get_logger(__name__)

PAUSE_AFTER_TROUBLE_SECONDS = 5.0


class Engine:
    """The studio at work. `run()` until cancelled, then `stop()`; `studio` is the door for the cogs."""

    def __init__(self, equipment: Equipment, *, make_job_id: Callable[[datetime], str] = new_job_id) -> None:
        self._display = Display(equipment)
        census = Census(equipment.database)
        work = Work(equipment, self._display, census)
        self._dispatcher = InProcessDispatcher(work.advance)
        work.wake_through(self._dispatcher)
        self._poller = Poller(equipment, self._dispatcher)
        self._caretaker = Caretaker(equipment, self._dispatcher, census)
        self.studio = Studio(equipment, self._dispatcher, census=census, new_job_id=make_job_id)

    async def run(self) -> None:
        """Work until cancelled; trouble in one part stops neither it nor the others for good."""
        async with asyncio.TaskGroup() as group:
            for part in (self._dispatcher.run, self._display.run, self._poller.run, self._caretaker.run):
                group.create_task(_keep_running(part))

    async def stop(self, *, grace_seconds: float = 5.0) -> None:
        """Take no more orders, and let running steps come to a place from which they can go on."""
        self.studio.accepting = False
        await self._dispatcher.stop(grace_seconds=grace_seconds)


async def _keep_running(part: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await part()
        except* (SQLAlchemyError, StudioError, OSError) as group:
            causes = [f"{type(error).__name__}: {str(error)[:200]}" for error in group.exceptions]
            log.warning("part_interrupted", part=part.__qualname__, causes=causes)
        else:
            return
        await asyncio.sleep(PAUSE_AFTER_TROUBLE_SECONDS)
