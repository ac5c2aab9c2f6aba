"""Who is next: fair choice, positions and free slots."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import attempts, jobs, notes
from studio.database import jobs as jobs_table
from studio.errors import OperatorProblem
from studio.models import Job, JobState

_PAUSE_KEY = "provider_pause"

_QUEUE_LOCK = 0x71756575
"""Key of the PostgreSQL advisory lock under which slots are given."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The provider takes nothing until `until`; afterwards a single job finds out whether it does again.

    `problem` is set when only the operator can mend it.
    """

    until: datetime
    problem: OperatorProblem | None = None


def fair_order(waiting: Sequence[Job], busy: Sequence[Job]) -> list[Job]:
    """Order the waiting jobs: servers take turns, members inside a server too, then first come first served.

    `busy` are the jobs that hold a slot now; who has fewer of them is earlier.
    """
    servers = Counter(job.place.guild_id for job in busy)
    members = Counter((job.place.guild_id, job.order.member.id) for job in busy)
    remaining = sorted(waiting, key=lambda job: (job.order.ordered_at, job.id))
    ordered: list[Job] = []
    while remaining:
        chosen = min(
            remaining,
            key=lambda job: (servers[job.place.guild_id], members[job.place.guild_id, job.order.member.id]),
        )
        remaining.remove(chosen)
        ordered.append(chosen)
        servers[chosen.place.guild_id] += 1
        members[chosen.place.guild_id, chosen.order.member.id] += 1
    return ordered


async def claim(connection: AsyncConnection, *, slots: int, account: str, now: datetime) -> list[Job]:
    """Move as many queued jobs to `submitting` as there are free slots; return them.

    None while the provider is paused or a submit of the account is unexplained.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_QUEUE_LOCK)))
    busy_count = await _count(connection, jobs.AT_PROVIDER)
    pause = await read_pause(connection)
    if pause is not None:
        # After a pause one job goes ahead; the rest follow when it was accepted.
        slots = 1 if pause.until <= now else 0
    if busy_count >= slots or await attempts.any_unexplained(connection, account):
        return []
    waiting = await jobs.in_states(connection, [JobState.QUEUED])
    waiting = [job for job in waiting if job.wake_at is None or job.wake_at <= now]
    if not waiting:
        return []
    busy = await jobs.in_states(connection, jobs.AT_PROVIDER)
    chosen = fair_order(waiting, busy)[: slots - busy_count]
    return [await jobs.move(connection, job, JobState.SUBMITTING, now=now) for job in chosen]


async def positions(connection: AsyncConnection) -> dict[str, int]:
    """The place in the queue of every queued job, 1 = next."""
    waiting = await jobs.in_states(connection, [JobState.QUEUED])
    busy = await jobs.in_states(connection, jobs.AT_PROVIDER) if waiting else []
    return {job.id: place for place, job in enumerate(fair_order(waiting, busy), start=1)}


async def pause(
    connection: AsyncConnection, *, now: datetime, seconds: float, problem: OperatorProblem | None = None
) -> None:
    """Hold the queue back for a while."""
    value = json.dumps(
        {"until": (now + timedelta(seconds=seconds)).isoformat(), "problem": problem and problem.value}
    )
    await notes.write(connection, _PAUSE_KEY, value)


async def resume(connection: AsyncConnection) -> None:
    await notes.erase(connection, _PAUSE_KEY)


async def read_pause(connection: AsyncConnection) -> Pause | None:
    value = await notes.read(connection, _PAUSE_KEY)
    if value is None:
        return None
    parsed = json.loads(value)
    problem = parsed["problem"]
    return Pause(datetime.fromisoformat(parsed["until"]), OperatorProblem(problem) if problem else None)


async def _count(connection: AsyncConnection, states: frozenset[JobState]) -> int:
    query = select(func.count()).where(jobs_table.c.closed_at.is_(None), jobs_table.c.state.in_(list(states)))
    return int((await connection.execute(query)).scalar_one())
