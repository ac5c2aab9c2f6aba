"""Who gets the next free slot at the provider, and when nobody does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import attempts, jobs, notes, overviews, slots, turns
from studio.database import jobs as jobs_table
from studio.errors import OperatorProblem
from studio.models import Job, JobState
from studio.prospects import Prospects
from studio.sharing import standstill

_PAUSE_KEY = "provider_pause"

_QUEUE_LOCK = 0x71756575
"""Key of the PostgreSQL advisory lock under which slots are given."""

LOOK_SECONDS = 30.0
"""How often free slots are looked for although nothing seems to have changed."""

REST_SECONDS = 3600.0
"""How long a waiting job rests: it is woken when it gets its slot."""

CLAIMED_AT_ONCE = 25
"""How many slots are given in one transaction, which holds up every other one."""

REMEMBERED = 50
"""How many of those who met a pause are told from the others."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The provider takes nothing until `until`; afterwards a single job finds out whether it does again.

    `problem` is set when only the operator can mend it; `strikes` counts how often that was found out in
    succession, `met_by` are the jobs that found it out, the last of them at `since`.
    """

    since: datetime
    until: datetime
    problem: OperatorProblem | None = None
    strikes: int = 1
    met_by: tuple[str, ...] = ()

    def lasts(self, now: datetime) -> bool:
        """Whether nothing may be sent now; a clock that was set back ends every pause."""
        return self.since <= now < self.until

    def began_after(self, claimed_at: datetime) -> bool:
        """Whether a job that got its slot then knew nothing of this pause."""
        return self.since > claimed_at

    def rank(self, job_id: str) -> int:
        """The lower, the sooner a job is tried again; those who never met it are before all others."""
        return self.met_by.index(job_id) if job_id in self.met_by else -1


async def claim(
    connection: AsyncConnection, *, most: int, slot_recovery: float, account: str, now: datetime
) -> list[Job]:
    """Move as many queued jobs to `submitting` as there are free slots, at most `most`; return them.

    None while the provider or the whole house is paused or a submit of the account is without an answer;
    `slot_recovery` is explained in `studio.slots`.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_QUEUE_LOCK)))
    if (await standstill.read(connection)).everywhere:
        return []
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
    if pause is None:
        chosen = await turns.next_ids(connection, now=now, limit=min(free, CLAIMED_AT_ONCE))
    else:
        # First one that did not meet it, if there is any: it may be about those jobs alone.
        nearest = await turns.next_ids(connection, now=now, limit=len(pause.met_by) + 1)
        chosen = sorted(nearest, key=pause.rank)[:free]
    # Another process may be at a waiting job's row: what it leaves behind is decided on.
    newest = [await jobs.get(connection, job_id, locked=True) for job_id in chosen]
    return [
        await jobs.move(connection, job, JobState.SUBMITTING, now=now)
        for job in newest
        if job is not None and job.state is JobState.QUEUED
    ]


async def anybody_waits(connection: AsyncConnection) -> bool:
    """Whether a job is queued at all."""
    return (await connection.execute(_A_QUEUED_ONE)).first() is not None


async def prospects(
    connection: AsyncConnection, *, most: int, slot_recovery: float, usual: timedelta, now: datetime
) -> Prospects | None:
    """What the start of each waiting job follows from; None while nobody knows when the provider goes on."""
    pause = await read_pause(connection)
    if pause is not None and pause.problem is not None:
        return None
    number = await slots.allowed(connection, most=most, now=now, recovery=slot_recovery)
    return Prospects(
        now=now,
        earliest=max(now, pause.until) if pause is not None else now,
        slots=number,
        usual=usual,
        ends=await overviews.expected_ends(connection, usual=usual),
    )


async def pause(
    connection: AsyncConnection,
    *,
    now: datetime,
    claimed_at: datetime,
    seconds: Callable[[int], float],
    problem: OperatorProblem | None = None,
    job_id: str | None = None,
) -> Pause:
    """Hold the queue back for `seconds` of the number of strikes, this one included; return the pause.

    `job_id` is who met it: the next to go ahead is another one. What only the operator can mend may be about
    several jobs alone, so all that met it are remembered; a crowd or an outage changes nobody's turn for
    long. A job that got its slot (`claimed_at`) before the present pause began adds nothing to it.
    """
    known = await read_pause(connection)
    if known is not None and known.began_after(claimed_at):
        return known
    strikes = 1 if known is None or known.problem is not problem else known.strikes + 1
    before = known.met_by if known is not None and problem is not None else ()
    met_by = () if job_id is None else (*(one for one in before if one != job_id), job_id)[-REMEMBERED:]
    made = Pause(now, now + timedelta(seconds=seconds(strikes)), problem, strikes, met_by)
    value = {
        "since": made.since.isoformat(),
        "until": made.until.isoformat(),
        "problem": problem and problem.value,
        "strikes": strikes,
        "met_by": met_by,
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
        # The note may be of an older version.
        met_by=tuple(parsed.get("met_by", ())),
    )


async def look_again_after(connection: AsyncConnection, now: datetime) -> float:
    """In how many seconds a waiting job should look for a slot by itself: at the end of a pause."""
    pause = await read_pause(connection)
    if pause is None or not pause.lasts(now):
        return REST_SECONDS
    return min(REST_SECONDS, (pause.until - now).total_seconds() + 0.05)


async def _slots_held(connection: AsyncConnection) -> Counter[JobState]:
    """How many jobs hold a slot, by state; a disputed one has left the provider, as far as anybody knows."""
    held = await overviews.count_in_states(connection, jobs.AT_PROVIDER)
    for state in await overviews.states_of(connection, await attempts.disputed_jobs(connection)):
        if state in jobs.AT_PROVIDER:
            held[state] -= 1
    return held


_A_QUEUED_ONE = (
    select(jobs_table.c.id)
    .where(jobs_table.c.closed_at.is_(None), jobs_table.c.state == JobState.QUEUED)
    .limit(1)
)
