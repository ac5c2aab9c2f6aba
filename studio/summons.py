"""How the running processes learn of what the operator has decided on the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs, notes
from studio.equipment import Equipment
from studio.errors import OperatorProblem
from studio.models import JobState
from studio.ports import Dispatcher
from studio.reconciling import unexplained, unsearchable

log = structlog.get_logger(__name__)

_KEY = "operator_summons"

LOOK_SECONDS = 2.0

MOST_REMEMBERED = 50
"""Decisions that a process may miss in one look; what it misses, the sweep finds within a minute."""


async def announce(connection: AsyncConnection, job_ids: Sequence[str] = ()) -> None:
    """Tell that something was decided, about these jobs or about the queue."""
    number, before = await _read(connection)
    await notes.write(connection, _KEY, json.dumps([number + 1, [*before, *job_ids][-MOST_REMEMBERED:]]))


async def _read(connection: AsyncConnection) -> tuple[int, list[str]]:
    value = await notes.read(connection, _KEY)
    if value is None:
        return 0, []
    number, job_ids = json.loads(value)
    return int(number), [str(job_id) for job_id in job_ids]


class Summons:
    """Wakes what a decision concerns, within seconds; at the start everything is woken anyway."""

    def __init__(self, equipment: Equipment, dispatcher: Dispatcher) -> None:
        self._equipment = equipment
        self._dispatcher = dispatcher
        self._heard: int | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            await self.listen()
            await asyncio.sleep(LOOK_SECONDS)

    async def listen(self) -> None:
        """Look once."""
        async with self._equipment.database.read() as connection:
            number, job_ids = await _read(connection)
        if number == self._heard:
            return
        is_first, self._heard = self._heard is None, number
        if is_first:
            return
        log.info("operator_heard", jobs=job_ids)
        async with self._equipment.database.read() as connection:
            waiting = await jobs.in_states(connection, [JobState.QUEUED])
        # If it is still not mended, that is news again.
        for problem in OperatorProblem:
            await self._equipment.operator.clear(f"provider: {problem}")
        for job_id in job_ids:
            await self._equipment.operator.clear(unexplained(job_id))
            await self._equipment.operator.clear(unsearchable(job_id))
        # One waiting job gives the free slots to all.
        for job_id in [*job_ids, *(job.id for job in waiting[:1])]:
            self._dispatcher.wake(job_id, news=job_id in job_ids)
