"""The money: holds, charges, releases and refunds, only ever added to.

The sum of all entries is what the provider charged minus what it refunded, plus what is on hold now.
Each entry has a `ref` that can exist once, so that a repeated step writes nothing twice.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, String, Text, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import Moment, ledger
from studio.models import Job

_LEDGER_LOCK = 0x616E_696D
"""Key of the PostgreSQL advisory lock under which budgets are compared and held."""


class Entry(StrEnum):
    HOLD = "hold"
    RELEASE = "release"
    CHARGE = "charge"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The operator's cap for a calendar month (UTC), in usd_micros."""

    monthly_usd_micros: int

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """The month around `now`: its first moment and the first of the next one."""
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        days = calendar.monthrange(first.year, first.month)[1]
        last = first.replace(day=days)
        return first, first.replace(year=last.year + (last.month == 12), month=last.month % 12 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Who caused an entry, and why."""

    actor: str
    reason: str


async def hold(
    connection: AsyncConnection,
    job: Job,
    amount: int,
    *,
    now: datetime,
    because: Because,
    budget: Budget | None,
) -> bool:
    """Bring the job's hold up to `amount` usd_micros if the budget allows; False if it does not.

    One guarded statement: compare and write cannot be separated by another order. Repeats are harmless.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_LEDGER_LOCK)))
    held = await held_for(connection, job.id)
    if held >= amount:
        return True
    more = amount - held
    values = select(
        literal(await _next_ref(connection, job, Entry.HOLD), String),
        literal(now, Moment),
        literal(Entry.HOLD.value, String),
        literal(more, BigInteger),
        literal(job.id, String),
        literal(job.place.guild_id, BigInteger),
        literal(job.order.member.id, BigInteger),
        literal(because.actor, String),
        literal(because.reason, Text),
    )
    if budget is not None:
        first, after = budget.period(now)
        spent = (
            select(func.coalesce(func.sum(ledger.c.amount_usd_micros), 0))
            .where(ledger.c.at >= first, ledger.c.at < after)
            .scalar_subquery()
        )
        values = values.where(spent + more <= budget.monthly_usd_micros)
    columns = [
        "ref", "at", "kind", "amount_usd_micros", "job_id", "guild_id", "member_id", "actor", "reason",
    ]  # fmt: skip
    written = await connection.execute(insert(ledger).from_select(columns, values).returning(ledger.c.id))
    return written.first() is not None


async def release(connection: AsyncConnection, job: Job, *, now: datetime, because: Because) -> int:
    """Give back whatever is still held for the job; return it in usd_micros."""
    held = await held_for(connection, job.id)
    if held:
        await _add(connection, job, Entry.RELEASE, -held, now=now, because=because)
    return held


async def settle(
    connection: AsyncConnection, job: Job, charged: int, *, now: datetime, because: Because
) -> None:
    """Replace the hold by what the provider charged."""
    await release(connection, job, now=now, because=because)
    await _add(connection, job, Entry.CHARGE, charged, now=now, because=because)


async def refund(
    connection: AsyncConnection, job: Job, *, now: datetime, because: Because, amount: int | None = None
) -> int:
    """Enter the provider's refund (all that was charged unless it says otherwise); return it."""
    open_charge = await charged_for(connection, job.id)
    returned = open_charge if amount is None else min(amount, open_charge)
    if returned:
        await _add(connection, job, Entry.REFUND, -returned, now=now, because=because)
    return returned


async def held_for(connection: AsyncConnection, job_id: str) -> int:
    """What is on hold for the job now, in usd_micros."""
    return await _sum(connection, job_id, Entry.HOLD, Entry.RELEASE)


async def charged_for(connection: AsyncConnection, job_id: str) -> int:
    """What the job has cost so far: charges minus refunds, in usd_micros."""
    return await _sum(connection, job_id, Entry.CHARGE, Entry.REFUND)


async def _sum(connection: AsyncConnection, job_id: str, *kinds: Entry) -> int:
    query = select(func.coalesce(func.sum(ledger.c.amount_usd_micros), 0)).where(
        ledger.c.job_id == job_id, ledger.c.kind.in_([kind.value for kind in kinds])
    )
    return int((await connection.execute(query)).scalar_one())


async def _add(
    connection: AsyncConnection, job: Job, kind: Entry, amount: int, *, now: datetime, because: Because
) -> None:
    await connection.execute(
        insert(ledger).values(
            ref=await _next_ref(connection, job, kind),
            at=now,
            kind=kind.value,
            amount_usd_micros=amount,
            job_id=job.id,
            guild_id=job.place.guild_id,
            member_id=job.order.member.id,
            actor=because.actor,
            reason=because.reason,
        )
    )


async def _next_ref(connection: AsyncConnection, job: Job, kind: Entry) -> str:
    """Numbered by job and kind: of two hands that enter the same thing at once, one is refused."""
    query = select(func.count()).where(ledger.c.job_id == job.id, ledger.c.kind == kind.value)
    number = (await connection.execute(query)).scalar_one()
    return f"{job.id}:{kind.value}:{number}"
