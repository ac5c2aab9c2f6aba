"""Servers that the bot has left: what is stored about them goes thirty days later, unless it comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs as job_rows
from studio.database import Database, jobs, ledger
from studio.endings import withdraw
from studio.equipment import Equipment, because
from studio.jobs import WITHDRAWABLE
from studio.models import Ending
from studio.moderation.forgetting import forget_row
from studio.motions import clearing
from studio.motions.tables import motions
from studio.sharing import servers
from studio.sharing.servers import PolicyOutrun
from studio.sharing.tables import (
    approvals,
    audit,
    blocks,
    consents,
    copies,
    grants,
    petitions,
    reports,
    tallies,
)
from studio.sharing.tables import servers as rows
from studio.wishing.tables import habits, picks

log = structlog.get_logger(__name__)

KEPT = timedelta(days=30)

_TRIES = 5
_JOBS_AT_ONCE = 100
_THEIRS = (
    approvals,
    audit,
    blocks,
    consents,
    copies,
    grants,
    habits,
    petitions,
    picks,
    reports,
    tallies,
)


class Departures:
    """Every method may be repeated without harm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, guild_id: int, now: datetime, *, left: bool) -> None:
        """The bot left the server, or is in it again; a repeat does not begin the thirty days anew."""
        try:
            await self._note(guild_id, now, left=left)
        except SQLAlchemyError as error:
            # The comparison at the next start finds it.
            log.warning("departure_not_noted", guild_id=guild_id, error=type(error).__name__)

    async def compare(self, present: Iterable[int], now: datetime, *, shards: Shards) -> None:
        """Note what was missed while the bot was away; `present`: the servers of this process's shards."""
        there = set(present)
        try:
            async with self._database.read() as connection:
                known = await _with_data(connection)
                gone = await _noted(connection)
        except SQLAlchemyError as error:
            log.warning("departures_not_compared", error=type(error).__name__)
            return
        for guild_id in sorted(known - there - gone):
            if shards.has(guild_id):
                await self.note(guild_id, now, left=True)
        for guild_id in sorted(gone & there):
            await self.note(guild_id, now, left=False)

    async def _note(self, guild_id: int, now: datetime, *, left: bool) -> None:
        left_at = now if left else None
        for _ in range(_TRIES):
            try:
                async with self._database.write() as connection:
                    server = await servers.read(connection, guild_id, now)
                    if (server.left_at is None) is (left_at is None):
                        return
                    await servers.change(connection, server, left_at=left_at)
            except PolicyOutrun:
                continue
            log.info("server_left" if left else "server_came_back", guild_id=guild_id)
            return
        log.warning("departure_not_noted", guild_id=guild_id)


class Shards:
    """Which servers this process would know of; `ids` None = all."""

    def __init__(self, count: int | None = None, ids: Iterable[int] | None = None) -> None:
        self._count = count or 1
        self._ids = None if ids is None else frozenset(ids)

    def has(self, guild_id: int) -> bool:
        """Discord's own rule: `(guild_id >> 22) % shards`."""
        return self._ids is None or (guild_id >> 22) % self._count in self._ids


async def clean(equipment: Equipment) -> None:
    """Withdraw what waits in servers that were left, and delete what is stored about those left long ago.

    Repeats finish what is left.
    """
    await _withdraw(equipment)
    before = equipment.clock() - KEPT
    async with equipment.database.read() as connection:
        query = select(rows.c.guild_id).where(rows.c.left_at <= before)
        gone = list((await connection.execute(query)).scalars())
    for guild_id in gone:
        await _clean(equipment, guild_id, before)


async def _withdraw(equipment: Equipment) -> None:
    """Cancel for nothing what nobody could be shown any more; it gets no slot meanwhile (`standstill`)."""
    query = (
        select(jobs.c.id)
        .join(rows, rows.c.guild_id == jobs.c.guild_id)
        .where(rows.c.left_at.is_not(None), jobs.c.closed_at.is_(None), jobs.c.state.in_(list(WITHDRAWABLE)))
        .order_by(jobs.c.id)
    )
    async with equipment.database.read() as connection:
        waiting = list((await connection.execute(query)).scalars())
    for job_id in waiting:
        now = equipment.clock()
        async with equipment.database.write() as connection:
            job = await job_rows.get(connection, job_id, locked=True)
            if job is None or (await servers.read(connection, job.place.guild_id, now)).left_at is None:
                # It came back meanwhile.
                continue
            await withdraw(connection, job, Ending("interrupted"), now=now, why=because("server left"))


async def _clean(equipment: Equipment, guild_id: int, before: datetime) -> None:
    open_or_named = or_(jobs.c.member_id != 0, jobs.c.purged_at.is_(None))
    query = select(jobs.c.id).where(jobs.c.guild_id == guild_id, jobs.c.closed_at.is_not(None), open_or_named)
    while True:
        async with equipment.database.read() as connection:
            job_ids = list((await connection.execute(query.limit(_JOBS_AT_ONCE))).scalars())
        for job_id in job_ids:
            await equipment.storage.delete_tree(f"jobs/{job_id}")
            async with equipment.database.write() as connection:
                await forget_row(connection, job_id, 0)
                purged = update(jobs).where(jobs.c.id == job_id).values(purged_at=equipment.clock())
                await connection.execute(purged)
        if len(job_ids) < _JOBS_AT_ONCE:
            break
    if await _has_open_jobs(equipment, guild_id):
        # Its rules hold for them until the last one is over.
        return
    await clearing.clear_server(equipment, guild_id)
    async with equipment.database.write() as connection:
        await _forget_server(connection, guild_id, before)
    log.info("server_data_deleted", guild_id=guild_id)


async def _has_open_jobs(equipment: Equipment, guild_id: int) -> bool:
    query = select(jobs.c.id).where(jobs.c.guild_id == guild_id, jobs.c.closed_at.is_(None)).limit(1)
    async with equipment.database.read() as connection:
        return (await connection.execute(query)).first() is not None


async def _forget_server(connection: AsyncConnection, guild_id: int, before: datetime) -> None:
    still = (rows.c.guild_id == guild_id, rows.c.left_at <= before)
    if (await connection.execute(select(rows.c.guild_id).where(*still))).first() is None:
        # It came back meanwhile.
        return
    for table in _THEIRS:
        await connection.execute(delete(table).where(table.c.guild_id == guild_id))
    # The books stay, as what the operator paid; nobody's name is in them.
    mine = ledger.c.guild_id == guild_id
    await connection.execute(update(ledger).where(mine).values(member_id=0))
    by_member = ledger.c.actor.startswith("member:")
    await connection.execute(update(ledger).where(mine, by_member).values(actor="member"))
    # What the operator decided about the server outlives it, so that leaving and coming back changes nothing.
    of_operator = or_(rows.c.access.is_not(None), rows.c.cap_usd_micros.is_not(None))
    await connection.execute(
        update(rows).where(*still, of_operator).values(policy=None, name="", left_at=None)
    )
    await connection.execute(delete(rows).where(*still))
    await servers.announce(connection)


async def _with_data(connection: AsyncConnection) -> set[int]:
    """Servers that something is stored about: each order books in the shares, rules have a row."""
    booked = select(tallies.c.guild_id).where(tallies.c.guild_id != 0).distinct()
    ruled = select(rows.c.guild_id).where(rows.c.policy.is_not(None))
    kept = select(motions.c.guild_id).distinct()
    found = set((await connection.execute(booked)).scalars())
    found |= set((await connection.execute(kept)).scalars())
    return found | set((await connection.execute(ruled)).scalars())


async def _noted(connection: AsyncConnection) -> set[int]:
    query = select(rows.c.guild_id).where(rows.c.left_at.is_not(None))
    return set((await connection.execute(query)).scalars())
