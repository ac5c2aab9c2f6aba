"""The state machine: states, allowed moves, and the guarded updates that make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs
from studio.models import ENDED, Cancel, Ending, Job, JobState, Order
from studio.records import column_value, parent_columns, to_job

S = JobState

MOVES: Mapping[JobState, frozenset[JobState]] = {
    S.RECEIVED: frozenset({S.PREPARING}),
    S.PREPARING: frozenset({S.PENDING_APPROVAL, S.QUEUED}),
    S.PENDING_APPROVAL: frozenset({S.QUEUED}),
    S.QUEUED: frozenset({S.SUBMITTING}),
    # Back to the question: when the price has risen above what was agreed.
    S.SUBMITTING: frozenset({S.UNKNOWN, S.RENDERING, S.QUEUED, S.PENDING_APPROVAL}),
    S.UNKNOWN: frozenset({S.RENDERING, S.QUEUED}),
    S.RENDERING: frozenset({S.FETCHING, S.QUEUED}),
    S.FETCHING: frozenset({S.DELIVERING}),
    # Back: when our own copy of the clip has vanished.
    S.DELIVERING: frozenset({S.DELIVERED, S.FETCHING}),
}
"""Besides these, every unended state may move to failed, cancelled, refused or expired."""

LATE_MOVES = frozenset({(S.FAILED, S.FETCHING)})
"""A render that comes after it was given up is delivered all the same (`studio.lateness`)."""

BAD_ENDS = ENDED - {S.DELIVERED}

WITHDRAWABLE = frozenset({S.RECEIVED, S.PREPARING, S.PENDING_APPROVAL, S.QUEUED})
"""States in which nothing has been ordered from the provider: a cancel is simply done."""

AT_PROVIDER = frozenset({S.SUBMITTING, S.UNKNOWN, S.RENDERING})
"""States that hold one of the provider's slots."""

LONGEST_REST = timedelta(hours=2)
"""Longer than any step wants to wait before it looks again."""


class Outrun(Exception):
    """The job is no longer as it was read: another hand was quicker, and this one has to stop."""


def may_move(here: JobState, there: JobState) -> bool:
    if here.ended:
        return (here, there) in LATE_MOVES
    return there in BAD_ENDS or there in MOVES[here]


async def insert(connection: AsyncConnection, order: Order, *, ending: Ending | None = None) -> None:
    """Record an accepted order as a job in `received`; `ending`: only for its member to be told so."""
    await connection.execute(
        jobs.insert(),
        dict(
            id=order.job_id,
            state=S.RECEIVED,
            version=0,
            created_at=order.ordered_at,
            state_since=order.ordered_at,
            guild_id=order.place.guild_id,
            channel_id=order.place.channel_id,
            answer_id=order.place.answer_id,
            interaction_token=order.place.interaction_token,
            member_id=order.member.id,
            member_name=order.member.name,
            picture=asdict(order.picture),
            video=asdict(order.video),
            wishes=asdict(order.wishes),
            role_ids=list(order.member.role_ids),
            overruled=order.overruled,
            priority=order.priority,
            ending=column_value(ending),
            counts=ending is None,
            **parent_columns(order.parent),
        ),
    )


async def get(connection: AsyncConnection, job_id: str, *, locked: bool = False) -> Job | None:
    """Read the job; `locked`: after whoever is changing it now, and with nobody else until this ends."""
    query = _BY_ID.with_for_update() if locked else _BY_ID
    row = (await connection.execute(query, {"its_id": job_id})).mappings().one_or_none()
    return None if row is None else to_job(row)


async def by_provider_id(connection: AsyncConnection, provider_job_id: str) -> Job | None:
    query = select(jobs).where(jobs.c.provider_job_id == provider_job_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else to_job(row)


async def in_states(connection: AsyncConnection, states: Iterable[JobState]) -> list[Job]:
    """All unclosed jobs in the given states, oldest first."""
    query = (
        select(jobs)
        .where(jobs.c.closed_at.is_(None), jobs.c.state.in_(list(states)))
        .order_by(jobs.c.created_at, jobs.c.id)
    )
    return [to_job(row) for row in (await connection.execute(query)).mappings()]


async def due_ids(
    connection: AsyncConnection, now: datetime, *, resting: timedelta = timedelta(0)
) -> list[str]:
    """Ids of the jobs that still need work and wait for no later moment.

    With `resting` only those that were due, or in their state, for so long: nobody seems to be at work.
    """
    # What is in its state since a later moment than now is so since before the clock was set back.
    unmoved = or_(jobs.c.state_since <= now - resting, jobs.c.state_since > now)
    due = or_(
        and_(jobs.c.wake_at.is_(None), unmoved),
        jobs.c.wake_at <= now - resting,
        # The same for a rest that nobody can have wished for.
        jobs.c.wake_at > now + LONGEST_REST,
    )
    query = select(jobs.c.id).where(jobs.c.closed_at.is_(None), due).order_by(jobs.c.created_at, jobs.c.id)
    return list((await connection.execute(query)).scalars())


async def hold_server(connection: AsyncConnection, guild_id: int) -> None:
    """Let nobody else count the server's jobs and add one until this transaction ends.

    SQLite has one writer at a time anyway. No other lock of ours has a number as great as Discord's ids.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(guild_id)))


async def own(connection: AsyncConnection, job_id: str) -> None:
    """Let nobody else move the job or book its money until this transaction ends.

    Whoever books takes the job first and the tallies after it: in mixed orders two transactions would wait
    for each other. SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(jobs.c.id).where(jobs.c.id == job_id).with_for_update())


async def count_unended(connection: AsyncConnection, *, guild_id: int, member_id: int) -> tuple[int, int]:
    """How many unended jobs the server has, and how many the member has there."""
    names = {"its_guild": guild_id, "its_member": member_id}
    in_server, of_member = (await connection.execute(_UNENDED, names)).one()
    return int(in_server), int(of_member)


async def note_answer(connection: AsyncConnection, job_id: str, answer_id: int) -> None:
    """Store the id of the public answer, unless it is known already."""
    await connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.answer_id.is_(None))
        .values(answer_id=answer_id, version=jobs.c.version + 1)
    )


async def move(connection: AsyncConnection, job: Job, to: JobState, *, now: datetime, **changes: Any) -> Job:
    """Move the job on, if it still is as it was read, and return it as it is now.

    `changes` are fields of `Job` or `Place`. Raises `Outrun` when somebody else was quicker, ValueError
    for a move that the state machine does not have.
    """
    if not may_move(job.state, to):
        raise ValueError(f"no way from {job.state} to {to}")
    moved = {"state": to, "state_since": now, "tries": 0, "wake_at": None, **changes}
    if to.ended:
        moved["ended_at"] = now
    return await _write(connection, job, moved)


async def amend(connection: AsyncConnection, job: Job, **changes: Any) -> Job:
    """Change fields of the job where it stands. Raises `Outrun` like `move`."""
    return await _write(connection, job, changes)


async def overrule(connection: AsyncConnection, job: Job) -> None:
    """Note that moderators are asked to let the job pass the server's own limits; the version stays."""
    await connection.execute(update(jobs).where(jobs.c.id == job.id).values(overruled=True))


async def withdraw(connection: AsyncConnection, job_id: str, *, ending: Ending, now: datetime) -> bool:
    """Cancel a job for which nothing has been ordered yet, whoever is working on it; True if it was one."""
    result = await connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(list(WITHDRAWABLE)))
        .values(
            state=S.CANCELLED,
            version=jobs.c.version + 1,
            state_since=now,
            ended_at=now,
            wake_at=None,
            tries=0,
            counts=False,
            ending=asdict(ending),
            cost_usd_micros=ending.cost_usd_micros,
        )
    )
    return result.rowcount == 1


async def ask_cancel(connection: AsyncConnection, job_id: str) -> bool:
    """Note that a job at the provider is to be cancelled; False when it is past that.

    The version stays: the wish must never make the worker lose what the provider just answered.
    """
    result = await connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(list(AT_PROVIDER)))
        .values(cancel=Cancel.ASKED)
    )
    return result.rowcount == 1


async def note_begun(connection: AsyncConnection, job_id: str, *, begun: bool) -> None:
    """Note whether the provider has begun, for a job that nobody wants to be gone; the version stays."""
    before, after = (Cancel.NONE, Cancel.BEGUN) if begun else (Cancel.BEGUN, Cancel.NONE)
    await connection.execute(
        update(jobs).where(jobs.c.id == job_id, jobs.c.cancel == before).values(cancel=after)
    )


async def refuse_cancel(connection: AsyncConnection, job_id: str) -> None:
    """Note that the provider no longer lets the job go."""
    await connection.execute(
        update(jobs).where(jobs.c.id == job_id, jobs.c.ended_at.is_(None)).values(cancel=Cancel.TOO_LATE)
    )


async def raise_progress(connection: AsyncConnection, job_id: str, permille: int) -> None:
    """Remember how far the bar has been shown, so that it never falls; the version stays."""
    await connection.execute(_RAISED, {"its_id": job_id, "reached": permille})


async def expired_files(connection: AsyncConnection, before: datetime) -> list[str]:
    """Ids of jobs that were closed before the given moment and may still have files."""
    query = select(jobs.c.id).where(jobs.c.closed_at < before, jobs.c.purged_at.is_(None))
    return list((await connection.execute(query)).scalars())


async def mark_purged(connection: AsyncConnection, job_id: str, *, now: datetime) -> None:
    await connection.execute(update(jobs).where(jobs.c.id == job_id).values(purged_at=now))


# Made once: to put a statement together takes longer than to execute it.
_BY_ID = select(jobs).where(jobs.c.id == bindparam("its_id"))
_UNENDED = select(func.count(), func.count().filter(jobs.c.member_id == bindparam("its_member"))).where(
    jobs.c.ended_at.is_(None), jobs.c.guild_id == bindparam("its_guild")
)
_GUARDED = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("its_id"),
        jobs.c.state == bindparam("its_state"),
        jobs.c.version == bindparam("its_version"),
    )
    .returning(jobs)
)
_RAISED = (
    update(jobs)
    .where(jobs.c.id == bindparam("its_id"), jobs.c.progress < bindparam("reached"))
    .values(progress=bindparam("reached"))
)


async def _write(connection: AsyncConnection, job: Job, changes: Mapping[str, Any]) -> Job:
    values = {key: column_value(value) for key, value in changes.items()}
    guards = {"its_id": job.id, "its_state": job.state, "its_version": job.version}
    made = await connection.execute(_GUARDED, values | guards | {"version": job.version + 1})
    row = made.mappings().one_or_none()
    if row is None:
        raise Outrun(job.id)
    # As it stands there: what others may change without a new version is in it.
    return to_job(row)
