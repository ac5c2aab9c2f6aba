"""The sandbox's parts as its routes see them, and the addresses in its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from providers.sandbox.account import Account
from providers.sandbox.answers import stamp
from providers.sandbox.faults import Faults
from providers.sandbox.intake import Intake
from providers.sandbox.life import Life
from providers.sandbox.records import JobRecord, Shelf, UploadRecord
from providers.sandbox.renders import Renders
from providers.sandbox.webhooks import Webhooks
from studio.ports import Clock

FILES_LIVE = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the sandbox promises: seconds until done, seconds of them pending; `most_jobs` None: any.

    A page of the list has at most `most_per_page` jobs, whatever is asked for.
    """

    seconds: float
    pending_seconds: float
    usd_micros_per_second: int
    most_jobs: int | None
    most_per_page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a route may need. `origin` is where the server listens now; a restart may change it."""

    folder: Path
    clock: Clock
    terms: Terms
    faults: Faults
    account: Account
    jobs: Shelf[JobRecord]
    uploads: Shelf[UploadRecord]
    intake: Intake
    renders: Renders
    life: Life
    webhooks: Webhooks
    origin: Callable[[], str]


def output_item(job: JobRecord, origin: str) -> dict[str, Any]:
    base = f"{origin}/output/{job.id}"
    return {
        "url": f"{base}/output_0.mp4",
        "type": "video",
        "thumbnail": f"{base}/poster.jpg",
        "posterImage": f"{base}/poster.jpg",
    }


def webhook_payload(job: JobRecord, origin: str) -> dict[str, Any]:
    """The documented body; its `output` keys for a video are not documented (provider.md, 11)."""
    payload: dict[str, Any] = {"jobId": job.id, "requestId": job.request_id, "status": job.status}
    if job.status == "completed":
        payload["output"] = {
            "videoUrl": output_item(job, origin)["url"],
            "metadata": {"duration": job.seconds, "format": "mp4"},
        }
    else:
        payload["error"] = {"code": job.failure_code, "message": job.failure_message}
    return {**payload, "completedAt": stamp(job.completed_at)}
