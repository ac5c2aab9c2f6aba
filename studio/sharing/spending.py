"""What is spent, by whom, and when the operator has to hear of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs
from studio.equipment import Equipment
from studio.models import JobState
from studio.sharing import house, tallies
from studio.sharing.periods import Period, Span, span_of
from studio.sharing.quotas import Usage
from studio.sharing.tables import servers
from studio.sharing.tables import tallies as sums
from studio.sharing.tallies import Owner

_UTC = ZoneInfo("UTC")

WARN_AT_PERCENT = 80


@dataclass(frozen=True, slots=True)
class ServerSpending:
    """What one server used this month (UTC), in all that was paid."""

    guild_id: int
    name: str
    used: Usage
    cap_usd_micros: int | None
    access: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The operator's figures: over all servers today and this month (UTC), and by server, dearest first.

    `switches` are the names of the house's switches that are on.
    """

    today: Usage
    month: Usage
    month_ends: datetime
    servers: tuple[ServerSpending, ...]
    jobs: dict[JobState, int]
    budget_usd_micros: int | None
    switches: tuple[str, ...]


async def overview(
    connection: AsyncConnection, now: datetime, *, budget: int | None, most_servers: int = 15
) -> Overview:
    day, month = _span(Period.DAY, now), _span(Period.MONTH, now)
    everybody = Owner(*tallies.EVERYBODY, with_forgiven=True)
    today, whole = await tallies.used(connection, [(everybody, day), (everybody, month)])
    return Overview(
        today=today,
        month=whole,
        month_ends=month.end,
        servers=await _by_server(connection, month, most_servers),
        jobs=await _unended(connection),
        budget_usd_micros=budget,
        switches=tuple(name for name, on in asdict(await house.read(connection)).items() if on),
    )


async def watch_budget(equipment: Equipment) -> None:
    """Alarm the operator when the month's budget is nearly, then wholly used; once each month for each."""
    budget = equipment.terms.monthly_budget_usd_micros
    if not budget:
        return
    now = equipment.clock()
    everybody = Owner(*tallies.EVERYBODY, with_forgiven=True)
    async with equipment.database.read() as connection:
        (used,) = await tallies.used(connection, [(everybody, _span(Period.MONTH, now))])
    percent = used.usd_micros * 100 // budget
    month = f"{now.astimezone(UTC):%Y-%m}"
    for mark in (WARN_AT_PERCENT, 100):
        if percent >= mark:
            words = f"{used.usd_micros} of {budget} millionths of a dollar are used or on hold ({percent} %)"
            await equipment.operator.alarm(f"budget {month}: {mark} %", words)


async def _by_server(connection: AsyncConnection, span: Span, most: int) -> tuple[ServerSpending, ...]:
    money = func.sum(sums.c.usd_micros)
    query = (
        select(sums.c.guild_id, func.sum(sums.c.clips), money)
        .where(
            sums.c.guild_id != 0,
            sums.c.member_id == 0,
            # A month of UTC is whole days.
            sums.c.quarters == tallies.DAY,
            sums.c.quarter >= tallies.quarter_of(span.start),
            sums.c.quarter < tallies.quarter_of(span.end),
        )
        .group_by(sums.c.guild_id)
        .order_by(money.desc(), sums.c.guild_id)
        .limit(most)
    )
    used = {guild: Usage(int(clips), int(spent)) for guild, clips, spent in await connection.execute(query)}
    known = await connection.execute(
        select(servers.c.guild_id, servers.c.name, servers.c.cap_usd_micros, servers.c.access)
    )
    rules = {guild: (name, cap, access) for guild, name, cap, access in known}
    found = []
    for guild, use in used.items():
        name, cap, access = rules.get(guild, ("", None, None))
        found.append(ServerSpending(guild, name, use, cap, access))
    return tuple(found)


async def _unended(connection: AsyncConnection) -> dict[JobState, int]:
    query = select(jobs.c.state, func.count()).where(jobs.c.ended_at.is_(None)).group_by(jobs.c.state)
    return {JobState(state): int(number) for state, number in await connection.execute(query)}


def _span(period: Period, now: datetime) -> Span:
    return span_of(period, now, _UTC)
