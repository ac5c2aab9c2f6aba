"""The last steps: bringing the result home, posting it, and closing the job."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import structlog

from media.errors import MediaRefused, Reason
from studio import jobs
from studio.acceptance import alarm_about
from studio.asking import Asking
from studio.clips import content_type_of
from studio.copying import with_playable_copy
from studio.crashpoints import passing
from studio.display import Display
from studio.endings import end
from studio.equipment import Equipment, Moved, Outcome, Wait, patience
from studio.errors import DeskError, DeskGone, DeskUnavailable, FetchFailed, ProviderError
from studio.fitting import post_fitted
from studio.keeping import NOWHERE
from studio.lateness import Lateness
from studio.models import TAKEN_DOWN, Clip, Ending, Job, JobState
from studio.moderation import findings
from studio.remarks import remarks_on
from studio.scrubbing import scrub

log = structlog.get_logger(__name__)

OURS_SECONDS = 5.0
"""For how long no other process takes a job over from a process that stands still."""


class Delivery:
    """Steps for `fetching`, `delivering` and every ended state."""

    def __init__(self, equipment: Equipment, display: Display, asking: Asking) -> None:
        self._equipment = equipment
        self._display = display
        self._asking = asking
        self._late = Lateness(equipment)
        self._brought: dict[str, float] = {}

    async def fetch(self, job: Job) -> Outcome:
        """Bring the finished result into our storage, whole and playable."""
        if job.removed_at is not None:
            return await end(self._equipment, job, JobState.CANCELLED, TAKEN_DOWN)
        if job.tries:
            job = await self._refresh_address(job)
        try:
            clip = await self._bring(job)
        except (FetchFailed, MediaRefused) as error:
            crashed = isinstance(error, MediaRefused) and error.reason is Reason.CRASHED
            report = log.error if crashed else log.warning
            report("result_not_fetched", job_id=job.id, error=str(error))
            return await self._retry_fetching(job)
        passing("delivery.clip_stored")
        for remark in remarks_on(job, clip):
            log.warning("result_differs", job_id=job.id, remark=remark.code, **remark.facts)
        now = self._equipment.clock()
        async with self._equipment.database.write_once() as connection:
            moved = await jobs.move(connection, job, JobState.DELIVERING, now=now, clip=clip)
        self._brought[job.id] = asyncio.get_running_loop().time()
        return Moved(moved)

    async def _bring(self, job: Job) -> Clip:
        """Put the result into storage, with a copy if not all can play it."""
        assert job.source_url is not None
        storage = self._equipment.storage
        async with storage.workspace() as folder:
            path = folder / "clip.mp4"
            size = await self._equipment.provider.download(job.source_url, path)
            passing("delivery.downloaded")
            facts = await self._equipment.workshop.verify_clip(path)
            passing("delivery.verified")
            clip = Clip(
                key=f"jobs/{job.id}/clip.mp4",
                size=size,
                seconds=facts.seconds,
                width=facts.width,
                height=facts.height,
                has_sound=facts.has_sound,
                source_url=job.source_url,
                found=await findings.in_result(self._equipment, job, path),
                plays_everywhere=facts.plays_everywhere,
                content_type=content_type_of(facts.format, facts.codec),
            )
            if not clip.plays_everywhere:
                clip = await with_playable_copy(self._equipment, job, clip, path)
            await storage.put(clip.key, path)
        return clip

    async def deliver(self, job: Job) -> Outcome:
        """Post the one message with the clip."""
        assert job.clip is not None
        if job.removed_at is not None:
            return await self._take_back(job)
        try:
            async with self._equipment.storage.checkout(job.clip.key) as path:
                message_id = await self._post(job, job.clip, path)
        except FileNotFoundError:
            return await self._fetch_again(job)
        except DeskUnavailable as error:
            return Wait(error.retry_after, tried=True)
        except DeskGone as error:
            return await end(self._equipment, job, JobState.FAILED, NOWHERE, reason=error.code)
        passing("delivery.posted")
        now, database = self._equipment.clock(), self._equipment.database
        landed = {"outcome_id": message_id, "outcome_channel_id": self._equipment.desk.landed_in(job)}
        found = job.clip.found
        async with database.write_once() if found is None else database.write() as connection:
            if found is not None:
                await findings.report(connection, job, found, now)
            return Moved(await jobs.move(connection, job, JobState.DELIVERED, now=now, **landed))

    async def _take_back(self, job: Job) -> Outcome:
        """The clip was taken down while it was being posted: what got through goes again."""
        try:
            await self._equipment.desk.erase(job)
        except DeskUnavailable as error:
            return Wait(error.retry_after, tried=True)
        except DeskError as error:
            log.info("nothing_to_erase", job_id=job.id, error=error.code)
        return await end(self._equipment, job, JobState.CANCELLED, TAKEN_DOWN)

    async def close(self, job: Job) -> Outcome:
        """Tell how it ended if the clip has not, bring card and answer to rest, and tidy up.

        A job that was given up while it stays charged is closed only when the provider has had its last word.
        """
        watched = self._late.watches(job)
        told = watched and job.place.outcome_id is not None and job.place.interaction_token is None
        if not told:
            try:
                job = await self._tell(job)
                await self._asking.conclude(job)
            except DeskUnavailable as error:
                return Wait(error.retry_after, tried=True)
            await self._tidy(job, may_come=watched)
        if watched:
            late = await self._late.look(job)
            if not isinstance(late, Job):
                return late
            try:
                # What it cost has changed since it was told.
                job = await self._tell(late)
            except DeskUnavailable as error:
                return Wait(error.retry_after, tried=True)
            await self._tidy(job)
        async with self._equipment.database.write_once() as connection:
            return Moved(
                await jobs.amend(
                    connection, job, closed_at=self._equipment.clock(), interaction_token=None, wake_at=None
                )
            )

    async def _tell(self, job: Job) -> Job:
        """Report and conclude as far as the conversation is still there. Raises `DeskUnavailable`."""
        try:
            if job.ending is not None and job.place.answer_id is not None:
                job = await self._report(job, job.ending)
            if job.place.answer_id is not None:
                await self._display.conclude(job)
                passing("delivery.concluded")
        except DeskUnavailable:
            raise
        except DeskError as error:
            log.warning("conversation_gone", job_id=job.id, error=error.code)
        if job.place.interaction_token is not None and self._late.watches(job):
            # Says that all of this is done, for the looks that follow.
            async with self._equipment.database.write_once() as connection:
                job = await jobs.amend(connection, job, interaction_token=None)
        return job

    async def _report(self, job: Job, ending: Ending) -> Job:
        """Post the report, or bring the one that stands there up to date where the cost may have changed."""
        if job.place.outcome_id is not None:
            if self._late.concerns(job):
                await self._equipment.desk.correct(job, ending)
                passing("delivery.report_corrected")
            return job
        message_id = await self._equipment.desk.report(job, ending)
        passing("delivery.reported")
        landed = {"outcome_id": message_id, "outcome_channel_id": self._equipment.desk.landed_in(job)}
        async with self._equipment.database.write_once() as connection:
            job = await jobs.amend(connection, job, **landed)
        passing("delivery.report_recorded")
        return job

    async def _tidy(self, job: Job, *, may_come: bool = False) -> None:
        """Delete what is not needed any more; a delivered clip stays for its retention."""
        # What it was made of stays as long as the clip, or the hope for one, so that it can be run again.
        keeps_clip = (job.clip is not None or may_come) and job.removed_at is None
        folder = "/source" if keeps_clip else ""
        await self._equipment.storage.delete_tree(f"jobs/{job.id}{folder}")
        passing("delivery.files_deleted")

    async def _fetch_again(self, job: Job) -> Outcome:
        """Our copy is gone: the provider's is fetched once more, unless that has gone on for too long."""
        now = self._equipment.clock()
        age = (now - (job.rendered_at or job.state_since)).total_seconds()
        log.error("clip_missing", job_id=job.id, age=age)
        if age > self._equipment.terms.waits.give_up_fetching:
            words = f"the clip of order {job.id} was stored, but is missing in our storage; it stays charged"
            await alarm_about(self._equipment, job, words)
            return await end(self._equipment, job, JobState.FAILED, "result_missing")
        async with self._equipment.database.write_once() as connection:
            return Moved(await jobs.move(connection, job, JobState.FETCHING, now=now, clip=None))

    async def _post(self, job: Job, clip: Clip, path: Path) -> int:
        desk = self._equipment.desk
        # Nobody else can have posted what we brought home just now; after this try somebody may have.
        brought = self._brought.pop(job.id, float("-inf"))
        first = asyncio.get_running_loop().time() - brought < OURS_SECONDS

        async def post(file: Path | None) -> int:
            return await desk.deliver(job, clip, file, first=first and file == path)

        return await post_fitted(self._equipment, job, path, post)

    async def _refresh_address(self, job: Job) -> Job:
        """Ask the provider where the result is now: addresses may expire or move."""
        assert job.provider_job_id is not None
        try:
            remote = await self._equipment.provider.status(job.provider_job_id)
        except ProviderError as error:
            log.info("address_not_refreshed", job_id=job.id, reason=error.quotable)
            return job
        if remote.output_url in (None, job.source_url):
            return job
        async with self._equipment.database.write_once() as connection:
            return await jobs.amend(connection, job, source_url=remote.output_url)

    async def _retry_fetching(self, job: Job) -> Outcome:
        age = (self._equipment.clock() - job.state_since).total_seconds()
        waits = self._equipment.terms.waits
        if age > min(waits.slow, waits.give_up_fetching):
            await alarm_about(
                self._equipment,
                job,
                f"the result of order {job.id} could not be fetched for {age:.0f} s; it stays charged",
            )
        if age > waits.give_up_fetching:
            return await end(self._equipment, job, JobState.FAILED, "result_missing")
        return Wait(patience(job.tries, longest=max(1.0, waits.give_up_fetching / 12)), tried=True)


async def purge(equipment: Equipment) -> int:
    """Delete files and words of jobs that were closed longer ago than the retention; return how many jobs."""
    now = equipment.clock()
    before = now - timedelta(seconds=equipment.terms.retention_seconds)
    async with equipment.database.read() as connection:
        expired = await jobs.expired_files(connection, before)
    for job_id in expired:
        await equipment.storage.delete_tree(f"jobs/{job_id}")
        passing("delivery.purged")
        async with equipment.database.write() as connection:
            await scrub(connection, job_id)
            await jobs.mark_purged(connection, job_id, now=now)
    return len(expired)
