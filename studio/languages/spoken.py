"""Who is being spoken to: the language of the texts that are made here and now.

Rendering asks for it where a text is made, so no signature between an interaction and its words has to carry
it. It is set where a conversation begins, and nowhere else: by an interaction for its member, by the desk and
the herald for a server, by the watch page for a browser. What nobody has set is English.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token

from studio.languages.tongues import Language

_SPOKEN: ContextVar[Language] = ContextVar("spoken", default=Language.ENGLISH)


# Not a function around it: every text asks, and answers wait for some.
spoken: Callable[[], Language] = _SPOKEN.get
"""The language of the texts that are made here."""


def speak(language: Language) -> None:
    """Speak it until this task ends; for the beginning of an interaction, which has a task of its own."""
    _SPOKEN.set(language)


class speaking:  # noqa: N801 - read like a function; as one, an answer would wait for contextlib
    """Speak it within the block, also in what the block waits for."""

    __slots__ = ("_language", "_token")

    def __init__(self, language: Language) -> None:
        self._language = language

    def __enter__(self) -> None:
        self._token: Token[Language] = _SPOKEN.set(self._language)

    def __exit__(self, *_: object) -> None:
        _SPOKEN.reset(self._token)


def drawable() -> AbstractContextManager[None]:
    """For the words of a chart: English where its font lacks the language's letters."""
    return speaking(spoken() if spoken().is_drawn else Language.ENGLISH)
