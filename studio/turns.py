"""Whose turn is next: the fair order of the waiting jobs, made by the database in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Subquery, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs, ledger
from studio.jobs import AT_PROVIDER
from studio.ledger import Entry
from studio.models import JobState
from studio.moments import Moment
from studio.sharing import standstill

LATELY = timedelta(hours=24)
"""What a member paid for in this time makes others go first who are equal otherwise."""

PATIENCE = timedelta(minutes=15)
"""Who has waited for so long counts as somebody who has used nothing, so that nobody waits for ever."""


async def next_ids(connection: AsyncConnection, *, now: datetime, limit: int) -> list[str]:
    """Ids of the waiting jobs whose turn is next, in this order.

    Servers take turns, members inside a server too; among equals goes first whoever was charged less lately,
    then who came first. Who holds more of the provider's slots has had more turns. Inside a server a higher
    priority goes before all that; where new clips are paused, nobody has a turn.
    """
    rows = await connection.execute(_NEXT, {**await _circumstances(connection, now), "limit": limit})
    return list(rows.scalars())


async def places(
    connection: AsyncConnection, *, now: datetime, front: int, first: int, last: int
) -> dict[str, int]:
    """The jobs at the first `front` places in the queue and those from `first` to `last`; 1 = next."""
    span = {"front": front, "first": first, "last": last}
    rows = await connection.execute(_PLACES, await _circumstances(connection, now) | span)
    return {job_id: int(place) for job_id, place in rows}


async def places_of(connection: AsyncConnection, job_ids: Sequence[str], *, now: datetime) -> dict[str, int]:
    """The places of these jobs, as far as they are in the queue."""
    values = await _circumstances(connection, now)
    rows = await connection.execute(_PLACES_OF, {**values, "ids": list(job_ids)})
    return {job_id: int(place) for job_id, place in rows}


async def _circumstances(connection: AsyncConnection, now: datetime) -> dict[str, Any]:
    paused = sorted((await standstill.read(connection)).guild_ids)
    return {"since": now - LATELY, "patience": now - PATIENCE, "paused": paused}


def _turns() -> Subquery:
    """Every waiting job with the numbers of its turns.

    To give turns one after the other, each to the least served, is the same as to number the turns that
    everybody would get, and to sort by the numbers: so nothing has to be done once for each job.
    """
    waiting, busy = _turns_of_members(), _busy()
    servers = (
        select(busy.c.guild_id, func.sum(busy.c.held).label("held")).group_by(busy.c.guild_id).subquery()
    )
    rank = (
        waiting.c.priority.desc(),
        waiting.c.member_turn,
        waiting.c.used,
        waiting.c.created_at,
        waiting.c.id,
    )
    turn = func.row_number().over(partition_by=waiting.c.guild_id, order_by=rank)
    return (
        select(waiting, (turn + func.coalesce(servers.c.held, 0)).label("server_turn"))
        .select_from(waiting.outerjoin(servers, servers.c.guild_id == waiting.c.guild_id))
        .subquery()
    )


def _turns_of_members() -> Subquery:
    queue, busy, used = _queue(), _busy(), _used()
    turn = func.row_number().over(
        partition_by=(queue.c.guild_id, queue.c.member_id),
        order_by=(queue.c.priority.desc(), queue.c.created_at, queue.c.id),
    )
    is_patient = queue.c.created_at <= bindparam("patience", type_=Moment)
    everybody = queue.join(used, used.c.member_id == queue.c.member_id).outerjoin(
        busy, (busy.c.guild_id == queue.c.guild_id) & (busy.c.member_id == queue.c.member_id)
    )
    return (
        select(
            queue.c.id,
            queue.c.guild_id,
            queue.c.priority,
            queue.c.created_at,
            (turn + func.coalesce(busy.c.held, 0)).label("member_turn"),
            # More given back than charged lately is for something older.
            case((is_patient, 0), (used.c.used > 0, used.c.used), else_=0).label("used"),
        )
        .select_from(everybody)
        .subquery()
    )


def _queue() -> Subquery:
    columns = (jobs.c.id, jobs.c.guild_id, jobs.c.member_id, jobs.c.priority, jobs.c.created_at)
    return (
        select(*columns)
        .where(
            jobs.c.closed_at.is_(None),
            jobs.c.state == JobState.QUEUED,
            jobs.c.guild_id.not_in(bindparam("paused", expanding=True)),
        )
        .subquery()
    )


def _busy() -> Subquery:
    """How many of the provider's slots each member holds, by server."""
    return (
        select(jobs.c.guild_id, jobs.c.member_id, func.count().label("held"))
        .where(jobs.c.closed_at.is_(None), jobs.c.state.in_(list(AT_PROVIDER)))
        .group_by(jobs.c.guild_id, jobs.c.member_id)
        .subquery()
    )


def _used() -> Subquery:
    """What each member in the queue was charged lately, less what was given back, in usd_micros."""
    queue = _queue()
    members = select(queue.c.member_id).distinct().subquery()
    entries = (
        select(func.coalesce(func.sum(ledger.c.amount_usd_micros), 0))
        .where(
            ledger.c.member_id == members.c.member_id,
            ledger.c.at > bindparam("since", type_=Moment),
            ledger.c.kind.in_([Entry.CHARGE.value, Entry.REFUND.value]),
        )
        .scalar_subquery()
    )
    return select(members.c.member_id, entries.label("used")).subquery()


# Built once: to write the statement takes longer than the database takes for a short queue.
_ALL = _turns()
_ORDER = (_ALL.c.server_turn, _ALL.c.member_turn, _ALL.c.used, _ALL.c.created_at, _ALL.c.id)
_NEXT = select(_ALL.c.id).order_by(*_ORDER).limit(bindparam("limit"))
_LINE = select(_ALL.c.id, func.row_number().over(order_by=_ORDER).label("place")).subquery()
_PLACES = (
    select(_LINE.c.id, _LINE.c.place)
    .where(
        (_LINE.c.place <= bindparam("front")) | _LINE.c.place.between(bindparam("first"), bindparam("last"))
    )
    .order_by(_LINE.c.place)
)
_PLACES_OF = select(_LINE.c.id, _LINE.c.place).where(_LINE.c.id.in_(bindparam("ids", expanding=True)))
