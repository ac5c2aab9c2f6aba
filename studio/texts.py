"""Every sentence that a user can read, by code, and the way facts are put into it."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from studio.languages import figures
from studio.languages.catalogues import catalogue
from studio.languages.spoken import spoken
from studio.languages.tongues import Language
from studio.reasons import Template
from studio.sentences import SENTENCES

FILE_KINDS = frozenset({"picture", "video", "file"})

_STANDING = frozenset({"cost", "what"})
"""Facts that need not be given."""

NOTHING_CHARGED = SENTENCES["cost_nothing"]
"""In English, as a refusal whose wording names no cost has to say it."""


def say(code: str, /, **facts: Any) -> str:
    """Return the sentence for `code` in the language that is spoken here, filled with `facts`.

    Where a text has several wordings, the first is used whose facts are all given. `{cost}` in a text
    is "Nothing was charged." unless given (see `cost_sentence`); `{what}` is the kind of file.
    Raises KeyError for a code without a text, or when facts are missing for every wording.
    """
    language = spoken()
    simple = _simple(language, code)
    if simple is not None and facts.keys() >= simple[1]:
        return simple[0].format_map(facts)
    for wording in catalogue(language).texts[code]:
        filled = _fill(wording, facts)
        if filled is not None:
            return filled
    raise KeyError(f"facts are missing for the text {code}: only {sorted(facts)}")


def say_number(code: str, number: int, /, **facts: Any) -> str:
    """The same for a text with a form for each grammatical number: `code_one` and `code_many` in English."""
    filled = _fill(catalogue(spoken()).counted(code, number), facts | {"number": number})
    if filled is None:
        raise KeyError(f"facts are missing for the text {code}: only {sorted(facts)}")
    return filled


def _fill(wording: str, facts: Mapping[str, Any]) -> str | None:
    """None where facts are missing."""
    missing = fields_of(wording) - facts.keys()
    if missing:
        if not missing <= _STANDING:
            return None
        facts = {"cost": cost_sentence(0), "what": "file", **facts}
    if "what" in facts and facts["what"] in FILE_KINDS:
        facts = {**facts, "what": say(f"what_{facts['what']}")}
    if is_plain(wording):
        return wording.format_map(facts)
    return _FORMATTER.vformat(wording, (), facts)


@cache
def _simple(language: Language, code: str) -> tuple[str, frozenset[str]] | None:
    """A text's only wording with the names of its facts, where they go into it as they are.

    To know it beforehand makes most texts several times as fast, and answers wait for them.
    """
    wording, *others = catalogue(language).texts[code]
    fields = fields_of(wording)
    return None if others or fields & _STANDING or not is_plain(wording) else (wording, fields)


def cost_sentence(usd_micros: int, *, trial: bool = False) -> str:
    """Say what something cost in the end; on `trial` the amount was only played with."""
    if trial:
        return say("cost_trial")
    return say("cost_nothing") if usd_micros == 0 else say("cost_amount", amount=usd_micros)


def money(usd_micros: int) -> str:
    """Write an amount in dollars: `$0.25`; below a cent with as many digits as it needs."""
    return figures.money(usd_micros, spoken())


def size(count: int) -> str:
    """Write a number of bytes as people know it from their phones: `25 MB`."""
    return figures.size(count, spoken())


def duration(seconds: float) -> str:
    """Write a length of time: `8 s`, `1 min 42 s`, `2 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return say("length_seconds", seconds=whole)
    if whole < 3600:
        return say("length_minutes", minutes=whole // 60, seconds=whole % 60)
    return say("length_hours", hours=whole // 3600, minutes=whole % 3600 // 60)


def moment(when: datetime) -> str:
    """Write a moment as each reader's own Discord shows it: `in 3 hours`."""
    return f"<t:{math.ceil(when.timestamp())}:R>"


def date(when: datetime) -> str:
    """Write a moment as each reader's own Discord shows it: `22 November 2026 20:00`."""
    return f"<t:{math.ceil(when.timestamp())}:f>"


def wordings(template: Template) -> tuple[str, ...]:
    """The wordings of a text, the fullest first."""
    return (template,) if isinstance(template, str) else template


@cache
def fields_of(wording: str) -> frozenset[str]:
    """The names of the facts that a wording needs."""
    return frozenset(name for _, name, _, _ in _FORMATTER.parse(wording) if name is not None)


@cache
def is_plain(wording: str) -> bool:
    """Whether the facts go into a wording as they are."""
    return not any(spec or conversion for _, _, spec, conversion in _FORMATTER.parse(wording))


def _number(value: float) -> str:
    return figures.number(value, spoken())


class _Formatter(string.Formatter):
    """`str.format` plus the formats `money`, `size`, `duration` and `number`."""

    _formats: Mapping[str, Any] = {
        "money": money,
        "size": size,
        "duration": duration,
        "number": _number,
    }

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec in self._formats:
            return str(self._formats[format_spec](value))
        return str(super().format_field(value, format_spec))


_FORMATTER = _Formatter()
