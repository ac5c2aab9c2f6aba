"""What an error of Discord means for the desk: the one place where discord.py's exceptions are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import aiohttp
import discord

from studio.errors import DeskError, DeskGone, DeskUnavailable

CALL_ERRORS: tuple[type[Exception], ...] = (
    discord.HTTPException,
    discord.RateLimited,
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    # discord.py reads the body before the status, and a proxy's empty page may call itself JSON.
    json.JSONDecodeError,
    UnicodeDecodeError,
)
"""What a REST call through discord.py may raise when Discord refuses, is slow or cannot be reached."""

LONG_WAIT_SECONDS = 300.0


class Verdict(StrEnum):
    """One meaning, whatever status and code it came with."""

    PLACE_GONE = "place_gone"
    MESSAGE_GONE = "message_gone"
    FORBIDDEN = "forbidden"
    ARCHIVED = "archived"
    LOCKED = "locked"
    THREAD_EXISTS = "thread_exists"
    NO_THREADS_HERE = "no_threads_here"
    NAME_REFUSED = "name_refused"
    NO_REPLY = "no_reply"
    TOO_LARGE = "too_large"
    UPLOAD_REFUSED = "upload_refused"
    CONTENT_REFUSED = "content_refused"
    LINK_REFUSED = "link_refused"
    INTERACTION_GONE = "interaction_gone"
    ANSWERED_ALREADY = "answered_already"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"


# Discord's JSON error codes: developers/topics/opcodes-and-status-codes, and `discord.md`, sections 1 to 3.
_BY_CODE = {
    10003: Verdict.PLACE_GONE,  # Unknown Channel
    10004: Verdict.PLACE_GONE,  # Unknown Guild
    10008: Verdict.MESSAGE_GONE,  # Unknown Message
    10015: Verdict.INTERACTION_GONE,  # Unknown Webhook: what an unknown interaction token is, too
    10062: Verdict.INTERACTION_GONE,  # Unknown Interaction
    20009: Verdict.CONTENT_REFUSED,  # Explicit content cannot be sent there
    20031: Verdict.NAME_REFUSED,  # disallowed words in the name
    30046: Verdict.UNAVAILABLE,  # too many edits of a message older than an hour, for now
    40005: Verdict.TOO_LARGE,  # Request entity too large
    40060: Verdict.ANSWERED_ALREADY,  # Interaction has already been acknowledged
    50001: Verdict.FORBIDDEN,  # Missing Access
    50013: Verdict.FORBIDDEN,  # Missing Permissions
    50024: Verdict.NO_THREADS_HERE,  # Cannot execute action on this channel type
    50027: Verdict.INTERACTION_GONE,  # Invalid Webhook Token
    50045: Verdict.TOO_LARGE,  # File uploaded exceeds the maximum size
    50046: Verdict.UPLOAD_REFUSED,  # Invalid file uploaded
    50083: Verdict.ARCHIVED,  # operation on an archived thread
    160002: Verdict.NO_REPLY,  # Cannot reply without permission to read message history
    160004: Verdict.THREAD_EXISTS,  # A thread has already been created for this message
    160005: Verdict.LOCKED,  # Thread is locked
    160006: Verdict.NO_THREADS_HERE,  # Maximum number of active threads reached
    160007: Verdict.NO_THREADS_HERE,  # the same for announcement threads
    200000: Verdict.CONTENT_REFUSED,  # Message was blocked by automatic moderation
    200001: Verdict.NAME_REFUSED,  # Title was blocked by automatic moderation
    240000: Verdict.LINK_REFUSED,  # Message blocked by harmful links filter
    400001: Verdict.UPLOAD_REFUSED,  # Access to file uploads has been limited for this guild
}

REFUSED = frozenset(
    {
        *(Verdict.INVALID, Verdict.NAME_REFUSED, Verdict.UPLOAD_REFUSED),
        *(Verdict.CONTENT_REFUSED, Verdict.LINK_REFUSED),
    }
)
"""Our own mistake, or a rule of that server: repeating it would change nothing."""

CLOSED = frozenset({Verdict.PLACE_GONE, Verdict.FORBIDDEN, Verdict.LOCKED, Verdict.ARCHIVED})
"""Verdicts after which nothing can be posted at that place."""


def verdict(error: Exception) -> Verdict:
    """Read one of `CALL_ERRORS`."""
    if not isinstance(error, discord.HTTPException):
        return Verdict.UNAVAILABLE
    if error.status >= 500 or error.status in {401, 429}:
        # 401: the token was changed; the operator will see it, and no job should be lost meanwhile.
        return Verdict.UNAVAILABLE
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    by_status = {403: Verdict.FORBIDDEN, 404: Verdict.PLACE_GONE, 413: Verdict.TOO_LARGE}
    return by_status.get(error.status, Verdict.INVALID)


@contextmanager
def desk_errors() -> Iterator[None]:
    """Have `CALL_ERRORS` leave the block as the errors that the studio understands."""
    try:
        yield
    except CALL_ERRORS as error:
        raise _as_desk_error(error) from error


def _as_desk_error(error: Exception) -> DeskError:
    what = verdict(error)
    if what is Verdict.UNAVAILABLE:
        return DeskUnavailable(retry_after=_retry_after(error))
    return DeskGone("discord_failed") if what in REFUSED else DeskGone()


def _retry_after(error: Exception) -> float:
    if isinstance(error, discord.RateLimited):
        return min(error.retry_after, LONG_WAIT_SECONDS)
    if isinstance(error, discord.HTTPException) and error.status in {401, 429}:
        return LONG_WAIT_SECONDS
    return 15.0
