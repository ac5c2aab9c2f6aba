"""Days, weeks and months of a server's own time zone, as spans of UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Period(StrEnum):
    """How often a share begins anew; weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to, but without, `end`; both UTC."""

    start: datetime
    end: datetime


def span_of(period: Period, now: datetime, zone: ZoneInfo) -> Span:
    """The period around `now`; it begins with the first moment of a day there, however the clocks are put."""
    today = now.astimezone(zone).date()
    match period:
        case Period.DAY:
            first, after = today, today + timedelta(days=1)
        case Period.WEEK:
            first = today - timedelta(days=today.weekday())
            after = first + timedelta(days=7)
        case Period.MONTH:
            first = today.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
    return Span(_first_moment(first, zone), _first_moment(after, zone))


def _first_moment(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins, in UTC.

    Where midnight is skipped, the earlier of the two readings (`fold=0`) lies in the gap and means the moment
    at which the clocks are put forward; where midnight comes twice, it means the first of the two.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)
