"""The money: holds, charges, releases and refunds, only ever added to.

The sum of all entries is what the provider charged minus what it refunded, plus what is on hold now.
Each entry has a `ref` that can exist once, so that a repeated step writes nothing twice.
`extra` is what the provider charged for an order besides the order's own render: it counts towards the
operator's budget, but is no server's and no member's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.asides import Aside
from studio.database import ledger
from studio.models import Job
from studio.sharing import tallies

_LEDGER_LOCK = 0x616E_696D
"""Key of the PostgreSQL advisory lock under which budgets are compared and held."""


FIRST_HOLD = ":hold:0"
"""How the `ref` of what was held when an order was taken goes on after the order's id."""


class Entry(StrEnum):
    HOLD = "hold"
    RELEASE = "release"
    CHARGE = "charge"
    REFUND = "refund"
    EXTRA = "extra"
    EXTRA_BACK = "extra_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Who caused an entry, and why."""

    actor: str
    reason: str


async def lock(connection: AsyncConnection) -> None:
    """Let nobody else compare limits and hold money until this transaction ends.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_LEDGER_LOCK)))


async def hold(
    connection: AsyncConnection, job: Job, amount: int, *, now: datetime, because: Because
) -> None:
    """Bring the job's hold up to `amount` usd_micros. Repeats are harmless.

    What the limits say to it is decided in `studio.sharing.admission`.
    """
    await jobs.own(connection, job.id)
    more = amount - await held_for(connection, job.id)
    if more > 0:
        await _add(connection, job, Entry.HOLD, more, now=now, because=because)


async def release(connection: AsyncConnection, job: Job, *, now: datetime, because: Because) -> int:
    """Give back whatever is still held for the job; return it in usd_micros."""
    await jobs.own(connection, job.id)
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
    await jobs.own(connection, job.id)
    open_charge = await charged_for(connection, job.id)
    returned = open_charge if amount is None else min(amount, open_charge)
    if returned:
        await _add(connection, job, Entry.REFUND, -returned, now=now, because=because)
    return returned


async def book_extra(
    connection: AsyncConnection, aside: Aside, amount: int, *, now: datetime, because: Because
) -> None:
    """Enter what the provider charged for a render besides the order's own; once for each."""
    await _add_extra(connection, aside, Entry.EXTRA, amount, now=now, because=because)


async def take_back_extra(
    connection: AsyncConnection, aside: Aside, *, now: datetime, because: Because
) -> int:
    """Undo `book_extra`: refunded, or not charged for this order after all. Return it in usd_micros."""
    refs = [f"{aside.token}:{kind}" for kind in (Entry.EXTRA, Entry.EXTRA_BACK)]
    query = select(func.coalesce(func.sum(ledger.c.amount_usd_micros), 0)).where(ledger.c.ref.in_(refs))
    booked = int((await connection.execute(query)).scalar_one())
    if booked:
        await _add_extra(connection, aside, Entry.EXTRA_BACK, -booked, now=now, because=because)
    return booked


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
    forgiven = 0 if job.counts else amount
    await tallies.book(connection, job, usd_micros=amount, forgiven=forgiven)
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


async def _add_extra(
    connection: AsyncConnection, aside: Aside, kind: Entry, amount: int, *, now: datetime, because: Because
) -> None:
    await tallies.book_besides(connection, aside.created_at, usd_micros=amount)
    await connection.execute(
        insert(ledger).values(
            ref=f"{aside.token}:{kind}",
            at=now,
            kind=kind.value,
            amount_usd_micros=amount,
            job_id=aside.job_id,
            guild_id=0,
            member_id=0,
            actor=because.actor,
            reason=because.reason,
        )
    )


async def _next_ref(connection: AsyncConnection, job: Job, kind: Entry) -> str:
    """Numbered by job and kind: of two hands that enter the same thing at once, one is refused."""
    query = select(func.count()).where(ledger.c.job_id == job.id, ledger.c.kind == kind.value)
    number = (await connection.execute(query)).scalar_one()
    return f"{job.id}:{kind.value}:{number}"
