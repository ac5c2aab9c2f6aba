"""When the waiting jobs will start, from the queue as it is now and from how long renders usually take."""

from __future__ import annotations

import statistics
from datetime import timedelta

from studio import overviews, queue, turns
from studio.equipment import Equipment
from studio.models import JobState
from studio.progress import DEFAULT_RENDER_SECONDS, Turn
from studio.prospects import Prospects

REMEMBERED_SECONDS = 10.0
"""How long the usual time of a render is not looked up again."""


class Forecast:
    """Asks the database as little as it can: a queue may be ten thousand jobs long."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._usual: float | None = None
        self._looked_up_at = float("-inf")

    async def usual_render_seconds(self) -> float | None:
        """How long this bot's newest renders took; None before the first."""
        now = self._equipment.clock().timestamp()
        # A clock that was set back must not make it last.
        if abs(now - self._looked_up_at) >= REMEMBERED_SECONDS:
            async with self._equipment.database.read() as connection:
                seconds = await overviews.recent_render_seconds(connection)
            self._usual = statistics.median(seconds) if seconds else None
            self._looked_up_at = now
        return self._usual

    async def waiting(self) -> int:
        """How many jobs are in the queue."""
        async with self._equipment.database.read() as connection:
            return (await overviews.count_in_states(connection, [JobState.QUEUED])).total()

    async def turns(self, *, front: int, first: int, last: int) -> dict[str, Turn]:
        """The turns at the first `front` places in the queue and from `first` to `last`, by job id."""
        now = self._equipment.clock()
        async with self._equipment.database.read() as connection:
            places = await turns.places(connection, now=now, front=front, first=first, last=last)
        return await self._turns_at(places)

    async def turn_of(self, job_id: str) -> Turn | None:
        """The turn of one job; None when it is not in the queue."""
        async with self._equipment.database.read() as connection:
            places = await turns.places_of(connection, [job_id], now=self._equipment.clock())
        return (await self._turns_at(places)).get(job_id)

    async def _turns_at(self, places: dict[str, int]) -> dict[str, Turn]:
        if not places:
            return {}
        prospects = await self._prospects()
        return {
            job_id: Turn(place, prospects.start_of(place) if prospects else None)
            for job_id, place in places.items()
        }

    async def _prospects(self) -> Prospects | None:
        terms = self._equipment.terms
        usual = await self.usual_render_seconds()
        async with self._equipment.database.read() as connection:
            return await queue.prospects(
                connection,
                most=terms.max_concurrent_jobs,
                slot_recovery=terms.waits.slot,
                usual=timedelta(seconds=DEFAULT_RENDER_SECONDS if usual is None else usual),
                now=self._equipment.clock(),
            )
