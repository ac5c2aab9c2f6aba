"""The fair order is what the simple rule gives, on both databases, and it is there at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from studio import schema, turns
from studio.database import Database
from studio.database import jobs as jobs_table
from studio.database import ledger as entries
from studio.jobs import AT_PROVIDER
from studio.models import Job, JobState
from studio.sharing.policy import Policy
from tests.builders import FixedClock, a_job
from tests.pool_world import set_rules

NOW = FixedClock().moment
PAUSED = 4
"""The server whose moderators have paused new clips."""


@dataclass(frozen=True)
class Ordered:
    """A job as the fair order sees it."""

    id: str
    state: JobState
    guild_id: int
    member_id: int
    created_at: datetime
    priority: int = 0


@dataclass(frozen=True)
class Entry:
    member_id: int
    kind: str
    amount: int
    at: datetime


def in_fair_order(jobs: list[Ordered], ledger: list[Entry]) -> list[str]:
    """The rule as it is told: one turn after the other, each to the least served."""
    busy = [job for job in jobs if job.state in AT_PROVIDER]
    servers = Counter(job.guild_id for job in busy)
    members = Counter((job.guild_id, job.member_id) for job in busy)
    used: Counter[int] = Counter()
    for entry in ledger:
        if entry.kind in ("charge", "refund") and entry.at > NOW - timedelta(hours=24):
            used[entry.member_id] += entry.amount

    def claim_of(job: Ordered) -> tuple[object, ...]:
        lately = 0 if job.created_at <= NOW - timedelta(minutes=15) else max(0, used[job.member_id])
        of_member = members[job.guild_id, job.member_id]
        return servers[job.guild_id], of_member, lately, job.created_at, job.id

    waiting = [job for job in jobs if job.state is JobState.QUEUED and job.guild_id != PAUSED]
    order = []
    while waiting:
        firsts = {
            job.guild_id: max(one.priority for one in waiting if one.guild_id == job.guild_id)
            for job in waiting
        }
        chosen = min((job for job in waiting if job.priority == firsts[job.guild_id]), key=claim_of)
        waiting.remove(chosen)
        order.append(chosen.id)
        servers[chosen.guild_id] += 1
        members[chosen.guild_id, chosen.member_id] += 1
    return order


STATES = st.sampled_from([JobState.QUEUED] * 4 + [JobState.RENDERING, JobState.UNKNOWN, JobState.FETCHING])
PRIORITIES = st.sampled_from([0, 0, 0, 1, 5])
JOBS = st.lists(
    st.tuples(STATES, st.integers(1, 4), st.integers(1, 4), st.integers(0, 30), PRIORITIES),
    min_size=1,
    max_size=14,
).map(
    lambda rows: [
        Ordered(f"job{number:02}", state, guild, member, NOW - timedelta(minutes=age), priority)
        for number, (state, guild, member, age, priority) in enumerate(rows)
    ]
)
LEDGER = st.lists(
    st.builds(
        lambda member, kind, amount, hours: Entry(
            member, kind, -amount if kind in ("refund", "release") else amount, NOW - timedelta(hours=hours)
        ),
        st.integers(1, 4),
        st.sampled_from(["hold", "release", "charge", "refund"]),
        st.integers(1, 5),
        st.integers(0, 30),
    ),
    max_size=6,
)


async def store(database: Database, jobs: list[Ordered], ledger: list[Entry]) -> None:
    source = {"url": "u", "filename": "f", "size": 1, "content_type": None}
    fixed = {
        "version": 0, "channel_id": 1, "member_name": "m", "picture": source, "video": source, "wishes": {},
        "state_since": NOW, "progress": 0, "tries": 0, "cancel": "none",
    }  # fmt: skip
    async with database.write() as connection:
        await connection.execute(delete(jobs_table))
        await connection.execute(delete(entries))
        await connection.execute(insert(jobs_table), [vars(job) | fixed for job in jobs])
        for number, entry in enumerate(ledger):
            await connection.execute(
                insert(entries).values(
                    ref=str(number), at=entry.at, kind=entry.kind, amount_usd_micros=entry.amount, job_id="x",
                    guild_id=1, member_id=entry.member_id, actor="test", reason="test",
                )
            )  # fmt: skip


async def told(database: Database, limit: int) -> tuple[list[str], dict[str, int]]:
    async with database.read() as connection:
        ids = await turns.next_ids(connection, now=NOW, limit=limit)
        return ids, await turns.places(connection, now=NOW, front=2, first=3, last=1000)


def test_the_order_is_what_giving_one_turn_after_the_other_gives(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url)
        runner.run(schema.upgrade(database))
        runner.run(set_rules(database, Policy(paused=True), guild_id=PAUSED))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(jobs=JOBS, ledger=LEDGER, limit=st.integers(1, 6))
        def compare(jobs: list[Ordered], ledger: list[Entry], limit: int) -> None:
            runner.run(store(database, jobs, ledger))

            first, places = runner.run(told(database, limit))

            rule = in_fair_order(jobs, ledger)
            assert first == rule[:limit]
            assert places == {job_id: place for place, job_id in enumerate(rule, start=1)}

        compare()
        runner.run(database.close())


async def order_of(database: Database) -> list[str]:
    async with database.read() as connection:
        return await turns.next_ids(connection, now=NOW, limit=100)


async def test_servers_take_turns_and_members_inside_them(database: Database) -> None:
    eager = [await a_job(database, JobState.QUEUED, guild_id=1, member_id=10) for _ in range(3)]
    neighbour = await a_job(database, JobState.QUEUED, guild_id=1, member_id=11)
    other_server = await a_job(database, JobState.QUEUED, guild_id=2, member_id=20)

    order = await order_of(database)

    assert order == [eager[0].id, other_server.id, neighbour.id, eager[1].id, eager[2].id]


async def pay(database: Database, job: Job, *, at: datetime) -> None:
    async with database.write() as connection:
        await connection.execute(
            insert(entries).values(
                ref=f"{job.id}:{at}", at=at, kind="charge", amount_usd_micros=200_000, job_id="earlier",
                guild_id=1, member_id=job.order.member.id, actor="test", reason="test",
            )
        )  # fmt: skip


async def test_among_equals_goes_first_who_was_charged_less_since_yesterday(database: Database) -> None:
    heavy = await a_job(database, JobState.QUEUED, member_id=10, at=NOW - timedelta(minutes=2))
    earlier = await a_job(database, JobState.QUEUED, member_id=11, at=NOW - timedelta(minutes=1))
    light = await a_job(database, JobState.QUEUED, member_id=12, at=NOW)
    await pay(database, heavy, at=NOW - timedelta(hours=2))
    await pay(database, earlier, at=NOW - timedelta(hours=25))

    order = await order_of(database)

    assert order == [earlier.id, light.id, heavy.id]


async def test_nobody_is_overtaken_for_ever_by_those_who_used_less(database: Database) -> None:
    heavy = await a_job(database, JobState.QUEUED, member_id=10, at=NOW - timedelta(minutes=16))
    light = await a_job(database, JobState.QUEUED, member_id=11, at=NOW)
    await pay(database, heavy, at=NOW - timedelta(hours=2))

    order = await order_of(database)

    assert order == [heavy.id, light.id]
