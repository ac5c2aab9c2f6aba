"""What PixelByte's answers mean: tolerant readers that give values, or None where too little is said."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog

from providers.envelope import Answer, as_number, as_object, as_text
from providers.failures import read_failure
from providers.results import find_video_url
from studio.ports import RemoteJob, RemoteListing, RemoteState, Submission

T = TypeVar("T")

log = structlog.get_logger(__name__)

LARGEST_USD_MICROS = 10**12
"""A million dollars: a greater figure is a mistake, and larger ones would not fit into the database."""

LONGEST_JOB_ID = 200

_STATES: Mapping[str, RemoteState] = {
    **{state.value: state for state in RemoteState},
    "canceled": RemoteState.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSlot:
    """Where one file may be put, and where it can be read then; `max_bytes` None = not stated."""

    upload_url: str
    file_url: str
    max_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the job list; `cursor` None = nothing to go on with, although `more` may say otherwise."""

    listings: tuple[RemoteListing, ...]
    cursor: str | None
    more: bool


def read_submission(answer: Answer) -> Submission | None:
    """Read an accepted order; None when no job can be named."""
    job_id = read_job_id(answer.fields)
    if job_id is None:
        return None
    return Submission(
        provider_job_id=job_id,
        cost_usd_micros=_first(answer.fields, read_money, "costMicroCents", "cost_micro_cents", "cost"),
        expected_at=_first(answer.fields, read_time, "estimatedCompletionTime", "estimated_completion_time"),
        request_id=answer.request_id,
    )


def read_estimate(answer: Answer) -> int | None:
    """Read the price in usd_micros from either shape (C13); nothing, zero and less count as not stated."""
    price = _first(
        answer.fields, read_money, "estimatedCostMicroCents", "estimatedCost", "costMicroCents", "cost"
    )
    return price or None


def read_refund(answer: Answer) -> int | None:
    """Read what a cancel gives back, in usd_micros."""
    return _first(answer.fields, read_money, "refundedMicroCents", "refunded_micro_cents", "refunded")


def read_job(answer: Answer, asked: str, *, allowed: Callable[[str], bool]) -> RemoteJob | None:
    """Read the status of the job `asked`; None when the answer is about something else or says too little.

    `allowed` says of a URL whether results may be fetched from its host.
    """
    fields = answer.fields
    job_id = read_job_id(fields)
    known = read_known_state(fields.get("status"))
    if job_id not in (None, asked) or (job_id is None and known is None):
        return None
    state = known or _unknown_state(fields.get("status"), asked)
    return RemoteJob(
        provider_job_id=asked,
        state=state,
        output_url=find_video_url(fields, allowed=allowed) if state is RemoteState.COMPLETED else None,
        failure=read_failure(fields) if state is RemoteState.FAILED else None,
        created_at=_first(fields, read_time, "createdAt", "created_at"),
        completed_at=_first(fields, read_time, "completedAt", "completed_at"),
    )


def read_page(answer: Answer) -> Page | None:
    """Read one page of the list; None when there is no list in it. Items without an id are left out."""
    items = answer.fields.get("jobs")
    if not isinstance(items, list):
        items = as_object(answer.whole).get("data", answer.whole)
    if not isinstance(items, list):
        return None
    outer = as_object(answer.whole)
    cursor = as_text(answer.fields.get("nextCursor") or outer.get("nextCursor"), longest=4000)
    more = answer.fields.get("hasMore", outer.get("hasMore"))
    listings = tuple(listing for item in items if (listing := _read_listing(as_object(item))) is not None)
    return Page(
        listings=listings, cursor=cursor, more=cursor is not None if more is None else more in (True, "true")
    )


def read_upload_slot(answer: Answer) -> UploadSlot | None:
    """Read an answer to presign; None when one of the two addresses is missing."""
    fields = answer.fields
    upload_url = as_text(fields.get("uploadUrl") or fields.get("upload_url"), longest=8000)
    file_url = as_text(fields.get("fileUrl") or fields.get("file_url"), longest=8000)
    if upload_url is None or file_url is None:
        return None
    largest = as_number(fields.get("maxSize", fields.get("max_size")))
    return UploadSlot(
        upload_url=upload_url,
        file_url=file_url,
        max_bytes=int(largest) if largest is not None and largest > 0 else None,
    )


def read_job_id(fields: Mapping[str, Any]) -> str | None:
    """Read a job id under any of its names; one that could not be asked for again is None."""
    for name in ("jobId", "job_id", "id"):
        value = fields.get(name)
        job_id = as_text(value, longest=LONGEST_JOB_ID)
        if job_id is not None and job_id == str(value).strip() and job_id not in (".", ".."):
            return job_id
    return None


def read_known_state(value: Any) -> RemoteState | None:
    """Read one of the documented states, however it is spelt; None for all others."""
    return _STATES.get(value.strip().lower()) if isinstance(value, str) else None


def read_money(value: Any) -> int | None:
    """Read usd_micros (the API's "micro-cents"), fractions rounded up; negative or absurd sums are None."""
    number = as_number(value)
    if number is None or not 0 <= number <= LARGEST_USD_MICROS:
        return None
    return math.ceil(number)


def read_time(value: Any) -> datetime | None:
    """Read ISO 8601 with or without fractions and zone (UTC then), or Unix seconds or milliseconds."""
    try:
        if isinstance(value, str) and not value.strip().lstrip("-").replace(".", "", 1).isdecimal():
            moment = datetime.fromisoformat(value.strip())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            return moment.astimezone(UTC)
        number = as_number(value)
        if number is None:
            return None
        return datetime.fromtimestamp(number / 1000 if abs(number) > 1e11 else number, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _read_listing(item: Mapping[str, Any]) -> RemoteListing | None:
    job_id = read_job_id(item)
    if job_id is None:
        return None
    return RemoteListing(
        provider_job_id=job_id,
        state=read_known_state(item.get("status")) or _unknown_state(item.get("status"), job_id),
        model=as_text(item.get("model")),
        created_at=_first(item, read_time, "createdAt", "created_at"),
    )


def _unknown_state(value: Any, job_id: str) -> RemoteState:
    """An open set: what we do not know is taken for running, so that nothing ends by a misunderstanding."""
    log.warning("provider_state_unknown", job_id=job_id, status=as_text(value, longest=80))
    return RemoteState.PROCESSING


def _first(fields: Mapping[str, Any], read: Callable[[Any], T | None], *names: str) -> T | None:
    for name in names:
        value = read(fields.get(name))
        if value is not None:
            return value
    return None
