"""Work in the background that several ask for at the same time, and that is done for all of them together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger(__name__)


SOON_SECONDS = 0.05
"""How long others may join who ask for the same."""


class Once:
    """Does `work` soon after it was asked for; who asks while it is being done has it done once more.

    Only for what is done now and then anyway: while the database is away, it is only logged.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._is_asked = False
        self._doing: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Have it done, so that it sees all that is there now."""
        self._is_asked = True
        if self._doing is None:
            self._doing = asyncio.create_task(self._do())

    async def finish(self, *, grace_seconds: float) -> None:
        """Wait until what was asked for is done; what takes longer is given up."""
        if (doing := self._doing) is None:
            return
        _, late = await asyncio.wait([doing], timeout=grace_seconds)
        if late:
            doing.cancel()
            await asyncio.wait([doing])

    async def _do(self) -> None:
        try:
            while self._is_asked:
                await asyncio.sleep(SOON_SECONDS)
                self._is_asked = False
                await self._work()
        except SQLAlchemyError as error:
            log.warning("put_off", work=self._work.__qualname__, error=type(error).__name__)
        finally:
            self._doing = None
