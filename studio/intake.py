"""The first steps of a job: opening its conversation, and making its inputs ours."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from media.errors import MediaRefused, Reason
from media.facts import Change, ClipFacts, Kind, PreparedClip, PreparedPicture
from studio import jobs
from studio.asking import ask_first
from studio.crashpoints import passing
from studio.endings import end, fail
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
from studio.models import Inputs, Job, JobState, Notice, Orientation, SourceFile, looks_swapped
from studio.overruling import ask_or_refuse
from studio.progress import progress_of
from studio.sharing import admission, quotas, servers

log = structlog.get_logger(__name__)

UNANSWERED_SECONDS = 60.0
"""How long an order may be without a stored answer before a crash between the two is assumed."""

ATTACHMENT_TRIES = 8

AS_PICTURE = {Kind.PICTURE, Kind.EITHER}
AS_VIDEO = {Kind.VIDEO, Kind.EITHER}

KNOWN_AS = {"HEIF": "HEIC", "WEBP": "WebP", "MATROSKA": "WebM", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}
"""What people call the formats that the media room tells by their standards' names."""


class Intake:
    """Steps for `received` and `preparing`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

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
            return await end(self._equipment, job, JobState.EXPIRED, "interrupted", reason=error.code)
        except DeskUnavailable as error:
            return Wait(error.retry_after, tried=True)
        passing("intake.conversation_opened")
        async with self._equipment.database.write() as connection:
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
        storage = self._equipment.storage
        async with storage.checkout(_source(job, 0)) as first, storage.checkout(_source(job, 1)) as second:
            inputs = await self._normalise(job, first, second)
        async with self._equipment.database.write() as connection:
            job = await jobs.amend(connection, job, inputs=inputs)
        passing("intake.inputs_recorded")
        # Not before: Discord may no longer have what would have to be fetched again.
        await storage.delete_tree(f"jobs/{job.id}/source")
        passing("intake.sources_deleted")
        return job

    async def _fetch_sources(self, job: Job) -> None:
        """Stream both attachments to storage, except for what an earlier try already brought."""
        storage, terms = self._equipment.storage, self._equipment.terms
        there = set(await storage.keys(f"jobs/{job.id}/source"))
        caps = [terms.max_picture_bytes, terms.max_video_bytes]
        files = [job.order.picture, job.order.video]
        if looks_swapped(*files):
            caps.reverse()
        missing = [index for index in (0, 1) if _source(job, index) not in there]
        fetches = [self._fetch_source(job, index, files[index], caps[index]) for index in missing]
        results: Sequence[BaseException | None] = await asyncio.gather(*fetches, return_exceptions=True)
        for error in results:
            if error is not None:
                raise error

    async def _fetch_source(self, job: Job, index: int, file: SourceFile, cap: int) -> None:
        async with self._equipment.storage.workspace() as folder:
            target = folder / "source"
            try:
                await self._equipment.attachments.fetch(file, target, max_bytes=cap)
            except FetchTooLarge as error:
                is_picture = cap == self._equipment.terms.max_picture_bytes
                code = "picture_too_large" if is_picture else "video_too_large"
                raise InputRefused(code, limit=cap) from error
            await self._equipment.storage.put(_source(job, index), target)
            passing("intake.source_stored")

    async def _normalise(self, job: Job, first: Path, second: Path) -> Inputs:
        workshop, storage = self._equipment.workshop, self._equipment.storage
        picture, video = await self._tell_apart(first, second)
        async with storage.workspace() as folder:
            with _refusing("video"):
                clip = await workshop.probe_clip(video)
            orientation = job.order.wishes.orientation or default_orientation(clip)
            share = await self._longest_allowed(job)
            longest = min(orientation.longest_seconds, share or math.inf)
            with _refusing("picture"):
                prepared_picture = await workshop.prepare_picture(
                    picture, folder / "picture.jpg", folder / "picture-thumbnail.jpg"
                )
            with _refusing("video"):
                prepared_clip = await workshop.prepare_clip(
                    video,
                    folder / "motion.mp4",
                    folder / "motion-thumbnail.jpg",
                    longest=longest,
                )
            for path in sorted(folder.iterdir()):
                await storage.put(f"jobs/{job.id}/input/{path.name}", path)
                passing("intake.input_stored")
        return Inputs(
            picture_key=f"jobs/{job.id}/input/picture.jpg",
            video_key=f"jobs/{job.id}/input/motion.mp4",
            picture_thumbnail_key=f"jobs/{job.id}/input/picture-thumbnail.jpg",
            video_thumbnail_key=f"jobs/{job.id}/input/motion-thumbnail.jpg",
            seconds=prepared_clip.after.seconds,
            has_sound=prepared_clip.after.has_sound,
            orientation=orientation,
            notices=(
                *_notices_of_picture(prepared_picture),
                *_notices_of_clip(prepared_clip, share if share == longest else None),
            ),
        )

    async def _longest_allowed(self, job: Job) -> float | None:
        """How long the member's videos may be here, in seconds; None = as the renderer takes them."""
        order = job.order
        if order.overruled:
            return None
        async with self._equipment.database.read() as connection:
            server = await servers.read(connection, order.place.guild_id, order.ordered_at)
        roles = (*order.member.role_ids, server.guild_id)
        share = quotas.longest_seconds(server.policy.allowances_of(roles))
        return None if share is None else max(share, self._equipment.terms.shortest_seconds)

    async def _tell_apart(self, first: Path, second: Path) -> tuple[Path, Path]:
        """Return picture and video, whichever way round the member attached them."""
        workshop = self._equipment.workshop
        kinds = await workshop.recognise(first), await workshop.recognise(second)
        picture, video = (second, first) if roles_are_swapped(*kinds) else (first, second)
        terms = self._equipment.terms
        for path, cap, code in (
            (picture, terms.max_picture_bytes, "picture_too_large"),
            (video, terms.max_video_bytes, "video_too_large"),
        ):
            if (await asyncio.to_thread(path.stat)).st_size > cap:
                raise InputRefused(code, limit=cap)
        return picture, video

    async def _illustrate(self, job: Job) -> None:
        assert job.inputs is not None
        storage = self._equipment.storage
        progress = progress_of(job, now=self._equipment.clock())
        try:
            async with (
                storage.checkout(job.inputs.picture_thumbnail_key) as picture,
                storage.checkout(job.inputs.video_thumbnail_key) as video,
            ):
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
                await admission.hold(
                    connection,
                    job,
                    price,
                    now=now,
                    because=because("ordered"),
                    budget=terms.monthly_budget_usd_micros,
                )
                passing("intake.held")
                asks = await ask_first(connection, job, price, now)
                to = JobState.PENDING_APPROVAL if asks else JobState.QUEUED
                return Moved(await jobs.move(connection, job, to, now=now, held_usd_micros=price))
        except LimitReached as error:
            return await ask_or_refuse(self._equipment, job, price, error, now)


def roles_are_swapped(first: Kind, second: Kind) -> bool:
    """Decide which file is the picture. Raises `InputRefused` when the two do not make a pair."""
    if first in AS_PICTURE and second in AS_VIDEO:
        return False
    if first in AS_VIDEO and second in AS_PICTURE:
        return True
    if Kind.NEITHER in (first, second):
        reason = Reason.NOT_A_PICTURE if first is Kind.NEITHER else Reason.NOT_A_VIDEO
        raise InputRefused(f"media_{reason}")
    raise InputRefused("two_pictures" if first is Kind.PICTURE else "two_videos")


def default_orientation(clip: ClipFacts) -> Orientation:
    """The picture's own direction where the provider takes the whole clip, else the video's."""
    if clip.seconds <= Orientation.IMAGE.longest_seconds:
        return Orientation.IMAGE
    return Orientation.VIDEO


def _source(job: Job, index: int) -> str:
    return f"jobs/{job.id}/source/{('picture', 'video')[index]}"


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Turn the media room's refusal into one that names the file."""
    try:
        yield
    except MediaRefused as error:
        if error.reason is Reason.CRASHED:
            # The member hears that it is our trouble, so it has to be found in the log as that.
            log.error("codec_crashed", what=what, **error.facts)  # noqa: TRY400 - the trace ends in our own process
        raise InputRefused(f"media_{error.reason}", **{"what": what, **error.facts}) from error


def _notices_of_picture(prepared: PreparedPicture) -> list[Notice]:
    before = prepared.before
    shown = KNOWN_AS.get(before.format, before.format)
    facts = {"format": shown, "width": before.width, "height": before.height}
    return [Notice(f"notice_picture_{change}", facts) for change in prepared.changes]


def _notices_of_clip(prepared: PreparedClip, share: float | None) -> list[Notice]:
    """`share`: how long the member's videos may be here, if that is what they were cut to."""
    before, after = prepared.before, prepared.after
    shown = KNOWN_AS.get(before.format, before.format)
    # "MP4 converted to MP4" explains nothing; what is inside of it does.
    if before.format == "MP4" and before.codec in KNOWN_AS:
        shown = f"{shown} ({KNOWN_AS[before.codec]})"
    facts = {"format": shown, "seconds": before.seconds, "kept": after.seconds}
    changes = {
        change: f"notice_video_{change}" for change in prepared.changes if change is not Change.FIRST_FRAME
    }
    if share is not None and Change.TRIMMED in changes:
        changes[Change.TRIMMED] = "notice_video_trimmed_share"
        facts["limit"] = share
    return [Notice(code, facts) for code in changes.values()]
