"""A server's filter in full: however many rules it was given, all are looked for, and none stops orders."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from studio.errors import OrderRefused
from studio.moderation import filters
from studio.sharing.policy import Policy
from tests.bureau import Bureau, open_bureau
from tests.test_studio_limits import refused, told


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


MADE: list[Callable[[int], str]] = [
    lambda n: f"*bad{n}*",
    lambda n: f"bad{n}*",
    lambda n: f"слово*плохое*{n}*",
    lambda n: f"{'я*' * 33}{n}",
    lambda n: f"{'x' * 90}{n}",
]


@pytest.mark.parametrize("made", MADE)
def test_as_many_words_as_are_accepted_are_looked_for(made: Callable[[int], str]) -> None:
    rules = tuple(filters.new_rule(made(number)) for number in range(filters.MOST_FILTERS))

    filters.check(rules, ["a woman dances in the rain", ""])
    for rule in (rules[0], rules[-1]):
        with pytest.raises(OrderRefused, match="prompt_filtered_word"):
            filters.check(rules, [f"a {rule.replace('*', 'm')}!"])


def test_the_first_look_at_a_full_filter_is_quick_enough_for_an_answer() -> None:
    rules = tuple(f"*quick{number}*" for number in range(filters.MOST_FILTERS))
    began = time.perf_counter()

    filters.check(rules, ["a woman dances in the rain"])

    assert time.perf_counter() - began < 0.3


@pytest.mark.parametrize(
    ("rule", "text", "caught"),
    [
        ("a*c", "abc", True),
        ("a*c", "a c", False),
        ("a*c", "a-c", False),
        ("ad", "\x01bad", False),
        ("bad", "\x01bad", True),
        ("+x", "a +x", True),
        ("+x", "a+x", False),
        ("bad", "a_bad", False),
        ("bad", "a\nbad\n", True),
        ("*-*", "well-known", True),
    ],
)
def test_stars_stand_for_letters_and_words_end_where_letters_do(rule: str, text: str, caught: bool) -> None:
    assert bool(filters.caught_by([filters.stored(rule)], text)) is caught


async def test_many_rules_leave_every_other_prompt_alone(bureau: Bureau) -> None:
    for number in range(26):
        await told(bureau, "filter add", rule=f"*bad{number}*")

    await bureau.ordered(prompt="a calm forest")
    reason = await refused(bureau, prompt="a notbad25s forest")

    assert "contains a word that this server's moderators do not want" in reason


async def test_a_rule_that_cannot_be_read_any_more_is_told_and_stops_nobody(bureau: Bureau) -> None:
    await bureau.rule(Policy(filters=("/(a/", "slur")))

    await bureau.ordered(prompt="a calm forest")
    reason = await refused(bureau, prompt="a slur")
    listed = await told(bureau, "filter list")
    tested = await told(bureau, "filter test", text="a calm forest")
    await told(bureau, "filter remove", rule="/(a/")
    mended = await told(bureau, "filter list")

    assert "contains a word" in reason
    for text in (listed, tested):
        assert "cannot read these any more, so they refuse nothing: ||/(a/||" in text
    assert "would pass" in tested
    assert "any more" not in mended
