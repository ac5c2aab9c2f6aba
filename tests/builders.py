"""Builders of orders and jobs, and a clock that stands still until it is moved."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from studio import jobs
from studio.database import Database
from studio.models import Job, JobState, Member, Order, Place, SourceFile, Wishes

_numbers = itertools.count(1)


class FixedClock:
    """A clock for tests: call it for the moment, `tick` to move it."""

    def __init__(self, moment: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def tick(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def an_order(
    *, guild_id: int = 1, member_id: int = 10, at: datetime | None = None, priority: int = 0, **place: Any
) -> Order:
    """An order as it arrives, each with an id of its own."""
    return Order(
        job_id=f"job{next(_numbers):013d}",
        member=Member(member_id, f"member {member_id}"),
        place=Place(guild_id=guild_id, channel_id=guild_id * 100, **place),
        picture=SourceFile("https://cdn.discordapp.com/a/picture.jpg", "picture.jpg", 1000, "image/jpeg"),
        video=SourceFile("https://cdn.discordapp.com/a/motion.mp4", "motion.mp4", 2000, "video/mp4"),
        wishes=Wishes(prompt="a calm forest"),
        ordered_at=at or datetime(2026, 3, 1, 12, tzinfo=UTC),
        priority=priority,
    )


PATH_TO = {
    JobState.RECEIVED: (),
    JobState.PREPARING: (JobState.PREPARING,),
    JobState.QUEUED: (JobState.PREPARING, JobState.QUEUED),
    JobState.SUBMITTING: (JobState.PREPARING, JobState.QUEUED, JobState.SUBMITTING),
    JobState.UNKNOWN: (JobState.PREPARING, JobState.QUEUED, JobState.SUBMITTING, JobState.UNKNOWN),
    JobState.RENDERING: (JobState.PREPARING, JobState.QUEUED, JobState.SUBMITTING, JobState.RENDERING),
}


async def a_job(database: Database, state: JobState = JobState.RECEIVED, **order: Any) -> Job:
    """A stored job that has come to `state` by the allowed moves."""
    placed = an_order(**order)
    async with database.write() as connection:
        await jobs.insert(connection, placed)
        job = await jobs.get(connection, placed.job_id)
        assert job is not None
        for step in PATH_TO[state]:
            job = await jobs.move(connection, job, step, now=placed.ordered_at)
    return job
