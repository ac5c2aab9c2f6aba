"""What a member has used and has left in a server, and which of their clips are under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from media.facts import Bar
from studio.database import jobs
from studio.models import JobState, Member
from studio.sharing import admission, servers, standstill, tallies
from studio.sharing.periods import Period, span_of
from studio.sharing.quotas import Allotment, Limit, Usage
from studio.sharing.tallies import Owner

__all__ = ["Account", "Bar", "Waiting", "account_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One of the member's unfinished clips; `thread_id` None: it has none, or not yet."""

    job_id: str
    thread_id: int | None
    is_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`limits` are those that apply to the member now; `mine` and `everybodys` are this month's use."""

    limits: Sequence[Allotment]
    mine: Usage
    everybodys: Usage
    waiting: Sequence[Waiting]

    def of(self, *limits: Limit) -> list[Allotment]:
        return [each for each in self.limits if each.cap.limit in limits]


async def account_of(
    connection: AsyncConnection,
    *,
    guild_id: int,
    member: Member,
    now: datetime,
    budget: int | None,
    price: int,
) -> Account:
    """`price`: what a clip costs at least, in usd_micros."""
    server = await servers.read(connection, guild_id, now)
    limits = await admission.allotments(connection, server, member, now=now, budget=budget)
    month = span_of(Period.MONTH, now, server.policy.zone)
    wanted = [(Owner(guild_id, member.id), month), (Owner(guild_id), month)]
    mine, everybodys = await tallies.used(connection, wanted)
    return Account(
        limits=limits.shown(price),
        mine=mine,
        everybodys=everybodys,
        waiting=await _waiting(connection, guild_id, member.id),
    )


async def _waiting(connection: AsyncConnection, guild_id: int, member_id: int) -> list[Waiting]:
    stopped = (await standstill.read(connection)).code_of(guild_id) is not None
    query = (
        select(jobs.c.id, jobs.c.thread_id, jobs.c.state)
        .where(jobs.c.ended_at.is_(None), jobs.c.guild_id == guild_id, jobs.c.member_id == member_id)
        .order_by(jobs.c.created_at, jobs.c.id)
    )
    rows = await connection.execute(query)
    return [
        Waiting(job_id=job_id, thread_id=thread_id, is_paused=stopped and state == JobState.QUEUED)
        for job_id, thread_id, state in rows
    ]
