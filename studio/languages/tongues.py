"""The languages that the bot speaks, and the tags by which Discord and browsers ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

AUTOMATIC = "auto"
"""A server's setting: the language that it has told Discord."""


class Language(StrEnum):
    """By the name of its folder in `locale/`, which is also how Babel calls it."""

    ENGLISH = "en"
    GERMAN = "de"
    FRENCH = "fr"
    SPANISH = "es"
    PORTUGUESE = "pt_BR"
    JAPANESE = "ja"
    KOREAN = "ko"
    CHINESE = "zh_Hans"
    POLISH = "pl"
    TURKISH = "tr"

    @property
    def tag(self) -> str:
        """As HTML writes it (BCP 47)."""
        return self.value.replace("_", "-")

    @property
    def is_drawn(self) -> bool:
        """Whether the font of our charts has its letters."""
        return self not in _UNDRAWN


_UNDRAWN = frozenset({Language.JAPANESE, Language.KOREAN, Language.CHINESE})

TRANSLATED = tuple(language for language in Language if language is not Language.ENGLISH)

_VALUES = frozenset(language.value for language in Language)

SETTINGS = (AUTOMATIC, *(language.value for language in Language))

_EXACT = {
    "pt": Language.PORTUGUESE,
    "zh": Language.CHINESE,
    # Those who read the traditional script are better served by English.
    "zh-tw": Language.ENGLISH,
    "zh-hk": Language.ENGLISH,
    "zh-mo": Language.ENGLISH,
    "zh-hant": Language.ENGLISH,
}


@lru_cache(maxsize=256)
def find(tag: str) -> Language | None:
    """The language of a tag such as `es-419`, `pt-BR` or `de`; None for one that is not spoken."""
    wanted = tag.strip().replace("_", "-").casefold()
    main = wanted.partition("-")[0]
    for known in (wanted, "-".join(wanted.split("-")[:2]), main):
        if known in _EXACT:
            return _EXACT[known]
    return next((language for language in Language if language.value == main), None)


def closest(tag: str) -> Language:
    """The same, English where it is not spoken."""
    return find(tag) or Language.ENGLISH


def chosen(setting: str, offered: str) -> Language:
    """What a server is spoken to in: by its own setting, else by the tag that it has told Discord."""
    # A setting that only another version of the bot knows is none.
    return Language(setting) if setting in _VALUES else closest(offered)


def of_browser(header: str) -> Language:
    """The first language of an `Accept-Language` header that is spoken (RFC 9110, section 12.5.4)."""
    for tag in _by_weight(header[:200].split(",")):
        found = find(tag)
        if found is not None:
            return found
    return Language.ENGLISH


def _by_weight(parts: Iterable[str]) -> list[str]:
    weighted = []
    for part in parts:
        tag, _, weight = part.partition(";q=")
        try:
            weighted.append((float(weight) if weight else 1.0, tag.strip()))
        except ValueError:
            continue
    # Stable: of equal ones the first counts.
    return [tag for weight, tag in sorted(weighted, key=lambda each: -each[0]) if weight > 0]
