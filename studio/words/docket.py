"""What `/studio jobs` says of a server's clips."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "command_studio_jobs": "Clips under way and of the last days; cancel any of them",
    "jobs_title": "### Clips under way",
    "jobs_none": "No clip is under way in this server.",
    "jobs_recent": "### Ended in the last days",
    "jobs_recent_none": "No clip has ended here in the last days.",
    "jobs_running": (
        "{member} in {channel} · **{state}**, last change {when} · [open]({link})",
        "{member} in {channel} · **{state}**, last change {when}",
    ),
    "jobs_ended": (
        "{member} in {channel} · {state} {when} · {spent:money} · [open]({link})",
        "{member} in {channel} · {state} {when} · {spent:money}",
    ),
    "member_forgotten": "A deleted member",
    "button_halt": "Cancel",
    "button_jobs_more": "More",
    "button_jobs_again": "Look again",
    "job_received": "just ordered",
    "job_preparing": "files being checked",
    "job_pending_approval": "waiting for an answer",
    "job_queued": "in the queue",
    "job_submitting": "being ordered",
    "job_unknown": "ordered, answer unclear",
    "job_rendering": "rendering",
    "job_fetching": "being fetched",
    "job_delivering": "being posted",
    "job_delivered": "delivered",
    "job_failed": "failed",
    "job_cancelled": "cancelled",
    "job_refused": "refused",
    "job_expired": "expired",
}
