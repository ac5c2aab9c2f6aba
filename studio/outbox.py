"""Wake-ups that wait in memory until the database has them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """Wake the job at `due`, a moment of the monotonic clock.

    `span` is the delay's power of two, 0 for now, -1 for now before all others. One wake-up of each span can
    wait for a job, so that a long one does not stand in for a short one; within a span a new one is at most
    as late again as it wished. One with `news` is told from those without.
    """

    job_id: str
    span: int
    due: float
    news: bool = False

    @property
    def key(self) -> tuple[str, int, bool]:
        return self.job_id, self.span, self.news

    def seconds_left(self) -> float:
        return max(0.0, self.due - time.monotonic())


class Outbox:
    """Keeps each wish once; survives any outage of the database, but no crash."""

    def __init__(self) -> None:
        self._wishes: dict[tuple[str, int, bool], Wish] = {}
        self._filled = asyncio.Event()

    def put(self, job_id: str, after_seconds: float, *, first: bool = False, news: bool = False) -> None:
        """Wish for it; `first`: before all that others wish for."""
        span = -1 if first else span_of(after_seconds)
        wish = Wish(job_id, span, time.monotonic() + max(0.0, after_seconds), news)
        self._wishes.setdefault(wish.key, wish)
        self._filled.set()

    async def filled(self) -> None:
        """Wait until there is a wish."""
        await self._filled.wait()

    def take(self) -> list[Wish]:
        """Take out the oldest wishes, to be sent; one that comes from now on is a new one."""
        keys = list(self._wishes)[:MOST_AT_ONCE]
        if len(keys) == len(self._wishes):
            self._filled.clear()
        return [self._wishes.pop(key) for key in keys]

    def put_back(self, wishes: Sequence[Wish]) -> None:
        """Keep what could not be sent."""
        for wish in wishes:
            self._wishes.setdefault(wish.key, wish)
            self._filled.set()


def span_of(after_seconds: float) -> int:
    """0 for now, 1 up to a second, 2 up to two, 3 up to four …"""
    return 0 if after_seconds <= 0 else 1 + max(0, math.ceil(math.log2(after_seconds)))
