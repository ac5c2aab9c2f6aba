"""How many requests a second the bot sends to Discord, and whose turn is first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from enum import IntEnum

REQUESTS_PER_SECOND = 38.0
BURST = 10.0
"""Together at most 48 requests in any second: Discord allows a bot 50 (`discord.md`, section 4)."""


class Priority(IntEnum):
    """Who goes first when there is not enough for all."""

    RESULT = 0
    CHANGE = 1
    TICK = 2


class Budget:
    """One token bucket for everything but answers to interactions, which Discord does not count.

    Results go before changes of state; ticks, which only show that time passes, never wait: they are
    dropped when less than half of the bucket is left.
    """

    def __init__(
        self, *, per_second: float = REQUESTS_PER_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._tokens = BURST
        self._counted_at = clock()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    async def spend(self, priority: Priority) -> None:
        """Take one request from the budget, waiting for it if need be."""
        self._count()
        if not self._waiting and self._tokens >= 1:
            self._tokens -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._arrivals), turn))
        self._schedule()
        await turn

    def spend_if_idle(self) -> bool:
        """Take one request for a tick, or say that there is no room for it."""
        self._count()
        if self._waiting or self._tokens < BURST / 2:
            return False
        self._tokens -= 1
        return True

    def _count(self) -> None:
        now = self._clock()
        # A clock that stands still or steps back adds nothing.
        self._tokens = min(BURST, self._tokens + max(0.0, now - self._counted_at) * self._per_second)
        self._counted_at = now

    def _schedule(self) -> None:
        if self._timer is None and self._waiting:
            seconds = max(0.0, 1 - self._tokens) / self._per_second
            self._timer = asyncio.get_running_loop().call_later(seconds, self._admit)

    def _admit(self) -> None:
        self._timer = None
        self._count()
        while self._waiting and self._tokens >= 1:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._tokens -= 1
                turn.set_result(None)
        self._schedule()
