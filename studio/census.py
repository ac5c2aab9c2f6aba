"""How many unended jobs each server and member has, known without asking the database."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
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
        self._servers: Counter[int] = Counter()
        self._members = _Members()
        # Held while an order is recorded or counted, so that no count misses an order.
        self._lock = asyncio.Lock()

    def of_server(self, guild_id: int) -> int:
        return self._servers[guild_id]

    def of_member(self, guild_id: int, member_id: int) -> int:
        return self._members.number(guild_id, member_id)

    @asynccontextmanager
    async def recording(self, order: Order) -> AsyncIterator[None]:
        """Count the order if it is recorded within the context."""
        async with self._lock:
            yield
            self._servers[order.place.guild_id] += 1
            self._members.add(order.place.guild_id, order.member.id)

    async def keep_counting(self) -> None:
        """Follow what other processes do, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(COUNT_SECONDS)

    async def refresh(self) -> None:
        """Count anew in the database."""
        async with self._lock:
            servers: Counter[int] = Counter()
            members = _Members()
            async with self._database.read() as connection:
                async for guild_id, member_id, number in overviews.unended(connection):
                    servers[guild_id] += number
                    members.append(guild_id, member_id, number)
            self._servers, self._members = servers, members


class _Members:
    """A number for each member of each server, in twenty bytes where a dict takes two hundred."""

    def __init__(self) -> None:
        # In the order of servers and, within each, of members.
        self._guild_ids = array("q")
        self._member_ids = array("q")
        self._numbers = array("i")
        self._added: Counter[tuple[int, int]] = Counter()

    def append(self, guild_id: int, member_id: int, number: int) -> None:
        """Add somebody who comes after all others."""
        self._guild_ids.append(guild_id)
        self._member_ids.append(member_id)
        self._numbers.append(number)

    def add(self, guild_id: int, member_id: int) -> None:
        """Count one more for anybody."""
        self._added[guild_id, member_id] += 1

    def number(self, guild_id: int, member_id: int) -> int:
        first = bisect_left(self._guild_ids, guild_id)
        last = bisect_left(self._guild_ids, guild_id + 1, first)
        index = bisect_left(self._member_ids, member_id, first, last)
        is_known = index < last and self._member_ids[index] == member_id
        return self._added[guild_id, member_id] + (self._numbers[index] if is_known else 0)
