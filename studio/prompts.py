"""How long a prompt may be for the renderer."""

from __future__ import annotations

LONGEST_PROMPT = 1000
"""How long each of the two prompts may be for the renderer, by `length_of`; `provider.md`, section 5."""


def length_of(text: str) -> int:
    """A prompt's length as the renderer may count it: in UTF-16 units, which are never fewer than characters.

    It does not say which of the two it counts; most emoji are one character and two units.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
