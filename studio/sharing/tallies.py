"""What has been used, summed up as it happens: by server, by member and over all.

Every entry of the ledger and every clip is booked here in the transaction that writes it, at the moment of
its order, so that a decision adds up a few short rows however long the ledger is. Time zones begin their days
at quarters of an hour, so any period is a whole number of them; most of it is whole days of UTC, which have
rows of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.aliases import alias_of
from studio.models import Job
from studio.sharing.periods import Span
from studio.sharing.quotas import Usage
from studio.sharing.tables import tallies

QUARTER_SECONDS = 900
DAY = 96
"""Quarters of an hour in a day."""

EVERYBODY = (0, 0)
"""The owner of the sums over all servers."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose sums: a member of a server, the whole server (member 0), or all servers (0, 0).

    `with_forgiven`: also the money of clips that do not count, since the operator paid for them all the same.
    """

    guild_id: int
    member_id: int = 0
    with_forgiven: bool = False


async def book(
    connection: AsyncConnection, job: Job, *, clips: int = 0, usd_micros: int = 0, forgiven: int = 0
) -> None:
    """Add to the sums of the job's member, server and all; figures may be negative, money in usd_micros."""
    guild, member = job.place.guild_id, job.order.member.id
    figures = {"clips": clips, "usd_micros": usd_micros, "forgiven_usd_micros": forgiven}
    if not any(figures.values()):
        return
    # Always in this order, so that two transactions cannot wait for each other.
    owners = dict.fromkeys((EVERYBODY, (guild, 0), (guild, member)))
    await _add(connection, [row for owner in owners for row in _rows(owner, job.order.ordered_at, figures)])


async def book_besides(connection: AsyncConnection, moment: datetime, *, usd_micros: int) -> None:
    """Add money that is no server's and no member's: it counts towards the operator's budget alone."""
    figures = {"clips": 0, "usd_micros": usd_micros, "forgiven_usd_micros": usd_micros}
    await _add(connection, _rows(EVERYBODY, moment, figures))


def _rows(owner: tuple[int, int], moment: datetime, figures: Mapping[str, int]) -> list[dict[str, int]]:
    """The quarter of an hour and the whole day in which the moment is."""
    (guild, member), quarter = owner, quarter_of(moment)
    return [
        {
            "guild_id": guild,
            "member_id": member,
            "quarters": quarters,
            "quarter": quarter - quarter % quarters,
            **figures,
        }
        for quarters in (1, DAY)
    ]


def _adding(make: Callable[[Table], Any]) -> Any:
    added = make(tallies)
    return added.on_conflict_do_update(
        index_elements=list(tallies.primary_key),
        set_={column.name: column + added.excluded[column.name] for column in _FIGURES},
    )


_FIGURES = (tallies.c.clips, tallies.c.usd_micros, tallies.c.forgiven_usd_micros)
# Made once, for any number of rows: to write the statement takes longer than the database takes for it.
_ADDING = {"postgresql": _adding(postgresql.insert), "sqlite": _adding(sqlite.insert)}


async def _add(connection: AsyncConnection, rows: Sequence[Mapping[str, int]]) -> None:
    await connection.execute(_ADDING[connection.dialect.name], rows)


async def rename(connection: AsyncConnection, member_id: int, alias: int) -> None:
    """Book everything that a member used to their alias instead, on top of what it has already."""
    taken = delete(tallies).where(tallies.c.member_id == member_id).returning(*tallies.c)
    rows = [{**row, "member_id": alias} for row in (await connection.execute(taken)).mappings()]
    for row in sorted(rows, key=lambda row: (row["guild_id"], row["quarters"], row["quarter"])):
        await _add(connection, [row])


async def used(connection: AsyncConnection, wanted: Sequence[tuple[Owner, Span]]) -> list[Usage]:
    """What each owner used in each span, in the order asked for; one statement for all."""
    # The same sums may be asked for twice: for their clips, and for their money.
    asked = [
        (
            owner.guild_id,
            owner.member_id,
            alias_of(owner.member_id),
            *_bounds(span),
        )
        for owner, span in wanted
    ]
    distinct = list(dict.fromkeys(asked))
    if not distinct:
        return []
    values = {
        f"{name}_{number}": value
        for number, sums in enumerate(distinct)
        for name, value in zip(_BOUNDS, sums, strict=True)
    }
    totals = [[0, 0, 0] for _ in distinct]
    for number, *figures in await connection.execute(_sums(len(distinct)), values):
        totals[number] = [total + int(figure) for total, figure in zip(totals[number], figures, strict=True)]
    return [
        _usage(totals[distinct.index(sums)], owner.with_forgiven)
        for sums, (owner, _) in zip(asked, wanted, strict=True)
    ]


def _usage(total: Sequence[int], with_forgiven: bool) -> Usage:
    clips, money, forgiven = total
    return Usage(clips, money if with_forgiven else money - forgiven)


def _bounds(span: Span) -> tuple[int, int, int, int]:
    """Where the span begins, where its whole days of UTC begin and end, and where it ends; in quarters."""
    first, end = quarter_of(span.start), quarter_of(span.end)
    days, days_end = -(-first // DAY) * DAY, end // DAY * DAY
    return (first, days, days_end, end) if days < days_end else (first, end, end, end)


def within(span: Span) -> ColumnElement[bool]:
    """The rows whose sums make up the span: its whole days of UTC, and the quarters before and after them."""
    first, days, days_end, end = _bounds(span)
    parts = ((1, first, days), (DAY, days, days_end), (1, days_end, end))
    return or_(
        *(
            and_(tallies.c.quarters == quarters, tallies.c.quarter >= start, tallies.c.quarter < stop)
            for quarters, start, stop in parts
        )
    )


def quarter_of(moment: datetime) -> int:
    """The number of the quarter of an hour since 1970."""
    return int(moment.astimezone(UTC).timestamp() // QUARTER_SECONDS)


_BOUNDS = ("guild", "member", "alias", "first", "days", "days_end", "end")


@cache
def _sums(count: int) -> CompoundSelect[Any]:
    """Made once: to write the statement takes longer than the database takes for it."""
    return union_all(*(part for number in range(count) for part in _parts(number)))


def _parts(number: int) -> list[Select[Any]]:
    """The quarters before the span's whole days, the days, and the quarters after them."""
    bounds = {name: bindparam(f"{name}_{number}", type_=BigInteger) for name in _BOUNDS}
    sums = [func.coalesce(func.sum(column), 0) for column in _FIGURES]
    return [
        select(literal_column(str(number)), *sums).where(
            tallies.c.guild_id == bounds["guild"],
            # What somebody used before they asked to be forgotten counts as well.
            tallies.c.member_id.in_([bounds["member"], bounds["alias"]]),
            tallies.c.quarters == quarters,
            tallies.c.quarter >= bounds[first],
            tallies.c.quarter < bounds[end],
        )
        for quarters, first, end in ((1, "first", "days"), (DAY, "days", "days_end"), (1, "days_end", "end"))
    ]
