"""How many unended jobs each server and member has, known without asking the database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from studio import overviews
from studio.database import Database
from studio.models import Order

COUNT_SECONDS = 2.0
"""How soon a process knows of jobs that ended in another one."""


class Census:
    """Counts for the decision that stands between an interaction and its answer, where every moment counts.

    The database is asked at the start, after each end of a job and every minute; it alone binds, since other
    processes take orders too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._members: Counter[tuple[int, int]] = Counter()
        self._servers: Counter[int] = Counter()
        # Held while an order is recorded or counted, so that no count misses an order.
        self._lock = asyncio.Lock()

    def of_server(self, guild_id: int) -> int:
        return self._servers[guild_id]

    def of_member(self, guild_id: int, member_id: int) -> int:
        return self._members[guild_id, member_id]

    @asynccontextmanager
    async def recording(self, order: Order) -> AsyncIterator[None]:
        """Count the order if it is recorded within the context."""
        async with self._lock:
            yield
            self._add(order.place.guild_id, order.member.id, 1)

    async def keep_counting(self) -> None:
        """Follow what other processes do, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(COUNT_SECONDS)

    async def refresh(self) -> None:
        """Count anew in the database."""
        async with self._lock:
            async with self._database.read() as connection:
                counted = await overviews.count_all_unended(connection)
            self._members, self._servers = Counter(), Counter()
            for (guild_id, member_id), number in counted.items():
                self._add(guild_id, member_id, number)

    def _add(self, guild_id: int, member_id: int, number: int) -> None:
        self._members[guild_id, member_id] += number
        self._servers[guild_id] += number
