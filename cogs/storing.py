"""What is stored while its answer is on its way, and whose press may come back before that is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from studio.errors import OrderRefused

LONGEST_WAIT_SECONDS = 1.5
"""How long a press waits for what it is about: Discord gives it three in all."""

UNKNOWN = frozenset({"form_over", "petition_over"})

Found = TypeVar("Found")


class Storing:
    """Keeps writing from delaying an answer, and reading from overtaking the writing.

    Each draft or petition is by its id, so that nobody waits for what others store.
    """

    def __init__(self) -> None:
        self._unfinished: dict[str, set[asyncio.Future[None]]] = {}

    async def beside(self, stored_id: str, answering: Awaitable[object], storing: Awaitable[None]) -> None:
        """Do both at the same time; both come to their end, whatever becomes of the other."""
        task = asyncio.ensure_future(storing)
        self._unfinished.setdefault(stored_id, set()).add(task)
        task.add_done_callback(lambda done: self._forget(stored_id, done))
        try:
            await answering
        finally:
            await asyncio.wait((task,))
        task.result()

    async def read(self, stored_id: str, reading: Callable[[], Awaitable[Found]]) -> Found:
        """Read it when it is stored; raises `OrderRefused` if that takes too long, and as `reading` does."""
        unfinished = self._unfinished.get(stored_id)
        if unfinished:
            await asyncio.wait(unfinished, timeout=LONGEST_WAIT_SECONDS)
        try:
            return await reading()
        except OrderRefused as refusal:
            if refusal.code in UNKNOWN and stored_id in self._unfinished:
                raise OrderRefused("database_busy") from refusal
            raise

    async def finished(self) -> None:
        """Wait until everything is stored that has been answered so far."""
        unfinished = [task for tasks in self._unfinished.values() for task in tasks]
        if unfinished:
            await asyncio.wait(unfinished)

    def _forget(self, stored_id: str, done: asyncio.Future[None]) -> None:
        tasks = self._unfinished[stored_id]
        tasks.discard(done)
        if not tasks:
            del self._unfinished[stored_id]
