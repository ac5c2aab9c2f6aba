"""Waiting only so long for what is read, however long the reading itself takes to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

from studio.errors import OrderRefused

ANSWER_SECONDS = 2.0
"""How long an interaction's answer may wait for all that is read before it: Discord gives it three."""

_due: ContextVar[float | None] = ContextVar("due", default=None)

_stopping: set[asyncio.Task[Any]] = set()

Found = TypeVar("Found")


def begin() -> None:
    """From now on the time runs for what this interaction reads; each has a context of its own."""
    _due.set(monotonic() + ANSWER_SECONDS)


async def in_time(reading: Coroutine[Any, Any, Found]) -> Found:
    """Read within what is left of the interaction's time. Raises `OrderRefused` when that is over."""
    due = _due.get()
    left = ANSWER_SECONDS if due is None else due - monotonic()
    try:
        return await within(left, reading)
    except TimeoutError as error:
        raise OrderRefused("database_busy") from error


async def within(seconds: float, reading: Coroutine[Any, Any, Found]) -> Found:
    """Raise `TimeoutError` when it is not done by then.

    It is told to stop, but not waited for: a connection whose database hangs is closed only when that
    answers again.
    """
    task = asyncio.ensure_future(reading)
    try:
        done, _ = await asyncio.wait((task,), timeout=max(0.0, seconds))
    except asyncio.CancelledError:
        _stop(task)
        raise
    if not done:
        _stop(task)
        raise TimeoutError
    return task.result()


def _stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
    # The loop itself remembers only weakly.
    _stopping.add(task)
    task.add_done_callback(_stopped)


def _stopped(task: asyncio.Task[Any]) -> None:
    _stopping.discard(task)
    if not task.cancelled():
        # Looked at, so that nobody complains of what became of it.
        task.exception()
