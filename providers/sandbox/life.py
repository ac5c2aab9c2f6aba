"""The life of a job: pending, processing, then its end, by the clock and by the drawing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from providers.sandbox.answers import Refusal
from providers.sandbox.intake import Intake
from providers.sandbox.records import JobRecord, Shelf
from providers.sandbox.renders import DrawingFailed, Renders
from studio.ports import Clock

_log = logging.getLogger(__name__)
# Only webhooks wait for this beat: every request brings the jobs up to date by itself.
_BEAT_SECONDS = 0.1


class Life:
    """Moves jobs on; `on_end` is told of each that completed or failed."""

    def __init__(
        self,
        jobs: Shelf[JobRecord],
        intake: Intake,
        renders: Renders,
        *,
        clock: Clock,
        on_end: Callable[[JobRecord], None],
    ) -> None:
        self._jobs = jobs
        self._intake = intake
        self._renders = renders
        self._clock = clock
        self._on_end = on_end
        self._unfinished = {job.id for job in jobs if not job.finished}
        self._drawings: dict[str, asyncio.Task[None]] = {}
        self._beat: asyncio.Task[None] | None = None

    @property
    def unfinished(self) -> int:
        return len(self._unfinished)

    def resume(self) -> None:
        """Take up again what an earlier process left unfinished."""
        for job_id in self._unfinished:
            self._begin(job_id)

    def open(self, job: JobRecord) -> None:
        """Let a new job live; from here on it survives the process."""
        self._jobs.put(job)
        self._unfinished.add(job.id)
        self._begin(job.id)

    def advance(self) -> None:
        """Bring every job to where the clock says that it is."""
        now = self._clock()
        for job_id in list(self._unfinished):
            job = self._jobs.get(job_id)
            assert job is not None
            moved = _moved(job, now)
            if moved is job:
                continue
            self._jobs.put(moved)
            if moved.finished:
                self._unfinished.discard(job_id)
                self._on_end(moved)

    def cancel(self, job: JobRecord) -> JobRecord:
        """Cancel a pending job and give its money back. Raises `Refusal` (JOB_CANNOT_BE_CANCELLED)."""
        if job.status != "pending":
            raise Refusal("JOB_CANNOT_BE_CANCELLED", f"The job is {job.status}.", status=job.status)
        return self.end(job, "cancelled")

    def end(self, job: JobRecord, status: str) -> JobRecord:
        """End a job from outside at any point, refunded; no webhook is sent."""
        ended = replace(
            job, status=status, completed_at=self._clock(), refunded=job.cost, webhook_state="none"
        )
        self._jobs.put(ended)
        self._unfinished.discard(job.id)
        if drawing := self._drawings.get(job.id):
            drawing.cancel()
        return ended

    async def close(self) -> None:
        """Stop beat and drawings; the children end with them."""
        tasks = [*self._drawings.values(), *([self._beat] if self._beat else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, job_id: str) -> None:
        job = self._jobs.get(job_id)
        assert job is not None
        if job.failure_code is None and job.clip_key is None and job.clip_path is None:
            task = asyncio.create_task(self._draw(job))
            self._drawings[job_id] = task
            task.add_done_callback(lambda _: self._drawings.pop(job_id, None))
        if self._beat is None or self._beat.done():
            self._beat = asyncio.create_task(self._keep_beating())

    async def _draw(self, job: JobRecord) -> None:
        assert job.image is not None
        assert job.video is not None
        try:
            key = await self._renders.draw(
                self._intake.path(job.image),
                self._intake.path(job.video),
                keep_sound=job.input.get("keep_original_sound", True),
                shape_of=job.input.get("character_orientation", "video"),
            )
        except DrawingFailed as error:
            _log.warning("drawing of %s failed: %s", job.id, error)
            self._update(job.id, failure_code="GENERATION_FAILED", failure_message="Internal error.")
        else:
            self._update(job.id, clip_key=key)

    def _update(self, job_id: str, **changes: str) -> None:
        job = self._jobs.get(job_id)
        assert job is not None
        if not job.finished:
            self._jobs.put(replace(job, **changes))  # type: ignore[arg-type]  # only text fields are passed

    async def _keep_beating(self) -> None:
        while self._unfinished:
            await asyncio.sleep(_BEAT_SECONDS)
            self.advance()


def _moved(job: JobRecord, now: datetime) -> JobRecord:
    """Where the job is at `now`; the same object when nothing has changed."""
    if job.status == "pending" and now >= job.pending_until and job.stuck != "pending":
        job = replace(job, status="processing")
    if job.status != "processing" or now < job.due_at or job.stuck == "processing":
        return job
    webhook_state = "pending" if job.webhook_url else "none"
    if job.failure_code is not None:
        return replace(job, status="failed", completed_at=now, refunded=job.cost, webhook_state=webhook_state)
    if job.clip_key is not None or job.clip_path is not None:
        return replace(job, status="completed", completed_at=now, webhook_state=webhook_state)
    return job
