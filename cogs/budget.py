"""How many requests a second the bot sends to Discord, and whose turn is first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum

DISCORDS_LIMIT = 50
"""Requests that Discord allows a bot in one second (`discord.md`, section 4)."""

WINDOW_SECONDS = 1.05
"""A little more than Discord's second: requests may arrive closer together than they were sent."""

LULL_SECONDS = 0.25
"""Where one result is, others often follow: a change lets that much time pass after the last one."""

LONGEST_LULL_SECONDS = 2.0
"""… but has waited long enough then."""


class Priority(IntEnum):
    """Who goes first when there is not enough for all."""

    RESULT = 0
    CHANGE = 1
    TICK = 2


MOST = {Priority.RESULT: DISCORDS_LIMIT, Priority.CHANGE: 40, Priority.TICK: 20}
"""How many requests any window may hold, of all kinds, with one of this kind; the rest is for better ones."""


class Budget:
    """One window of about a second for everything but answers to interactions, which Discord does not count.

    Results go before changes of state and find room that those may not take; ticks, which only show that
    time passes, never wait: they are dropped.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent: deque[float] = deque(maxlen=DISCORDS_LIMIT)
        self._last_result = float("-inf")
        self._waiting: list[tuple[Priority, int, float, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    async def spend(self, priority: Priority) -> None:
        """Take one request from the budget, waiting for it if need be."""
        now = self._clock()
        ahead = bool(self._waiting) and self._waiting[0][0] <= priority
        if not ahead and self._wait_for(priority, now, now) <= 0:
            self._take(priority, now)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._arrivals), now, turn))
        self._schedule()
        await turn

    def spend_if_idle(self) -> bool:
        """Take one request for a tick, or say that there is no room for it."""
        now = self._clock()
        if self._waiting or self._wait_for(Priority.TICK, now, now) > 0:
            return False
        self._take(Priority.TICK, now)
        return True

    def _take(self, priority: Priority, now: float) -> None:
        self._spent.append(now)
        if priority is Priority.RESULT:
            self._last_result = now

    def _wait_for(self, priority: Priority, since: float, now: float) -> float:
        """Seconds until one that waits since then may go; a clock that stepped back counts nobody twice."""
        while self._spent and not now - WINDOW_SECONDS < self._spent[0] <= now:
            self._spent.popleft()
        most = MOST[priority]
        full = 0.0 if len(self._spent) < most else self._spent[-most] + WINDOW_SECONDS - now
        if priority is Priority.RESULT:
            return full
        lull = min(self._last_result + LULL_SECONDS, since + LONGEST_LULL_SECONDS) - now
        return max(full, lull)

    def _schedule(self) -> None:
        """Look again when the first in line may go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            priority, _, since, _ = self._waiting[0]
            seconds = max(0.0, self._wait_for(priority, since, self._clock()))
            self._timer = asyncio.get_running_loop().call_later(seconds, self._admit)

    def _admit(self) -> None:
        self._timer = None
        now = self._clock()
        while self._waiting:
            priority, _, since, turn = self._waiting[0]
            if not turn.done():
                if self._wait_for(priority, since, now) > 0:
                    break
                self._take(priority, now)
                turn.set_result(None)
            heapq.heappop(self._waiting)
        self._schedule()
