"""Words that ask for something explicit: taken only in channels that are age-restricted."""

from __future__ import annotations

import re

from studio.errors import OrderRefused
from studio.moderation.filters import plain

# Whole words, and only those with hardly another meaning: a wrong refusal costs more trust than it saves.
_WORDS = (
    "nsfw", "nude", "nudes", "nudity", "naked", "topless", "bottomless", "undressed", "undressing",
    "striptease", "porn", "porno", "pornographic", "hentai", "xxx", "sex", "sexual",
    "sexually", "orgasm", "masturbate", "masturbating", "masturbation", "blowjob",
    "handjob", "cumshot", "creampie", "gangbang", "genitals", "genitalia", "penis", "vagina", "vulva",
    "dildo", "nipple", "nipples", "bare breasts", "without clothes", "no clothes", "erotic", "bdsm",
    "fellatio", "cunnilingus", "deepthroat", "bukkake", "futanari",
)  # fmt: skip

_EXPLICIT = re.compile(
    # Not `\w`, for which an underline would be a letter.
    r"(?<![^\W_])(?:" + "|".join(word.replace(" ", r"[\s_]+") for word in _WORDS) + r")(?![^\W_])"
)


def check_words(prompt: str, *, age_restricted: bool) -> None:
    """Raise `OrderRefused` for explicit words where anybody of any age may look.

    What should not be in the clip (the negative prompt) may be named everywhere.
    """
    if prompt and not age_restricted and _EXPLICIT.search(plain(prompt)):
        raise OrderRefused("explicit_words")
