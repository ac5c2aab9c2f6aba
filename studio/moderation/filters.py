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

import structlog

from studio.errors import OrderRefused

MOST_FILTERS = 200
LONGEST_FILTER = 100
MEMORY_BYTES = 1 << 20
"""What one expression may take; words that need more together are spread over several."""

HARMLESS = ("", "a", "a woman dancing in the rain", "blurry, low quality", "42", "Дівчина танцює", "踊る猫")
"""What no filter may catch: one that does was not meant so."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")

_MARK = "\x01"
_BETWEEN_WORDS = re.compile(r"\W")

log = structlog.get_logger(__name__)


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
    return [rule for rule in rules if _is_readable(rule) and _matches(rule, text)]


def unreadable(rules: Iterable[str]) -> list[str]:
    """The rules that catch nothing since they cannot be read: `new_rule` lets none in, but RE2 may change."""
    return [rule for rule in rules if not _is_readable(rule)]


def check(rules: tuple[str, ...], texts: Iterable[str]) -> None:
    """Raise `OrderRefused` when a rule catches one of the texts; it does not repeat what was caught."""
    for text in texts:
        if not text:
            continue
        for kind, compiled in _compiled(rules):
            if compiled.search(_seen(kind, text)):
                raise OrderRefused(f"prompt_filtered_{kind}")


def plain(text: str) -> str:
    """The text without what only looks different: case, width, invisible characters."""
    if text.isascii():
        # Most texts are, and answers wait for this: there only case differs.
        return text.lower()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def _seen(kind: Kind, text: str) -> str:
    return plain(text) if kind is Kind.PATTERN else _marked(plain(text))


def _marked(text: str) -> str:
    """The text with a mark before everything that is no part of a word.

    So an expression needs to know one character instead of every letter there is, which makes it a hundred
    times smaller: a server's words fit into one.
    """
    return _BETWEEN_WORDS.sub(lambda found: _MARK + found[0], text.replace(_MARK, " "))


def _matches(rule: str, text: str) -> bool:
    """Raises ValueError for a rule that cannot be read."""
    kind = kind_of(rule)
    return bool(_alone(rule).search(_seen(kind, text)))


def _is_readable(rule: str) -> bool:
    try:
        _alone(rule)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=64)
def _compiled(rules: tuple[str, ...]) -> tuple[tuple[Kind, Any], ...]:
    """All words as few expressions, each pattern as its own; without what cannot be read."""
    lost = unreadable(rules)
    if lost:
        log.warning("filters_unreadable", number=len(lost))
    kept = [rule for rule in rules if rule not in lost]
    words = [rule for rule in kept if kind_of(rule) is Kind.WORD]
    patterns = [rule for rule in kept if kind_of(rule) is Kind.PATTERN]
    return (
        *((Kind.WORD, each) for each in _together(words)),
        *((Kind.PATTERN, _alone(rule)) for rule in patterns),
    )


def _together(words: list[str]) -> list[Any]:
    """As few expressions as hold the words, each of which can be read alone."""
    if len(words) <= 1:
        return [_alone(rule) for rule in words]
    try:
        return [_words(words)]
    except ValueError:
        half = len(words) // 2
        return [*_together(words[:half]), *_together(words[half:])]


@lru_cache(maxsize=4096)
def _alone(rule: str) -> Any:
    return _expression(rule[1:-1]) if kind_of(rule) is Kind.PATTERN else _words([rule])


def _words(rules: list[str]) -> Any:
    return _expression(f"(?:^|{_MARK}(?s:.))(?:{'|'.join(map(_word, rules))})(?:$|{_MARK})")


def _word(rule: str) -> str:
    import re2  # see above

    return f"[^{_MARK}]*".join(re2.escape(_marked(part)) for part in rule.split("*"))


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
