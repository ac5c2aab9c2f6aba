"""What may be shown of a clip to whoever has its link, asked anew each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy.exc import SQLAlchemyError

from media.workshop import Workshop
from studio import jobs
from studio.database import Database
from studio.keeping import is_finished
from studio.links import Links
from studio.models import Clip, Job, JobState
from studio.ports import Clock, Storage
from studio.posters import Posters

log = structlog.get_logger(__name__)


class NotShown(StrEnum):
    """Why there is nothing to see."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REMOVED = "removed"
    AWAY = "away"
    """Nobody can tell at the moment: the database does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """One of the clip's files. `mark` tells it from the others."""

    key: str
    size: int
    content_type: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """A clip that may be shown until then, with its job."""

    job: Job
    clip: Clip
    until: datetime

    @property
    def original(self) -> Reel:
        """What the provider made."""
        clip = self.clip
        return Reel(key=clip.key, size=clip.size, content_type=clip.content_type, mark="original")

    @property
    def playable(self) -> Reel:
        """What is played: the original, or the copy for those who cannot play that."""
        clip = self.clip
        if clip.playable_key is None:
            return self.original
        return Reel(key=clip.playable_key, size=clip.playable_size, content_type="video/mp4", mark="playable")


class Showing:
    """Decides by the database at every look, so that what is removed is gone at once."""

    def __init__(
        self, links: Links, *, database: Database, storage: Storage, workshop: Workshop, clock: Clock
    ) -> None:
        self.links = links
        self.storage = storage
        self.posters = Posters(
            database=database, storage=storage, workshop=workshop, clock=clock, retention=links.retention
        )
        self._database = database
        self._clock = clock

    async def find(self, token: str) -> Exhibit | NotShown:
        ticket = self.links.read(token)
        if ticket is None:
            return NotShown.UNKNOWN
        try:
            async with self._database.read() as connection:
                job = await jobs.get(connection, ticket.job_id)
        except SQLAlchemyError as error:
            log.warning("watching_without_database", error=type(error).__name__)
            return NotShown.AWAY
        if job is None or job.clip is None or not _is_shown(job):
            return NotShown.UNKNOWN
        if job.removed_at is not None:
            return NotShown.REMOVED
        now = self._clock()
        kept_until = ticket.until if job.closed_at is None else job.closed_at + self.links.retention
        until = min(ticket.until, kept_until)
        if now >= until or job.purged_at is not None:
            return NotShown.EXPIRED
        return Exhibit(job=job, clip=job.clip, until=until)


def _is_shown(job: Job) -> bool:
    # The link is posted a moment before the job is recorded as delivered.
    return job.state is JobState.DELIVERING or is_finished(job)
