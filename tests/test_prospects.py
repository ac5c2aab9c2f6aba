"""When the waiting jobs start follows from the slots, what renders in them, and the usual time."""

from __future__ import annotations

import heapq
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from studio.prospects import Prospects
from tests.builders import FixedClock

NOW = FixedClock().moment
USUAL = timedelta(minutes=3)


def prospects(*minutes: float, slots: int, earliest: float = 0) -> Prospects:
    ends = sorted(NOW + timedelta(minutes=minute) for minute in minutes)
    return Prospects(now=NOW, earliest=NOW + timedelta(minutes=earliest), slots=slots, usual=USUAL, ends=ends)


def minutes_until(prospects: Prospects, place: int) -> float:
    return (prospects.start_of(place) - NOW) / timedelta(minutes=1)


def test_those_who_are_next_start_when_the_running_renders_end() -> None:
    line = prospects(1, 2, slots=2)

    starts = [minutes_until(line, place) for place in (1, 2, 3, 4, 5)]

    assert starts == [1, 2, 4, 5, 7]


def test_a_free_slot_is_there_now_and_a_late_render_ends_any_moment() -> None:
    line = prospects(-5, 2, slots=3)

    starts = [minutes_until(line, place) for place in (1, 2, 3, 4)]

    assert starts == [0, 0, 2, 3]


def test_with_fewer_slots_than_renders_the_first_to_end_leave_none_behind() -> None:
    line = prospects(1, 2, 3, slots=1)

    assert [minutes_until(line, place) for place in (1, 2)] == [3, 6]


def test_nothing_starts_before_the_provider_goes_on() -> None:
    line = prospects(1, slots=2, earliest=10)

    assert [minutes_until(line, place) for place in (1, 2, 3)] == [10, 10, 13]


@given(
    slots=st.integers(1, 5),
    ends=st.lists(st.floats(0, 3, allow_nan=False), max_size=5),
    place=st.integers(1, 20),
)
def test_the_start_is_that_of_serving_one_after_the_other(slots: int, ends: list[float], place: int) -> None:
    ends = ends[:slots]
    free = [0.0] * (slots - len(ends)) + ends
    heapq.heapify(free)
    start = 0.0
    for _ in range(place):
        start = heapq.heappop(free)
        heapq.heappush(free, start + 3)

    told = minutes_until(prospects(*ends, slots=slots), place)

    assert abs(told - start) < 1e-6
