"""Every sentence that a user can read, by code, and the way facts are put into it."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from studio.reasons import Template
from studio.sentences import SENTENCES

NOTHING_CHARGED = "Nothing was charged."
ONLY_A_TRIAL = "Nothing was charged, this was a trial."


def say(code: str, /, **facts: Any) -> str:
    """Return the sentence for `code`, filled with `facts`.

    Where a text has several wordings, the first is used whose facts are all given. `{cost}` in a text
    is "Nothing was charged." unless given (see `cost_sentence`); `{what}` is the kind of file.
    Raises KeyError for a code without a text, or when facts are missing for every wording.
    """
    known = {"cost": NOTHING_CHARGED, "what": "file"} | facts
    for wording in wordings(SENTENCES[code]):
        if fields_of(wording) <= known.keys():
            if is_plain(wording):
                # Several times as fast, and an answer waits for it.
                return wording.format_map(known)
            return _FORMATTER.vformat(wording, (), known)
    raise KeyError(f"facts are missing for the text {code}: only {sorted(facts)}")


def cost_sentence(usd_micros: int, *, trial: bool = False) -> str:
    """Say what something cost in the end; on `trial` the amount was only played with."""
    if trial:
        return ONLY_A_TRIAL
    return NOTHING_CHARGED if usd_micros == 0 else f"It cost {money(usd_micros)}."


def money(usd_micros: int) -> str:
    """Write an amount in dollars: `$0.25`; below a cent with as many digits as it needs."""
    dollars = Decimal(usd_micros) / 1_000_000
    if dollars != 0 and abs(dollars) < Decimal("0.01"):
        return f"${dollars.normalize():f}"
    return f"${dollars.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def size(count: int) -> str:
    """Write a number of bytes as people know it from their phones: `25 MB`."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{_short(count / 1_000_000)} MB"


def duration(seconds: float) -> str:
    """Write a length of time: `8 s`, `1 min 42 s`, `2 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


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


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


class _Formatter(string.Formatter):
    """`str.format` plus the formats `money`, `size`, `duration` and `number`."""

    _formats: Mapping[str, Any] = {
        "money": money,
        "size": size,
        "duration": duration,
        "number": _short,
    }

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec in self._formats:
            return str(self._formats[format_spec](value))
        return str(super().format_field(value, format_spec))


_FORMATTER = _Formatter()
