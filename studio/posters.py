"""Posters of clips: each is drawn when somebody first looks at it, and then kept beside its clip."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy.exc import SQLAlchemyError

from media.errors import MediaRefused, WorkshopFailed
from media.workshop import Workshop
from studio.database import Database
from studio.keeping import may_keep_files
from studio.models import Clip
from studio.ports import Clock, Storage
from studio.recent import Recent

log = structlog.get_logger(__name__)

AT_ONCE = 1
"""How many are drawn at a time: strangers may look at many pages, and orders need the workshop as well."""

MOST_IN_LINE = 16
DRAW_SECONDS = 10.0
"""How long one may take the others' turn, the wait for a place in the workshop included."""

LOOK_SECONDS = 5.0
"""How long whoever looks waits; the drawing goes on for the next look."""

MOST_BYTES = 2 * 1024 * 1024
MOST_FAILURES = 1000


class NoPoster(StrEnum):
    """Why there is none to be seen."""

    NONE = "none"
    """It cannot be drawn of this clip."""
    GONE = "gone"
    """The clip's files have been deleted."""
    LATER = "later"
    """Others come first, or the storage is away."""


_AGAIN = {NoPoster.NONE: timedelta(hours=1), NoPoster.LATER: timedelta(minutes=1)}
"""When what has failed is tried again."""


@dataclass(frozen=True, slots=True)
class _Failure:
    why: NoPoster
    until: datetime


class Posters:
    """Gives out posters. All who look at one at the same time share one look, and so one drawing."""

    def __init__(
        self, *, database: Database, storage: Storage, workshop: Workshop, clock: Clock, retention: timedelta
    ) -> None:
        self._database = database
        self._storage = storage
        self._workshop = workshop
        self._clock = clock
        self._retention = retention
        self._looks: dict[str, asyncio.Task[bytes | NoPoster]] = {}
        self._easels = asyncio.Semaphore(AT_ONCE)
        self._in_line = 0
        self._failures: Recent[_Failure] = Recent(MOST_FAILURES)

    async def of(self, job_id: str, clip: Clip) -> bytes | NoPoster:
        """Return the clip's poster, a JPEG, or why there is none now."""
        look = self._looks.get(job_id)
        if look is None:
            look = self._looks[job_id] = asyncio.create_task(self._look(job_id, clip))
            look.add_done_callback(lambda _: self._looks.pop(job_id))
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await asyncio.shield(look)
        except TimeoutError:
            return NoPoster.LATER

    async def close(self) -> None:
        """Leave nothing half drawn."""
        looks = list(self._looks.values())
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    async def _look(self, job_id: str, clip: Clip) -> bytes | NoPoster:
        try:
            return await self._storage.read(_key_of(job_id), 0, MOST_BYTES)
        except FileNotFoundError:
            return await self._first_look(job_id, clip)
        except OSError as error:
            log.warning("poster_not_read", job_id=job_id, error=str(error))
            return NoPoster.LATER

    async def _first_look(self, job_id: str, clip: Clip) -> bytes | NoPoster:
        failure = self._failures.get(job_id)
        if failure is not None and self._clock() < failure.until:
            return failure.why
        if self._in_line >= MOST_IN_LINE:
            return NoPoster.LATER
        self._in_line += 1
        try:
            async with self._easels:
                return await self._draw(job_id, clip)
        except FileNotFoundError:
            return NoPoster.GONE
        except MediaRefused as error:
            return self._fail(job_id, NoPoster.NONE, error)
        except (WorkshopFailed, SQLAlchemyError, OSError) as error:
            # TimeoutError is an OSError, too.
            return self._fail(job_id, NoPoster.LATER, error)
        finally:
            self._in_line -= 1

    async def _draw(self, job_id: str, clip: Clip) -> bytes:
        """Draw and store it. Raises FileNotFoundError when the clip went before that was done."""
        storage = self._storage
        async with storage.workspace() as folder:
            poster = folder / "poster.jpg"
            async with asyncio.timeout(DRAW_SECONDS), storage.checkout(clip.key) as path:
                await self._workshop.draw_poster(path, poster)
            drawn = await asyncio.to_thread(poster.read_bytes)
            await storage.put(_key_of(job_id), poster)
        # Whoever deleted the clip's files meanwhile did not see this one.
        if not await may_keep_files(self._database, job_id, now=self._clock(), retention=self._retention):
            await storage.delete_tree(f"jobs/{job_id}")
            raise FileNotFoundError(job_id)
        return drawn

    def _fail(self, job_id: str, why: NoPoster, error: Exception) -> NoPoster:
        log.warning("poster_not_drawn", job_id=job_id, error=str(error) or type(error).__name__)
        self._failures[job_id] = _Failure(why, self._clock() + _AGAIN[why])
        return why


def _key_of(job_id: str) -> str:
    return f"jobs/{job_id}/poster.jpg"
