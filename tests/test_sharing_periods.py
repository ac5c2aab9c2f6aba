"""Days, weeks and months of every time zone are what counting the quarters of an hour on a calendar gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studio.sharing.periods import Period, span_of

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Eucla",
    "Australia/Lord_Howe", "Pacific/Chatham", "America/St_Johns", "America/Santiago", "Africa/Cairo",
    "Asia/Beirut", "America/Havana", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Casablanca",
    "Asia/Tehran", "America/Asuncion",
)  # fmt: skip
QUARTER = timedelta(minutes=15)
FIRST = datetime(2010, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 27 * 365 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))


def name_of(period: Period, moment: datetime, zone: ZoneInfo) -> tuple[int, ...]:
    """What a calendar there calls the period, told by nothing but the local date."""
    day = moment.astimezone(zone).date()
    match period:
        case Period.DAY:
            return (day.year, day.month, day.day)
        case Period.WEEK:
            return tuple(day.isocalendar()[:2])
        case Period.MONTH:
            return (day.year, day.month)


def counted(period: Period, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From quarter to quarter, as long as the calendar shows the same."""
    first = datetime.fromtimestamp(now.timestamp() // 900 * 900, UTC)
    name, last = name_of(period, now, zone), first
    while name_of(period, first - QUARTER, zone) == name:
        first -= QUARTER
    while name_of(period, last, zone) == name:
        last += QUARTER
    return first, last


@settings(deadline=None, max_examples=150)
@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(list(Period)))
@example(datetime(2026, 9, 6, 4, 10, tzinfo=UTC), "America/Santiago", Period.DAY)  # no midnight
@example(datetime(2026, 4, 24, 12, tzinfo=UTC), "Africa/Cairo", Period.DAY)  # no midnight
@example(datetime(2026, 11, 1, 12, tzinfo=UTC), "America/Havana", Period.DAY)  # midnight twice
@example(datetime(2011, 12, 30, 12, tzinfo=UTC), "Pacific/Apia", Period.WEEK)  # no Friday
@example(datetime(2026, 3, 29, 1, tzinfo=UTC), "Europe/Berlin", Period.DAY)  # 23 hours
@example(datetime(2026, 10, 25, 1, tzinfo=UTC), "Europe/Berlin", Period.DAY)  # 25 hours
@example(datetime(2028, 2, 29, 23, 59, tzinfo=UTC), "UTC", Period.MONTH)
def test_a_period_is_what_a_calendar_on_the_wall_shows(now: datetime, zone_name: str, period: Period) -> None:
    zone = ZoneInfo(zone_name)

    span = span_of(period, now, zone)

    assert (span.start, span.end) == counted(period, now, zone)
    assert span.start <= now < span.end


@settings(deadline=None, max_examples=150)
@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(list(Period)))
def test_periods_follow_one_another_without_a_gap(now: datetime, zone_name: str, period: Period) -> None:
    zone = ZoneInfo(zone_name)
    span = span_of(period, now, zone)

    after = span_of(period, span.end, zone)
    before = span_of(period, span.start - timedelta(microseconds=1), zone)

    assert (before.end, after.start) == (span.start, span.end)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_day_is_as_long_as_the_clocks_make_it(day: date, hours: int) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    span = span_of(Period.DAY, noon, ZoneInfo("Europe/Berlin"))

    assert span.end - span.start == timedelta(hours=hours)


@pytest.mark.parametrize(("month", "days"), [(2, 28), (4, 30), (12, 31)])
def test_a_month_is_as_long_as_it_is(month: int, days: int) -> None:
    span = span_of(Period.MONTH, datetime(2027, month, 15, tzinfo=UTC), ZoneInfo("UTC"))

    assert span.end - span.start == timedelta(days=days)
