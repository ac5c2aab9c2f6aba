"""How far a job is, as the member sees it: pure arithmetic on a job and the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from studio.models import Cancel, Job, JobState, Progress, Stage

STAGES = {
    JobState.RECEIVED: Stage.CHECKING,
    JobState.PREPARING: Stage.CHECKING,
    JobState.PENDING_APPROVAL: Stage.ASKING,
    JobState.QUEUED: Stage.QUEUED,
    JobState.SUBMITTING: Stage.RENDERING,
    JobState.UNKNOWN: Stage.RENDERING,
    JobState.RENDERING: Stage.RENDERING,
    JobState.FETCHING: Stage.FETCHING,
    JobState.DELIVERING: Stage.POSTING,
    JobState.DELIVERED: Stage.DONE,
}

_FIXED = {
    JobState.RECEIVED: 0.02,
    JobState.PREPARING: 0.05,
    JobState.PENDING_APPROVAL: 0.10,
    JobState.QUEUED: 0.10,
    JobState.SUBMITTING: 0.14,
    JobState.UNKNOWN: 0.14,
    JobState.FETCHING: 0.92,
    JobState.DELIVERING: 0.96,
    JobState.DELIVERED: 1.0,
}
_RENDER_FROM, _RENDER_TO = 0.15, 0.90

DEFAULT_RENDER_SECONDS = 180.0
"""What the provider's page states for our model (`provider.md`, section 14)."""

CANCELLABLE = frozenset(
    {
        JobState.RECEIVED,
        JobState.PREPARING,
        JobState.PENDING_APPROVAL,
        JobState.QUEUED,
        JobState.SUBMITTING,
        JobState.UNKNOWN,
        JobState.RENDERING,
    }
)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a waiting job stands, 1 = next, and when it should start; None: nobody knows."""

    place: int
    starts_at: datetime | None


def progress_of(
    job: Job,
    *,
    now: datetime,
    turn: Turn | None = None,
    waiting_for: str | None = None,
    usual_render_seconds: float | None = None,
) -> Progress:
    """Work out what the card says. `usual_render_seconds` is what this bot's own recent jobs took."""
    starts_at = turn.starts_at if turn else None
    expected_at = _expected_at(job, now, usual_render_seconds, starts_at)
    return Progress(
        stage=STAGES.get(job.state, Stage.ENDED),
        fraction=max(job.progress / 1000, _fraction(job, now, expected_at)),
        started_at=job.order.ordered_at,
        expected_at=expected_at,
        starts_at=starts_at,
        position=turn.place if turn else None,
        price_usd_micros=job.price_usd_micros,
        can_cancel=job.state in CANCELLABLE and job.cancel is Cancel.NONE,
        waiting_for=waiting_for,
        elapsed_seconds=max(0.0, (now - job.order.ordered_at).total_seconds()),
        notices=job.inputs.notices if job.inputs else (),
    )


def _expected_at(
    job: Job, now: datetime, usual_render_seconds: float | None, starts_at: datetime | None
) -> datetime | None:
    if job.state.ended:
        return None
    if job.expected_at is not None and job.expected_at > now:
        return job.expected_at
    if usual_render_seconds is None:
        return None
    if job.submitted_at is not None:
        guess = job.submitted_at + timedelta(seconds=usual_render_seconds)
        # Past every estimate there is nothing honest to promise.
        return guess if guess > now else None
    if job.state is JobState.PENDING_APPROVAL or (job.state is JobState.QUEUED and starts_at is None):
        return None
    return (starts_at or now) + timedelta(seconds=usual_render_seconds)


def _fraction(job: Job, now: datetime, expected_at: datetime | None) -> float:
    if job.state is not JobState.RENDERING or job.submitted_at is None:
        return _FIXED.get(job.state, 0.0)
    end = expected_at or job.expected_at or job.submitted_at + timedelta(seconds=DEFAULT_RENDER_SECONDS)
    whole = max(1.0, (end - job.submitted_at).total_seconds())
    done = max(0.0, (now - job.submitted_at).total_seconds()) / whole
    # Past the estimate the bar slows down instead of stopping or claiming the end.
    share = done * 0.9 if done < 1 else 1 - 0.1 / (1 + (done - 1))
    return _RENDER_FROM + (_RENDER_TO - _RENDER_FROM) * share
