"""The money: holds, charges, releases and refunds, only ever added to.

The sum of all entries is what the provider charged minus what it refunded, plus what is on hold now.
Each entry has a `ref` that can exist once, so that a repeated step writes nothing twice.
`extra` is what the provider charged for an order besides the order's own render: it counts towards the
operator's budget, but is no server's and no member's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, func, insert, select
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


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is entered for one job: the amounts by their kind, in usd_micros."""

    amounts: Mapping[str, list[int]]

    @property
    def held(self) -> int:
        """What is on hold now."""
        return sum(self.amounts[Entry.HOLD]) + sum(self.amounts[Entry.RELEASE])

    @property
    def charged(self) -> int:
        """What the job has cost so far: charges minus refunds."""
        return sum(self.amounts[Entry.CHARGE]) + sum(self.amounts[Entry.REFUND])


async def sheet_of(connection: AsyncConnection, job_id: str) -> Sheet:
    """Read the job's sheet, to which nobody else can add until this transaction ends."""
    await jobs.own(connection, job_id)
    return await _read(connection, job_id)


async def lock(connection: AsyncConnection) -> None:
    """Let nobody else compare limits and hold money until this transaction ends.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_LEDGER_LOCK)))


async def hold(
    connection: AsyncConnection,
    job: Job,
    amount: int,
    *,
    now: datetime,
    because: Because,
    clips: int = 0,
    sheet: Sheet | None = None,
) -> None:
    """Bring the job's hold up to `amount` usd_micros, and count `clips` more. Repeats of a hold are harmless.

    What the limits say to it is decided in `studio.sharing.admission`, which has read the `sheet` for that.
    """
    sheet = sheet or await sheet_of(connection, job.id)
    more = amount - sheet.held
    entries = {Entry.HOLD: more} if more > 0 else {}
    await _add(connection, job, sheet, entries, now=now, because=because, clips=clips)


async def release(connection: AsyncConnection, job: Job, *, now: datetime, because: Because) -> int:
    """Give back whatever is still held for the job; return it in usd_micros."""
    sheet = await sheet_of(connection, job.id)
    await _add(connection, job, sheet, _released(sheet), now=now, because=because)
    return sheet.held


async def settle(
    connection: AsyncConnection, job: Job, charged: int, *, now: datetime, because: Because
) -> None:
    """Replace the hold by what the provider charged."""
    sheet = await sheet_of(connection, job.id)
    entries = {**_released(sheet), Entry.CHARGE: charged}
    await _add(connection, job, sheet, entries, now=now, because=because)


async def refund(
    connection: AsyncConnection, job: Job, *, now: datetime, because: Because, amount: int | None = None
) -> int:
    """Enter the provider's refund (all that was charged unless it says otherwise); return it."""
    sheet = await sheet_of(connection, job.id)
    returned = sheet.charged if amount is None else min(amount, sheet.charged)
    entries = {Entry.REFUND: -returned} if returned else {}
    await _add(connection, job, sheet, entries, now=now, because=because)
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
    return (await _read(connection, job_id)).held


async def charged_for(connection: AsyncConnection, job_id: str) -> int:
    """What the job has cost so far: charges minus refunds, in usd_micros."""
    return (await _read(connection, job_id)).charged


# Made once: to write the statement takes longer than the database takes for it.
_OF_JOB = select(ledger.c.kind, ledger.c.amount_usd_micros).where(ledger.c.job_id == bindparam("its_job"))
_ADD = insert(ledger)


async def _read(connection: AsyncConnection, job_id: str) -> Sheet:
    amounts: dict[str, list[int]] = {kind: [] for kind in Entry}
    for kind, amount in await connection.execute(_OF_JOB, {"its_job": job_id}):
        amounts[kind].append(amount)
    return Sheet(amounts)


def _released(sheet: Sheet) -> dict[Entry, int]:
    return {Entry.RELEASE: -sheet.held} if sheet.held else {}


async def _add(
    connection: AsyncConnection,
    job: Job,
    sheet: Sheet,
    entries: Mapping[Entry, int],
    *,
    now: datetime,
    because: Because,
    clips: int = 0,
) -> None:
    """Their refs are numbered by job and kind: of two hands that enter the same thing, one is refused."""
    total = sum(entries.values())
    await tallies.book(connection, job, clips=clips, usd_micros=total, forgiven=0 if job.counts else total)
    rows = [
        {
            "ref": f"{job.id}:{kind}:{len(sheet.amounts[kind])}",
            "at": now,
            "kind": kind.value,
            "amount_usd_micros": amount,
            "job_id": job.id,
            "guild_id": job.place.guild_id,
            "member_id": job.order.member.id,
            "actor": because.actor,
            "reason": because.reason,
        }
        for kind, amount in entries.items()
    ]
    if rows:
        await connection.execute(_ADD, rows)


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
