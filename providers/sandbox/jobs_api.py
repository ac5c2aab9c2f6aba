"""The routes of the jobs API: submit, estimate, status, list, cancel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from providers.sandbox import checks
from providers.sandbox.answers import Refusal, new_id, stamp, whole_stamp
from providers.sandbox.faults import Fate
from providers.sandbox.gate import Visit
from providers.sandbox.intake import Taken
from providers.sandbox.parts import Parts, output_item
from providers.sandbox.records import JobRecord

_PROGRESS = {"pending": 0, "processing": 50, "completed": 100, "failed": 0, "cancelled": 0}
# Seconds that a second of video takes to draw: about 0.5 on two free cores.
_DRAWING_PACE = 0.6


class JobsApi:
    """Each method is one endpoint and returns the payload without its envelope."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def submit(self, visit: Visit) -> Mapping[str, Any]:
        """Accept the job, charge for it and begin to draw."""
        body = checks.body_of(await visit.request.read(), visit.request.content_type)
        checks.check_submit(body)
        parts = self._parts
        parts.life.advance()
        most = parts.terms.most_jobs
        if most is not None and parts.life.unfinished >= most:
            raise Refusal("CONCURRENT_JOBS_EXCEEDED", f"At most {most} jobs at once.", retryAfter=1)
        taken = await parts.intake.take(body["input"])
        cost = self._cost(taken.seconds)
        if not parts.account.affords(cost):
            raise Refusal("INSUFFICIENT_BALANCE", "The balance is too low.", requiredMicroCents=cost)
        fate = parts.faults.fate()
        job = self._record(body, taken, fate, request_id=visit.request_id)
        parts.life.open(job)
        if fate.twin:
            parts.life.open(replace(job, id=new_id("job")))
        await parts.webhooks.ring_early(job)
        drawn_at = job.created_at + timedelta(seconds=_DRAWING_PACE * (job.seconds or 0.0))
        return {
            "jobId": job.id,
            "status": "pending",
            "estimatedCompletionTime": whole_stamp(max(job.due_at, drawn_at) + timedelta(milliseconds=999)),
            "costMicroCents": job.cost,
        }

    def _record(self, body: Mapping[str, Any], taken: Taken, fate: Fate, *, request_id: str) -> JobRecord:
        terms, now = self._parts.terms, self._parts.clock()
        seconds = terms.seconds if fate.seconds is None else fate.seconds
        due_at = now + timedelta(seconds=seconds)
        failure = fate.failure or (("GENERATION_FAILED", taken.problem) if taken.problem else None)
        return JobRecord(
            id=new_id("job"),
            request_id=request_id,
            model=body["model"],
            input=body["input"],
            webhook_url=body.get("webhookUrl"),
            created_at=now,
            pending_until=due_at
            if fate.straight
            else now + timedelta(seconds=min(terms.pending_seconds, seconds)),
            due_at=due_at,
            cost=self._cost(taken.seconds) if fate.cost is None else fate.cost,
            image=taken.image,
            video=taken.video,
            seconds=taken.seconds,
            failure_code=failure[0] if failure else None,
            failure_message=failure[1] if failure else "",
            clip_path=str(fate.clip) if fate.clip else None,
            stuck=fate.stuck,
            output_after=fate.output_after,
        )

    def _cost(self, seconds: float | None) -> int:
        """By the begun second; one second for a video that could not be read (refunded anyway)."""
        return self._parts.terms.usd_micros_per_second * math.ceil(seconds or 1)

    async def estimate(self, visit: Visit) -> Mapping[str, Any]:
        """Price without creating anything, by the video's length; without input for one second."""
        body = checks.body_of(await visit.request.read(), visit.request.content_type)
        checks.check_estimate(body)
        taken = await self._parts.intake.take(body["input"]) if "input" in body else None
        cost = self._cost(taken.seconds if taken else None)
        return {
            "baseCostMicroCents": self._parts.terms.usd_micros_per_second,
            "estimatedCostMicroCents": cost,
            "breakdown": [{"component": "duration", "costMicroCents": cost}],
            "hasDiscount": False,
            "discounted": None,
        }

    async def status(self, visit: Visit) -> Mapping[str, Any]:
        job = self._job(visit)
        shown = job.status == "completed" and self._output_is_due(job)
        item = output_item(job, self._parts.origin()) if shown else None
        error = None
        if job.status == "failed":
            error = {"code": job.failure_code, "message": job.failure_message}
        return {
            "jobId": job.id,
            "status": job.status,
            "progress": _PROGRESS[job.status],
            "output": item["url"] if item else None,
            "outputs": [item] if item else None,
            "error": error,
            "createdAt": stamp(job.created_at),
            "completedAt": stamp(job.completed_at),
        }

    def _output_is_due(self, job: JobRecord) -> bool:
        assert job.completed_at is not None
        if math.isinf(job.output_after):
            return False
        return self._parts.clock() >= job.completed_at + timedelta(seconds=job.output_after)

    async def list(self, visit: Visit) -> Mapping[str, Any]:
        """One page, newest first."""
        page = checks.page_of(visit.request.query)
        self._parts.life.advance()
        jobs = [
            job
            for job in self._parts.jobs.newest_first()
            if (page.status is None or job.status == page.status)
            and (page.model is None or job.model == page.model)
            and (page.before is None or (job.created_at.isoformat(), job.id) < page.before)
        ]
        limit = min(page.limit, self._parts.terms.most_per_page)
        shown, more = jobs[:limit], len(jobs) > limit
        return {
            "jobs": [_line(job) for job in shown],
            "nextCursor": checks.cursor_after(shown[-1].created_at.isoformat(), shown[-1].id)
            if more
            else None,
            "hasMore": more,
        }

    async def cancel(self, visit: Visit) -> Mapping[str, Any]:
        job = self._parts.life.cancel(self._job(visit))
        return {"jobId": job.id, "status": job.status, "refundedMicroCents": job.refunded}

    def _job(self, visit: Visit) -> JobRecord:
        self._parts.life.advance()
        job = self._parts.jobs.get(visit.request.match_info["id"])
        if job is None:
            raise Refusal("JOB_NOT_FOUND", "There is no such job.")
        return job


def _line(job: JobRecord) -> dict[str, Any]:
    return {
        "jobId": job.id,
        "status": job.status,
        "progress": _PROGRESS[job.status],
        "model": job.model,
        "createdAt": stamp(job.created_at),
        "completedAt": stamp(job.completed_at),
    }
