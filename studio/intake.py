"""The first steps of a job: opening its conversation, and making its inputs ours."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from studio import jobs
from studio.asking import ask_first
from studio.crashpoints import passing
from studio.endings import end, end_within, fail
from studio.equipment import Equipment, Moved, Outcome, Wait, because, patience
from studio.errors import (
    DeskError,
    DeskGone,
    DeskUnavailable,
    FetchInterrupted,
    FetchTooLarge,
    InputRefused,
    LimitReached,
    StudioError,
)
from studio.keeping import bring_kept
from studio.models import Ending, Job, JobState, SourceFile, looks_swapped
from studio.moderation import findings
from studio.normalising import Normalising, source_folder, source_key
from studio.overruling import ask_or_refuse
from studio.progress import progress_of
from studio.sharing import admission, servers
from studio.wishing.giving_back import give_back

log = structlog.get_logger(__name__)

UNANSWERED_SECONDS = 60.0
"""How long an order may be without a stored answer before a crash between the two is assumed."""

ATTACHMENT_TRIES = 8


class Intake:
    """Steps for `received` and `preparing`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._normalising = Normalising(equipment)

    async def open(self, job: Job) -> Outcome:
        """Open the thread and post the card, once the member has seen the answer."""
        now = self._equipment.clock()
        if job.place.answer_id is None:
            age = (now - job.state_since).total_seconds()
            if age < UNANSWERED_SECONDS:
                return Wait(UNANSWERED_SECONDS - age + 1)
        try:
            place = await self._equipment.desk.open(job, progress_of(job, now=now))
        except DeskGone as error:
            return await self._end_unopened(job, Ending("interrupted", {"reason": error.code}))
        except DeskUnavailable as error:
            return Wait(error.retry_after, tried=True)
        passing("intake.conversation_opened")
        async with self._equipment.database.write_once() as connection:
            return Moved(
                await jobs.move(
                    connection,
                    job,
                    JobState.PREPARING,
                    now=self._equipment.clock(),
                    answer_id=place.answer_id,
                    thread_id=place.thread_id,
                    card_id=place.card_id,
                )
            )

    async def _end_unopened(self, job: Job, ending: Ending) -> Outcome:
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            moved = await end_within(connection, job, JobState.EXPIRED, ending, now=now)
            await give_back(connection, job.id)
        return moved

    async def prepare(self, job: Job) -> Outcome:
        """Fetch, check and normalise both files, hold the price, and queue the job or ask for a yes first."""
        if job.ending is not None:
            # Refused by a process that was killed before it could say so.
            return await end(
                self._equipment, job, JobState.REFUSED, job.ending.code, **dict(job.ending.facts)
            )
        try:
            if job.inputs is None:
                job = await self._make_inputs(job)
                await self._illustrate(job)
                passing("intake.illustrated")
            return await self._hold_and_queue(job)
        except FetchInterrupted as error:
            if error.status in {403, 404, 410} or job.tries >= ATTACHMENT_TRIES:
                return await fail(self._equipment, job, InputRefused("attachment_gone"))
            return Wait(patience(job.tries), tried=True)
        except StudioError as error:
            return await fail(self._equipment, job, error)

    async def _make_inputs(self, job: Job) -> Job:
        self._equipment.workshop.warm_up()
        await self._fetch_sources(job)
        passing("intake.sources_stored")
        inputs = await self._normalising.inputs_of(job)
        inputs = replace(inputs, found=await findings.in_inputs(self._equipment, job, inputs))
        async with self._equipment.database.write_once() as connection:
            job = await jobs.amend(connection, job, inputs=inputs)
        passing("intake.inputs_recorded")
        # Not before: Discord may no longer have what would have to be fetched again.
        await self._equipment.storage.delete_tree(source_folder(job))
        passing("intake.sources_deleted")
        return job

    async def _fetch_sources(self, job: Job) -> None:
        """Stream what was attached to storage, except for what an earlier try already brought."""
        storage, terms = self._equipment.storage, self._equipment.terms
        there = set(await storage.keys(source_folder(job)))
        caps = [terms.max_picture_bytes, terms.max_video_bytes]
        files = [job.order.picture, job.order.video]
        if looks_swapped(*files):
            caps.reverse()
        # A motion from the library has been ours for long.
        attached = [index for index in (0, 1) if files[index].motion_id is None]
        missing = [index for index in attached if source_key(job, index) not in there]
        if not missing:
            return
        async with storage.workspace() as folder:
            targets = {index: folder / Path(source_key(job, index)).name for index in missing}
            results: Sequence[BaseException | None] = await asyncio.gather(
                *(self._fetch_source(files[index], target, caps[index]) for index, target in targets.items()),
                return_exceptions=True,
            )
            for target, error in zip(targets.values(), results, strict=True):
                if error is not None:
                    await asyncio.to_thread(target.unlink, missing_ok=True)
            # What did arrive stays ours, whatever became of the other one.
            await storage.put_all(source_folder(job), folder)
            for error in results:
                if error is not None:
                    # Within the workspace: what failed may still write there, so that nobody else gets it.
                    raise error

    async def _fetch_source(self, file: SourceFile, target: Path, cap: int) -> None:
        if file.kept is not None:
            await bring_kept(self._equipment.storage, file.kept, target)
        else:
            await self._fetch_attached(file, target, cap)

    async def _fetch_attached(self, file: SourceFile, target: Path, cap: int) -> None:
        try:
            await self._equipment.attachments.fetch(file, target, max_bytes=cap)
        except FetchTooLarge as error:
            is_picture = cap == self._equipment.terms.max_picture_bytes
            code = "picture_too_large" if is_picture else "video_too_large"
            raise InputRefused(code, limit=cap) from error

    async def _illustrate(self, job: Job) -> None:
        assert job.inputs is not None
        if job.inputs.found is not None:
            # Nobody shall see it by chance before a moderator has.
            return
        storage = self._equipment.storage
        progress = progress_of(job, now=self._equipment.clock())
        try:
            keys = job.inputs.picture_thumbnail_key, job.inputs.video_thumbnail_key
            async with storage.checkout_all(*keys) as (picture, video):
                await self._equipment.desk.illustrate(job, progress, picture, video)
        except DeskError as error:
            # The card is a courtesy: the job goes on without its pictures.
            log.warning("card_not_illustrated", job_id=job.id, error=error.code)

    async def _hold_and_queue(self, job: Job) -> Outcome:
        assert job.inputs is not None
        terms, now = self._equipment.terms, self._equipment.clock()
        price = terms.usd_micros_per_second * math.ceil(job.inputs.seconds)
        try:
            async with self._equipment.database.write() as connection:
                server = await servers.read_rules(connection, job.place.guild_id)
                await admission.hold(
                    connection,
                    job,
                    price,
                    now=now,
                    because=because("ordered"),
                    budget=terms.monthly_budget_usd_micros,
                    server=server,
                )
                passing("intake.held")
                asks = await ask_first(connection, job, server.policy, price, now)
                to = JobState.PENDING_APPROVAL if asks else JobState.QUEUED
                return Moved(await jobs.move(connection, job, to, now=now, held_usd_micros=price))
        except LimitReached as error:
            return await ask_or_refuse(self._equipment, job, price, error, now)
