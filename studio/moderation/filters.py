"""The server's own filter for prompts: words and patterns, matched in time that grows only with the text.

RE2 is used because it never goes back in the text, so that no pattern of a moderator can hold up the bot. It
is loaded with the first filter that is looked at: a bot without filters has nothing of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Any

from studio.errors import OrderRefused

MOST_FILTERS = 200
LONGEST_FILTER = 100
MEMORY_BYTES = 1 << 20

HARMLESS = ("", "a", "a woman dancing in the rain", "blurry, low quality", "42", "Дівчина танцює", "踊る猫")
"""What no filter may catch: one that does was not meant so."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")


class Kind(StrEnum):
    """A word (with `*` for any letters), or a pattern between slashes."""

    WORD = "word"
    PATTERN = "pattern"


def kind_of(rule: str) -> Kind:
    return Kind.PATTERN if len(rule) > 2 and rule.startswith("/") and rule.endswith("/") else Kind.WORD


def new_rule(text: str, *, example: str = "") -> str:
    """The rule as it is to be stored, tested; raises `OrderRefused` for one that cannot have been meant so.

    `example` is a text that it has to catch, if given.
    """
    rule = stored(text)
    if not rule or len(rule) > LONGEST_FILTER:
        raise OrderRefused("filter_length", limit=LONGEST_FILTER)
    try:
        caught = [each for each in HARMLESS if _matches(rule, each)]
    except ValueError:
        raise OrderRefused("filter_unreadable") from None
    if caught:
        raise OrderRefused("filter_catches_all")
    if example and not _matches(rule, example):
        raise OrderRefused("filter_misses_example")
    return rule


def stored(text: str) -> str:
    """A rule as it is kept: words without what only looks different."""
    rule = " ".join(text.split())
    return rule if kind_of(rule) is Kind.PATTERN else plain(rule)


def caught_by(rules: Iterable[str], text: str) -> list[str]:
    """The rules that catch the text."""
    return [rule for rule in rules if _matches(rule, text)]


def check(rules: tuple[str, ...], texts: Iterable[str]) -> None:
    """Raise `OrderRefused` when a rule catches one of the texts; it does not repeat what was caught."""
    for text in texts:
        if not text:
            continue
        seen = plain(text)
        for kind, compiled in _compiled(rules):
            if compiled.search(seen):
                raise OrderRefused(f"prompt_filtered_{kind}")


def plain(text: str) -> str:
    """The text without what only looks different: case, width, invisible characters."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def _matches(rule: str, text: str) -> bool:
    return any(compiled.search(plain(text)) for _, compiled in _compiled((rule,)))


@lru_cache(maxsize=512)
def _compiled(rules: tuple[str, ...]) -> tuple[tuple[Kind, Any], ...]:
    """All words as one expression, each pattern as its own. Raises ValueError for what cannot be read."""
    words = [_word(rule) for rule in rules if kind_of(rule) is Kind.WORD]
    made = [(Kind.PATTERN, _expression(rule[1:-1])) for rule in rules if kind_of(rule) is Kind.PATTERN]
    if words:
        edge = r"[^\pL\pN_]"
        made.insert(0, (Kind.WORD, _expression(f"(?:^|{edge})(?:{'|'.join(words)})(?:$|{edge})")))
    return tuple(made)


def _word(rule: str) -> str:
    import re2  # see above

    return r"[\pL\pN_]*".join(re2.escape(part) for part in rule.split("*"))


def _expression(pattern: str) -> Any:
    import re2  # see above

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MEMORY_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(str(error)) from error
