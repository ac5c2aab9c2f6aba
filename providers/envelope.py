"""The outer form of PixelByte's answers: bytes and a status become an `Answer`, whatever they hold."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

RETRY_AFTER_DEFAULT = 30.0
RETRY_AFTER_LEAST = 1.0
RETRY_AFTER_MOST = 300.0

LONGEST_REQUEST_ID = 200
"""What the database has room for; an id is only quoted, so a longer one is cut."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE)
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, unwrapped (`provider.md`, section 3); nothing in it has been believed yet.

    `readable` says whether the body was JSON at all. `fields` is the inner object, empty where the body
    is something else; `whole` the body itself. `refused` says that the body calls itself an error.
    `retry_after` is in seconds, clamped to 1–300.
    """

    status: int
    readable: bool
    whole: Any = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    denied: bool = False
    refused: bool = False
    code: str | None = None
    message: str = ""
    details: Any = None
    request_id: str | None = None
    retry_after: float = RETRY_AFTER_DEFAULT

    @property
    def accepted(self) -> bool:
        """True for a 2xx whose body does not contradict it."""
        return 200 <= self.status < 300 and self.readable and not self.refused

    @property
    def reason(self) -> str:
        """The provider's own words on one line, for the log."""
        words = ": ".join(part for part in (self.code, self.message) if part)
        return (
            f"HTTP {self.status} {words}".rstrip()
            if words or self.readable
            else f"HTTP {self.status} (no JSON)"
        )


def read_answer(status: int, raw: bytes, headers: Mapping[str, str], *, now: datetime) -> Answer:
    """Read an answer; `headers` are looked up by `Retry-After` and `X-Request-Id`. Never raises."""
    readable, whole = decode(raw)
    outer = as_object(whole)
    inner = unwrap(outer)
    error = _error(outer) or _error(inner)
    error_fields = as_object(error)
    denied = outer.get("success") in (False, "false")
    return Answer(
        status=status,
        readable=readable,
        whole=whole,
        fields=inner,
        denied=denied,
        refused=denied or (error is not None and not has_job_id(inner)),
        code=as_text(error_fields.get("code")) or as_text(outer.get("code")),
        message=_message(error, error_fields, outer),
        details=error_fields.get("details", outer.get("details")),
        request_id=(
            as_text(inner.get("requestId"), longest=LONGEST_REQUEST_ID)
            or as_text(outer.get("requestId"), longest=LONGEST_REQUEST_ID)
            or as_text(headers.get("X-Request-Id"), longest=LONGEST_REQUEST_ID)
        ),
        retry_after=_retry_after(error_fields, outer, headers.get("Retry-After"), now),
    )


def decode(raw: bytes) -> tuple[bool, Any]:
    """Parse JSON, with or without a byte order mark; returns (False, None) for whatever is not JSON."""
    try:
        return True, json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False, None


def unwrap(outer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object below `data` where the body is wrapped, else the body itself."""
    inner = outer.get("data")
    wrapped = isinstance(inner, dict) and ("success" in outer or "requestId" in outer or "jobId" not in outer)
    return as_object(inner) if wrapped else outer


def has_job_id(fields: Mapping[str, Any]) -> bool:
    return any(as_text(fields.get(name)) for name in ("jobId", "job_id", "id"))


def as_object(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def as_text(value: Any, *, longest: int = 500) -> str | None:
    """Return a non-empty, printable, storable text; whole numbers are taken for texts, the rest is None."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        value = str(value)
    if not isinstance(value, str):
        return None
    return _UNPRINTABLE.sub(" ", value).strip()[:longest] or None


def as_number(value: Any) -> float | None:
    """Return a finite number, also from a text; booleans, NaN, infinities and the rest are None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_words(value: Any) -> str:
    """Return a message for the log on one line; queries of URLs in it may be signatures and are cut off."""
    return _QUERY.sub(r"\1?…", as_text(value) or "")


def _message(error: Any, error_fields: Mapping[str, Any], outer: Mapping[str, Any]) -> str:
    for candidate in (error_fields.get("message"), error, outer.get("message")):
        if isinstance(candidate, str) and candidate.strip():
            return as_words(candidate)
    return ""


def _error(fields: Mapping[str, Any]) -> dict[str, Any] | str | None:
    value = fields.get("error")
    return value if value and isinstance(value, (dict, str)) else None


def _retry_after(
    error: Mapping[str, Any], outer: Mapping[str, Any], header: str | None, now: datetime
) -> float:
    """Look in the four places of C14, in their order; a figure out of bounds is clamped, not passed over."""
    places = (
        as_object(error.get("details")).get("retryAfter"),
        error.get("retryAfter"),
        outer.get("retryAfter"),
    )
    for value in (*places, header):
        seconds = as_number(value)
        if seconds is not None:
            return min(max(seconds, RETRY_AFTER_LEAST), RETRY_AFTER_MOST)
    if header is not None:
        until = _http_date(header)
        if until is not None:
            return min(max((until - now).total_seconds(), RETRY_AFTER_LEAST), RETRY_AFTER_MOST)
    return RETRY_AFTER_DEFAULT


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    except (ValueError, IndexError, OverflowError):
        return None
