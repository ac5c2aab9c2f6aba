"""Looks at many jobs at once, each reading no more of them than it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs
from studio.jobs import AT_PROVIDER, LONGEST_REST
from studio.models import JobState

PIECE = 500
"""How many rows at most are in memory at once where all have to be looked at."""


async def waking_times(
    connection: AsyncConnection, now: datetime, *, within: timedelta
) -> list[tuple[str, datetime | None]]:
    """Ids of the unclosed jobs that wait for no later moment than so far ahead, with it; oldest first.

    A rest that nobody can have wished for counts as none: the clock was set back.
    """
    is_soon = jobs.c.wake_at.is_(None) | (jobs.c.wake_at <= now + within)
    query = (
        select(jobs.c.id, jobs.c.wake_at)
        .where(jobs.c.closed_at.is_(None), is_soon | (jobs.c.wake_at > now + LONGEST_REST))
        .order_by(jobs.c.created_at, jobs.c.id)
    )
    return [
        (job_id, None if wake_at is None or wake_at > now + LONGEST_REST else wake_at)
        for job_id, wake_at in await connection.execute(query)
    ]


async def count_in_states(connection: AsyncConnection, states: Iterable[JobState]) -> Counter[JobState]:
    """How many unclosed jobs there are in each of the states."""
    query = (
        select(jobs.c.state, func.count())
        .where(jobs.c.closed_at.is_(None), jobs.c.state.in_(list(states)))
        .group_by(jobs.c.state)
    )
    return Counter({JobState(state): int(number) for state, number in await connection.execute(query)})


async def unended(connection: AsyncConnection) -> AsyncIterator[tuple[int, int, int]]:
    """Servers and members with unended jobs, in order, and how many these are; read a piece at a time."""
    query = (
        select(jobs.c.guild_id, jobs.c.member_id, func.count())
        .where(jobs.c.ended_at.is_(None))
        .group_by(jobs.c.guild_id, jobs.c.member_id)
        .order_by(jobs.c.guild_id, jobs.c.member_id)
        .limit(PIECE)
    )
    page = query
    while rows := (await connection.execute(page)).all():
        for guild_id, member_id, number in rows:
            yield guild_id, member_id, number
        if len(rows) < PIECE:
            return
        page = query.where(
            jobs.c.guild_id >= guild_id, (jobs.c.guild_id > guild_id) | (jobs.c.member_id > member_id)
        )


async def states_of(connection: AsyncConnection, job_ids: Collection[str]) -> list[JobState]:
    """The states of these jobs, in no order."""
    if not job_ids:
        return []
    query = select(jobs.c.state).where(jobs.c.id.in_(list(job_ids)), jobs.c.closed_at.is_(None))
    return [JobState(state) for state in (await connection.execute(query)).scalars()]


async def waiting(connection: AsyncConnection) -> list[tuple[str, int]]:
    """Ids of the jobs in the queue, with the servers that they are from."""
    query = select(jobs.c.id, jobs.c.guild_id).where(
        jobs.c.closed_at.is_(None), jobs.c.state == JobState.QUEUED
    )
    return [(job_id, guild_id) for job_id, guild_id in await connection.execute(query)]


async def expected_ends(connection: AsyncConnection, *, usual: timedelta) -> list[datetime]:
    """When the jobs that hold a slot should give it back, soonest first; `usual` where nobody has said it."""
    query = select(jobs.c.expected_at, func.coalesce(jobs.c.submitted_at, jobs.c.state_since)).where(
        jobs.c.closed_at.is_(None), jobs.c.state.in_(list(AT_PROVIDER))
    )
    return sorted(expected_at or begun + usual for expected_at, begun in await connection.execute(query))


async def rendering_cards(
    connection: AsyncConnection, *, after: tuple[datetime, str] | None, limit: int
) -> list[tuple[datetime, str]]:
    """When the next of the rendering jobs were ordered, and their ids: those with a card, oldest first."""
    query = (
        select(jobs.c.created_at, jobs.c.id)
        .where(jobs.c.closed_at.is_(None), jobs.c.state == JobState.RENDERING, jobs.c.card_id.is_not(None))
        .order_by(jobs.c.created_at, jobs.c.id)
        .limit(limit)
    )
    if after is not None:
        moment, job_id = after
        query = query.where(jobs.c.created_at >= moment, (jobs.c.created_at > moment) | (jobs.c.id > job_id))
    return [(created_at, job_id) for created_at, job_id in await connection.execute(query)]


async def is_render_due(
    connection: AsyncConnection,
    now: datetime,
    *,
    age: timedelta,
    ending: tuple[datetime, datetime] | None = None,
) -> bool:
    """Whether there is a render of this age; with `ending` one that should end within that span.

    One of which nobody knows when it should end may end at any time, and one that seems to have been
    ordered in the future is old enough: the clock was set back.
    """
    is_old = (jobs.c.submitted_at <= now - age) | (jobs.c.submitted_at > now)
    query = select(jobs.c.id).where(*_IS_RENDER, is_old).limit(1)
    if ending is not None:
        query = query.where(jobs.c.expected_at.is_(None) | jobs.c.expected_at.between(*ending))
    return (await connection.execute(query)).first() is not None


async def is_render_overdue(
    connection: AsyncConnection,
    now: datetime,
    *,
    since: datetime | None,
    until: datetime,
    longest: timedelta,
) -> bool:
    """Whether there is a render that should have ended within that span.

    Where nobody said when, that is from the beginning; and after `longest` whatever was said. One that seems
    to have been ordered in the future counts as well: the clock was set back.
    """
    expected = func.coalesce(jobs.c.expected_at, jobs.c.submitted_at)
    ended, begun = expected <= until, jobs.c.submitted_at <= until - longest
    if since is not None:
        ended, begun = expected.between(since, until), begun & (jobs.c.submitted_at >= since - longest)
    is_overdue = ended | (begun & (jobs.c.expected_at > until))
    query = select(jobs.c.id).where(*_IS_RENDER, is_overdue | (jobs.c.submitted_at > now)).limit(1)
    return (await connection.execute(query)).first() is not None


async def renders(connection: AsyncConnection) -> AsyncIterator[list[tuple[str, str]]]:
    """The provider's and our own ids of all renders, oldest first, a piece at a time."""
    query = (
        select(jobs.c.created_at, jobs.c.id, jobs.c.provider_job_id)
        .where(*_IS_RENDER)
        .order_by(jobs.c.created_at, jobs.c.id)
        .limit(PIECE)
    )
    page = query
    while rows := (await connection.execute(page)).all():
        yield [(render_id, job_id) for _, job_id, render_id in rows]
        if len(rows) < PIECE:
            return
        created_at, job_id, _ = rows[-1]
        page = query.where(
            jobs.c.created_at >= created_at, (jobs.c.created_at > created_at) | (jobs.c.id > job_id)
        )


async def jobs_of(connection: AsyncConnection, render_ids: Sequence[str]) -> list[str]:
    """The ids of the jobs whose renders these are."""
    found: list[str] = []
    for first in range(0, len(render_ids), PIECE):
        query = select(jobs.c.id).where(jobs.c.provider_job_id.in_(render_ids[first : first + PIECE]))
        found.extend((await connection.execute(query)).scalars())
    return found


async def oldest_render(connection: AsyncConnection) -> datetime | None:
    """When the first of all renders was ordered, as far as we know."""
    query = select(jobs.c.submitted_at).where(*_IS_RENDER).order_by(jobs.c.submitted_at).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


_IS_RENDER = (
    jobs.c.closed_at.is_(None),
    jobs.c.state == JobState.RENDERING,
    jobs.c.provider_job_id.is_not(None),
    jobs.c.submitted_at.is_not(None),
)


async def recent_render_seconds(connection: AsyncConnection, *, limit: int = 25) -> list[float]:
    """How long the newest finished renders took at the provider, newest first."""
    query = (
        select(jobs.c.submitted_at, jobs.c.rendered_at)
        .where(jobs.c.rendered_at.is_not(None), jobs.c.submitted_at.is_not(None))
        .order_by(jobs.c.rendered_at.desc())
        .limit(limit)
    )
    rows = (await connection.execute(query)).all()
    return [(rendered - submitted).total_seconds() for submitted, rendered in rows]
