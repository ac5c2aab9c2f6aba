"""Notices that the process itself stood still: by a signal, or with its whole machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType

BEAT_SECONDS = 0.5


class Pulse:
    """While the context lasts, calls `on_standstill(seconds)` when a beat comes late by more than the limit.

    The call comes straight from a timer of the event loop, which fires before tasks that waited for something
    go on: what they were about to do next can still be cancelled.
    """

    def __init__(self, *, limit_seconds: float, on_standstill: Callable[[float], None]) -> None:
        self._limit = limit_seconds
        self._on_standstill = on_standstill
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0

    def __enter__(self) -> Pulse:
        self._last = time.monotonic()
        self._schedule()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        now = time.monotonic()
        late, self._last = now - self._last - BEAT_SECONDS, now
        if late > self._limit:
            self._on_standstill(late)
        self._schedule()
