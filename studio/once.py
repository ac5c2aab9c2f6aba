"""Work that several want at the same time, and that is done for all of them together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Once:
    """Calls `work` for whoever asks, unless somebody is just about to begin with it anyway."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._at_it = asyncio.Lock()
        self._about_to_begin = False

    async def __call__(self) -> None:
        """Do it, or leave it to somebody who has not begun yet and so sees what we have seen."""
        if self._about_to_begin:
            return
        self._about_to_begin = True
        try:
            await self._at_it.acquire()
        finally:
            self._about_to_begin = False
        try:
            await self._work()
        finally:
            self._at_it.release()
