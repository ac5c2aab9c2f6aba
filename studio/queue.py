"""Who is next: fair choice, positions and free slots."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import attempts, jobs, notes, slots
from studio.database import jobs as jobs_table
from studio.errors import OperatorProblem
from studio.models import Job, JobState

_PAUSE_KEY = "provider_pause"

_QUEUE_LOCK = 0x71756575
"""Key of the PostgreSQL advisory lock under which slots are given."""

LOOK_SECONDS = 30.0
"""How long a waiting job rests before it looks for a free slot by itself."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The provider takes nothing until `until`; afterwards a single job finds out whether it does again.

    `problem` is set when only the operator can mend it; `strikes` counts the jobs that found that out in
    succession, the first at `since`.
    """

    since: datetime
    until: datetime
    problem: OperatorProblem | None = None
    strikes: int = 1

    def lasts(self, now: datetime) -> bool:
        """Whether nothing may be sent now; a clock that was set back ends every pause."""
        return self.since <= now < self.until

    def began_after(self, claimed_at: datetime) -> bool:
        """Whether a job that got its slot then knew nothing of this pause."""
        return self.since > claimed_at


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


async def claim(
    connection: AsyncConnection, *, most: int, slot_recovery: float, account: str, now: datetime
) -> list[Job]:
    """Move as many queued jobs to `submitting` as there are free slots, at most `most`; return them.

    None while the provider is paused or a submit of the account is without an answer; `slot_recovery` is
    explained in `studio.slots`.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_QUEUE_LOCK)))
    pause = await read_pause(connection)
    if (pause is not None and pause.lasts(now)) or await attempts.is_unclear(connection, account):
        return []
    held = await _slots_held(connection)
    free = await slots.allowed(connection, most=most, now=now, recovery=slot_recovery) - held.total()
    if pause is not None:
        # After a pause one job goes ahead; the rest follow when it was accepted.
        free = min(free, 1 - held[JobState.SUBMITTING])
    if free <= 0:
        return []
    waiting = await jobs.in_states(connection, [JobState.QUEUED])
    if not waiting:
        return []
    busy = await jobs.in_states(connection, jobs.AT_PROVIDER)
    chosen = fair_order(waiting, busy)[:free]
    # Another process may be at a waiting job's row: what it leaves behind is decided on.
    newest = [await jobs.get(connection, job.id, locked=True) for job in chosen]
    return [
        await jobs.move(connection, job, JobState.SUBMITTING, now=now)
        for job in newest
        if job is not None and job.state is JobState.QUEUED
    ]


async def positions(connection: AsyncConnection) -> dict[str, int]:
    """The place in the queue of every queued job, 1 = next."""
    waiting = await jobs.in_states(connection, [JobState.QUEUED])
    busy = await jobs.in_states(connection, jobs.AT_PROVIDER) if waiting else []
    return {job.id: place for place, job in enumerate(fair_order(waiting, busy), start=1)}


async def pause(
    connection: AsyncConnection,
    *,
    now: datetime,
    claimed_at: datetime,
    seconds: Callable[[int], float],
    problem: OperatorProblem | None = None,
) -> Pause:
    """Hold the queue back for `seconds` of the number of strikes, this one included; return the pause.

    A job that got its slot (`claimed_at`) before the present pause began adds nothing to it.
    """
    known = await read_pause(connection)
    if known is not None and known.began_after(claimed_at):
        return known
    strikes = 1 if known is None or known.problem is not problem else known.strikes + 1
    made = Pause(now, now + timedelta(seconds=seconds(strikes)), problem, strikes)
    value = {
        "since": made.since.isoformat(),
        "until": made.until.isoformat(),
        "problem": problem and problem.value,
        "strikes": strikes,
    }
    await notes.write(connection, _PAUSE_KEY, json.dumps(value))
    return made


async def resume(connection: AsyncConnection) -> None:
    """End the pause, whatever it was for."""
    await notes.erase(connection, _PAUSE_KEY)


async def read_pause(connection: AsyncConnection) -> Pause | None:
    value = await notes.read(connection, _PAUSE_KEY)
    if value is None:
        return None
    parsed = json.loads(value)
    problem = parsed["problem"]
    return Pause(
        since=datetime.fromisoformat(parsed["since"]),
        until=datetime.fromisoformat(parsed["until"]),
        problem=OperatorProblem(problem) if problem else None,
        strikes=parsed["strikes"],
    )


async def look_again_after(connection: AsyncConnection, now: datetime) -> float:
    """In how many seconds a waiting job should look for a slot again."""
    pause = await read_pause(connection)
    if pause is None or not pause.lasts(now):
        return LOOK_SECONDS
    return min(LOOK_SECONDS, (pause.until - now).total_seconds() + 0.05)


async def _slots_held(connection: AsyncConnection) -> Counter[JobState]:
    """How many jobs hold a slot, by state; a disputed one has left the provider, as far as anybody knows."""
    query = select(jobs_table.c.id, jobs_table.c.state).where(
        jobs_table.c.closed_at.is_(None), jobs_table.c.state.in_(list(jobs.AT_PROVIDER))
    )
    disputed = await attempts.disputed_jobs(connection)
    rows = (await connection.execute(query)).all()
    return Counter(JobState(state) for job_id, state in rows if job_id not in disputed)
