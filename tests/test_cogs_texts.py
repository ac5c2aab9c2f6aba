"""Every text exists, can be filled, fits Discord's limits and says what a refusal has to say."""

from __future__ import annotations

import ast
import inspect
import re
import string
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from media.errors import Reason
from media.facts import Change
from studio import errors, texts
from studio.errors import StudioError
from studio.models import CancelAnswer, Stage
from studio.reasons import REASONS
from studio.sentences import SENTENCES

ROOMS = ("bot.py", "cogs", "studio", "providers", "media")

NOT_A_REFUSAL = {"waiting_for_operator", "submit_unclear", "clip_too_large"}
"""Shown in passing, while the job goes on: nothing has ended, so nothing has a final cost."""

SAMPLE: dict[str, Any] = {
    "seconds": 41.25, "kept": 30.0, "elapsed": 75.0, "size": 26_000_000, "limit": 25_000_000,
    "asked": 20.0, "price": 250_000, "left": 150_000, "width": 1080, "height": 1920, "percent": 42,
    "position": 3, "amount": 2_500_000, "today": 150_000, "used": 150_000, "most": 250_000,
    "money": 150_000, "whole": 250_000, "month": 1_500_000, "spent": 150_000,
    "cap_usd_micros": 5_000_000,
}  # fmt: skip


def filled(wording: str) -> str:
    names = {name for _, name, _, _ in string.Formatter().parse(wording) if name}
    facts = {name: SAMPLE.get(name, name) for name in names}
    return texts._FORMATTER.vformat(wording, (), facts)


@pytest.mark.parametrize("code", SENTENCES)
def test_every_wording_can_be_filled_and_fits_a_message(code: str) -> None:
    for wording in texts.wordings(SENTENCES[code]):
        said = filled(wording)

        assert said.strip()
        assert len(said) <= 500


@pytest.mark.parametrize("code", [code for code in REASONS if code not in NOT_A_REFUSAL])
def test_every_refusal_says_what_it_cost(code: str) -> None:
    for wording in texts.wordings(REASONS[code]):
        assert "{cost}" in wording or texts.NOTHING_CHARGED.removesuffix(".") in wording


@pytest.mark.parametrize("code", SENTENCES)
def test_no_text_has_more_than_one_emoji(code: str) -> None:
    for wording in texts.wordings(SENTENCES[code]):
        assert len(re.findall("[\U0001f000-\U0001faff\u2600-\u26ff]", wording)) <= 1


def test_descriptions_and_choices_fit_discords_limits() -> None:
    described = {code for code in SENTENCES if code.startswith(("command_", "option_", "choice_"))}

    assert described
    for code in described:
        assert 1 <= len(texts.say(code)) <= 100


def test_everything_that_can_go_wrong_has_a_text() -> None:
    leaves = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, StudioError)]
    codes = {cls.default_code for cls in leaves}
    codes |= {f"media_{reason}" for reason in Reason}
    codes |= {f"notice_picture_{change}" for change in Change if change is not Change.TRIMMED}
    codes |= {f"notice_video_{change}" for change in Change if change is not Change.FIRST_FRAME}
    codes |= {f"cancel_{answer}" for answer in CancelAnswer}
    codes |= {f"stage_{stage}" for stage in Stage if stage not in (Stage.DONE, Stage.ENDED)}

    assert codes - SENTENCES.keys() == set()


CODE = re.compile(
    r"""(?:\bsay|OrderRefused|InputRefused|Notice|Ending|DeskGone|FetchFailed)\(\s*"([a-z_]+)"|text_code="([a-z_]+)"
    |JobState\.[A-Z]+,\s*"([a-z_]+)\"""",
    re.VERBOSE,
)


def test_every_code_that_the_program_names_has_a_text() -> None:
    root = Path(__file__).resolve().parents[1]
    files = [path for room in ROOMS for path in sorted((root / room).rglob("*.py")) or [root / room]]

    named = {
        code for path in files for match in CODE.findall(path.read_text("utf-8")) for code in match if code
    }

    assert len(named) > 30
    assert named - SENTENCES.keys() == set()


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        texts.say("no_such_text")


def test_the_fullest_wording_whose_facts_are_known_is_used() -> None:
    assert texts.say("media_too_short", seconds=2.04, limit=3).startswith("Your video is 2 s long")
    assert texts.say("media_too_short").startswith("Your video is too short")


def test_facts_missing_for_every_wording_are_an_error() -> None:
    with pytest.raises(KeyError, match="answer_started"):
        texts.say("answer_started")


@pytest.mark.parametrize(
    ("usd_micros", "written"),
    [
        (250_000, "$0.25"),
        (4_000, "$0.004"),
        (1, "$0.000001"),
        (0, "$0.00"),
        (1_500_000, "$1.50"),
        (1_234_567_890, "$1,234.57"),
        (10_000, "$0.01"),
    ],
)
def test_money_is_written_exactly_enough(usd_micros: int, written: str) -> None:
    assert texts.money(usd_micros) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (102, "1 min 42 s"), (7500, "2 h 5 min")],
)
def test_durations_are_written_as_people_say_them(seconds: float, written: str) -> None:
    assert texts.duration(seconds) == written


@pytest.mark.parametrize(
    ("count", "written"), [(1, "1 kB"), (25_000_000, "25 MB"), (10_485_760, "10.5 MB"), (640_000, "640 kB")]
)
def test_sizes_are_written_as_phones_show_them(count: int, written: str) -> None:
    assert texts.size(count) == written


def test_what_something_cost_is_a_sentence() -> None:
    assert texts.cost_sentence(0) == "Nothing was charged."
    assert texts.cost_sentence(250_000) == "It cost $0.25."
    assert "$" not in texts.cost_sentence(250_000, trial=True)


def test_no_two_texts_have_the_same_code() -> None:
    root = Path(__file__).resolve().parents[1] / "studio"
    files = [*sorted((root / "words").glob("*.py")), root / "sentences.py", root / "reasons.py"]

    codes = [
        key.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    ]

    assert [code for code, number in Counter(codes).items() if number > 1] == []
