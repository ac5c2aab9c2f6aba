"""What is stored while its answer is on its way, and whose press may come back before that is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


class Storing:
    """Keeps writing from delaying an answer, and reading from overtaking the writing."""

    def __init__(self) -> None:
        self._unfinished: set[asyncio.Future[None]] = set()

    async def beside(self, answering: Awaitable[object], storing: Awaitable[None]) -> None:
        """Do both at the same time; both come to their end, whatever becomes of the other."""
        task = asyncio.ensure_future(storing)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        try:
            await answering
        finally:
            await asyncio.wait((task,))
        task.result()

    async def settled(self) -> None:
        """Wait until everything is stored that has been answered so far."""
        if self._unfinished:
            await asyncio.wait(self._unfinished)
