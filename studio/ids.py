"""Job ids: short, sortable by time, safe in custom_ids, file names and Discord nonces."""

from __future__ import annotations

import random
import secrets
from datetime import datetime

# base32hex: the order of the digits is that of their values, so ids sort by time.
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)


def new_job_id(now: datetime) -> str:
    """16 lower-case base32 characters: 48 bits of milliseconds, then 32 random bits."""
    return _job_id(now, random.getrandbits(32))


def first_job_id(moment: datetime) -> str:
    """The least id that a job of this moment can have."""
    return _job_id(moment, 0)


def _job_id(moment: datetime, rest: int) -> str:
    number = int(moment.timestamp() * 1000) << 32 | rest
    # In pairs: this stands before the answer to an interaction, and `base64` takes three times as long.
    two = _PAIRS
    return (
        two[number >> 70] + two[number >> 60 & 1023] + two[number >> 50 & 1023] + two[number >> 40 & 1023]
    ) + (two[number >> 30 & 1023] + two[number >> 20 & 1023] + two[number >> 10 & 1023] + two[number & 1023])


def new_attempt_token() -> str:
    """43 URL-safe characters that nobody can guess; names one attempt in the webhook's path."""
    return secrets.token_urlsafe(32)
