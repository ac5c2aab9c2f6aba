"""Waiting in real time for what a bot does beside its answers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

LOOK_EVERY_SECONDS = 0.02


async def eventually(predicate: Callable[[], Any], *, within_seconds: float = 30.0) -> Any:
    """Wait until `predicate` (plain or async) gives something true, and return it.

    Raises TimeoutError when it never does.
    """
    async with asyncio.timeout(within_seconds):
        while True:
            value = predicate()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(LOOK_EVERY_SECONDS)
