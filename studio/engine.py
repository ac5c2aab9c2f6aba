"""Everything that runs by itself in one process, by its role: dispatcher, display, poller and caretaker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from studio.caretaker import Caretaker
from studio.census import Census
from studio.dispatcher import InProcessDispatcher
from studio.display import Display
from studio.equipment import Equipment
from studio.errors import StudioError
from studio.front import Studio
from studio.ghosts import Ghosts
from studio.ids import new_job_id
from studio.journal import Journal, Shelf
from studio.moderation.care import open_care
from studio.moderation.chronicle import Chronicle
from studio.moderation.upkeep import Upkeep
from studio.poller import Poller
from studio.recovery import Recovery
from studio.resuming import Keys
from studio.sharing.servers import Servers
from studio.summons import Summons
from studio.twins import Twins
from studio.work import Work

log = structlog.get_logger(__name__)

PAUSE_AFTER_TROUBLE_SECONDS = 5.0
THREAD_TURN_SECONDS = 0.0005
FOLLOW_SECONDS = 2.0
"""How soon a process knows of rules that were changed in another one."""

BESIDE_SECONDS = 1.0
"""How long the end waits for what was begun beside the steps, once they have ended."""

Part = Callable[[], Awaitable[None]]


class Role(StrEnum):
    """What a process is there for; SQLite knows only the first."""

    ALL = "all"
    GATEWAY = "gateway"
    WORKER = "worker"

    @property
    def takes_orders(self) -> bool:
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        return self is not Role.GATEWAY


class _RunningDispatcher(Protocol):
    def wake(self, job_id: str, *, after_seconds: float = 0.0, news: bool = False) -> None: ...

    async def run(self) -> None: ...

    async def stop(self, *, grace_seconds: float) -> None: ...


class Engine:
    """The studio at work. `run()` until cancelled, then `stop()`; `studio` is the door for the cogs.

    On SQLite everything is done here. On PostgreSQL the work is shared by all processes with a working role;
    one of them leads, which means that it polls, sweeps and shows the passing of time for all.
    """

    def __init__(
        self,
        equipment: Equipment,
        *,
        make_job_id: Callable[[datetime], str] = new_job_id,
        role: Role = Role.ALL,
        shelf: Shelf | None = None,
    ) -> None:
        """`shelf` is where orders are noted until they are recorded, if anywhere."""
        self._role = role
        self._alone = equipment.database.is_sqlite
        self._display = Display(equipment, alone=self._alone)
        self._census = Census(equipment.database)
        self._work = work = Work(equipment, self._display, self._census)
        self._dispatcher = self._dispatcher_for(equipment, work)
        work.wake_through(self._dispatcher)
        self._poller = Poller(equipment, self._dispatcher)
        self._keys = Keys(equipment)
        self._summons = Summons(equipment, self._dispatcher)
        self._twins = Twins(equipment)
        self._ghosts = Ghosts(equipment)
        self._caretaker = Caretaker(equipment, self._dispatcher, self._census, alone=self._alone)
        self.servers = Servers(equipment.database)
        self._clock = equipment.clock
        self._chronicle = (
            None
            if equipment.herald is None
            else Chronicle(equipment.database, equipment.herald, equipment.clock)
        )
        self.care = open_care(equipment, self._dispatcher)
        self._upkeep = Upkeep(equipment, self.care)
        self._journal = shelf.open() if shelf is not None and role.takes_orders else Journal()
        self.studio = Studio(
            equipment,
            self._dispatcher,
            census=self._census,
            servers=self.servers,
            journal=self._journal,
            new_job_id=make_job_id,
        )
        self._recovery: list[Part] = []
        if shelf is not None:
            self._recovery.append(
                Recovery(equipment, shelf, self.studio.register.record, self._dispatcher).run
            )

    async def run(self) -> None:
        """Work until cancelled; trouble in one part stops neither it nor the others for good."""
        # Each look into SQLite goes through a thread, which waits that long for a busy loop: 5 ms by default.
        sys.setswitchinterval(THREAD_TURN_SECONDS)
        parts: list[Part] = [*self._recovery, self._journal.keep_short, self._dispatcher.run]
        if self._role.takes_orders:
            parts.append(self._follow_servers)
        if self._role.works:
            parts += [self._display.show_changes, self._keys.compare]
        if self._alone:
            parts += self._duties
        elif self._role.takes_orders:
            parts.append(self._census.keep_counting)
        await _keep_all_running(parts)

    async def stop(self, *, grace_seconds: float = 5.0) -> None:
        """Take no more orders, and let running steps come to a place from which they can go on."""
        self.studio.accepting = False
        await self._dispatcher.stop(grace_seconds=grace_seconds)
        await self._work.finish(grace_seconds=BESIDE_SECONDS)
        self._journal.close()

    @property
    def _duties(self) -> list[Part]:
        """What is done once, however many processes there are."""
        duties: list[Part] = [
            self._display.show_time,
            self._poller.run,
            self._caretaker.run,
            self._upkeep.run,
            self._work.keep_slots_filled,
            self._summons.run,
            self._twins.run,
            self._ghosts.run,
        ]
        return duties if self._chronicle is None else [*duties, self._chronicle.run]

    async def _follow_servers(self) -> None:
        while True:
            await self.servers.refresh(self._clock())
            await asyncio.sleep(FOLLOW_SECONDS)

    async def _lead(self) -> None:
        await _keep_all_running(self._duties)

    def _dispatcher_for(self, equipment: Equipment, work: Work) -> _RunningDispatcher:
        if self._alone:
            return InProcessDispatcher(work.advance)
        # Only here: a bot on SQLite needs neither its memory nor the time to load it.
        from studio.cluster import ClusterDispatcher

        return ClusterDispatcher(
            equipment.database, advance=work.advance if self._role.works else None, lead=self._lead
        )


async def _keep_all_running(parts: Sequence[Part]) -> None:
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(_keep_running(part))


async def _keep_running(part: Part) -> None:
    while True:
        try:
            await part()
        except* (SQLAlchemyError, StudioError, OSError) as group:
            causes = [f"{type(error).__name__}: {str(error)[:200]}" for error in group.exceptions]
            log.warning("part_interrupted", part=part.__qualname__, causes=causes)
        except* Exception:
            # The outermost step: whatever it is, the part begins again and the others go on.
            log.exception("part_failed", part=part.__qualname__)
        else:
            return
        await asyncio.sleep(PAUSE_AFTER_TROUBLE_SECONDS)
