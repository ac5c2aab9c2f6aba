"""Job ids: short, sortable by time, safe in custom_ids, file names and Discord nonces."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime


def new_job_id(now: datetime) -> str:
    """16 lower-case base32 characters: 48 bits of milliseconds, then 32 random bits."""
    return _job_id(now, secrets.token_bytes(4))


def first_job_id(moment: datetime) -> str:
    """The least id that a job of this moment can have."""
    return _job_id(moment, bytes(4))


def _job_id(moment: datetime, rest: bytes) -> str:
    milliseconds = int(moment.timestamp() * 1000)
    raw = milliseconds.to_bytes(6, "big") + rest
    # base32hex keeps the byte order in the text order, so ids sort by time.
    return base64.b32hexencode(raw).decode("ascii").rstrip("=").lower()


def new_attempt_token() -> str:
    """43 URL-safe characters that nobody can guess; names one attempt in the webhook's path."""
    return secrets.token_urlsafe(32)
