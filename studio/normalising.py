"""A job's inputs: what was fetched, brought into the form that the provider takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from media.errors import MediaRefused, Reason
from media.facts import Change, Kind, Making, PreparedClip, PreparedPicture
from studio.crashpoints import passing
from studio.equipment import Equipment
from studio.errors import InputRefused
from studio.keeping import bring_kept, thumbnail_key
from studio.models import Inputs, Job, Notice, Orientation
from studio.motions import shelf
from studio.motions.motion import Content, Cut
from studio.sharing import quotas, servers

log = structlog.get_logger(__name__)

AS_PICTURE = {Kind.PICTURE, Kind.EITHER}
AS_VIDEO = {Kind.VIDEO, Kind.EITHER}

KNOWN_AS = {"HEIF": "HEIC", "WEBP": "WebP", "MATROSKA": "WebM", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}
"""What people call the formats that the media room tells by their standards' names."""


class Normalising:
    """Raises `InputRefused` for files that cannot be used."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    async def inputs_of(self, job: Job) -> Inputs:
        """Make the job's inputs of its stored sources, which stay."""
        storage = self._equipment.storage
        motion_id = job.order.video.motion_id
        if motion_id is not None:
            async with storage.checkout(source_key(job, 0)) as picture:
                return await self._with_motion(job, picture, motion_id)
        async with storage.checkout_all(source_key(job, 0), source_key(job, 1)) as (first, second):
            return await self._of_two_files(job, first, second)

    async def _of_two_files(self, job: Job, first: Path, second: Path) -> Inputs:
        picture, video = await self._tell_apart(first, second)
        share = await self._longest_allowed(job)
        # What is left to us is at most as long as what is taken whole.
        longest = min((job.order.wishes.orientation or Orientation.VIDEO).longest_seconds, share or math.inf)
        async with self._equipment.storage.workspace() as folder:
            notices, prepared_clip = await self._prepare_both(job, picture, video, folder, longest)
            await self._store(job, folder)
        return Inputs(
            picture_key=_input(job, "picture.jpg"),
            video_key=_input(job, "motion.mp4"),
            picture_thumbnail_key=_input(job, "picture-thumbnail.jpg"),
            video_thumbnail_key=_input(job, "motion-thumbnail.jpg"),
            seconds=prepared_clip.after.seconds,
            has_sound=prepared_clip.after.has_sound,
            orientation=job.order.wishes.orientation or default_orientation(prepared_clip.before.seconds),
            notices=(
                *notices,
                *_notices_of_clip(prepared_clip, share if share == longest else None),
            ),
        )

    async def _with_motion(self, job: Job, picture: Path, motion_id: str) -> Inputs:
        """The picture with a motion from the library, whose files were made long ago."""
        async with self._equipment.database.read() as connection:
            content = await shelf.content_of(connection, motion_id)
        if content is None:
            raise InputRefused("motion_gone")
        await self._check_picture(picture)
        orientation = job.order.wishes.orientation or default_orientation(content.seconds)
        share = await self._longest_allowed(job)
        longest = min(orientation.longest_seconds, share or math.inf)
        cut = content.within(longest)
        async with self._equipment.storage.workspace() as folder:
            notices = await self._prepare_picture(job, picture, folder)
            if cut is None:
                # As short as this member's videos have to be nobody has made it yet.
                cut = await self._cut(job, content, folder, longest)
            await self._store(job, folder)
        return Inputs(
            picture_key=_input(job, "picture.jpg"),
            video_key=cut.key,
            picture_thumbnail_key=_input(job, "picture-thumbnail.jpg"),
            video_thumbnail_key=content.thumbnail_key,
            seconds=cut.seconds,
            has_sound=content.has_sound,
            orientation=orientation,
            notices=(
                *notices,
                *_notices_of_cut(content, cut, share if share == longest else None),
            ),
        )

    async def _prepare_both(
        self, job: Job, picture: Path, video: Path, folder: Path, longest: float
    ) -> tuple[list[Notice], PreparedClip]:
        """Make picture and video, both with thumbnails; refuses the video first if both are to be refused."""
        workshop, clip = self._equipment.workshop, _making(video, folder, "motion.mp4")
        prepared_picture = prepared_clip = None
        if job.order.picture.kept is None:
            prepared_picture, prepared_clip = await workshop.prepare_pair(
                _making(picture, folder, "picture.jpg"), clip, longest=longest
            )
        if prepared_picture is not None:
            notices = _notices_of_picture(prepared_picture)
        else:
            with refusing("video"):
                await workshop.probe_clip(video)
            notices = await self._prepare_picture(job, picture, folder)
        if prepared_clip is None:
            with refusing("video"):
                prepared_clip = await workshop.prepare_clip(
                    clip.source, clip.target, clip.small, longest=longest
                )
        return notices, prepared_clip

    async def _prepare_picture(self, job: Job, picture: Path, folder: Path) -> list[Notice]:
        """Make the picture and its thumbnail, and say what was changed."""
        making = _making(picture, folder, "picture.jpg")
        kept = job.order.picture.kept
        if kept is not None:
            # As it is: made anew from itself, it would lose a little each time.
            await bring_kept(self._equipment.storage, kept, making.target)
            await bring_kept(self._equipment.storage, thumbnail_key(kept), making.small)
            return []
        with refusing("picture"):
            return _notices_of_picture(
                await self._equipment.workshop.prepare_picture(picture, making.target, making.small)
            )

    async def _cut(self, job: Job, content: Content, folder: Path, longest: float) -> Cut:
        target = folder / "motion.mp4"
        async with (
            self._equipment.storage.checkout(content.cuts[0].key) as whole,
            self._equipment.storage.workspace() as beside,
        ):
            with refusing("video"):
                made = await self._equipment.workshop.prepare_clip(
                    whole, target, beside / "thumbnail.jpg", longest=longest
                )
        return Cut(key=_input(job, target.name), seconds=made.after.seconds)

    async def _store(self, job: Job, folder: Path) -> None:
        await self._equipment.storage.put_all(_input(job), folder)
        passing("intake.inputs_stored")

    async def _check_picture(self, picture: Path) -> None:
        ((kind, size),) = await self._equipment.workshop.recognise_all(picture)
        if kind is Kind.VIDEO:
            raise InputRefused("motion_with_video")
        if kind not in AS_PICTURE:
            raise InputRefused(f"media_{Reason.NOT_A_PICTURE}")
        _check_size(size, self._equipment.terms.max_picture_bytes, "picture_too_large")

    async def _longest_allowed(self, job: Job) -> float | None:
        """How long the member's videos may be here, in seconds; None = as the renderer takes them."""
        order = job.order
        if order.overruled:
            return None
        async with self._equipment.database.read() as connection:
            server = await servers.read_rules(connection, order.place.guild_id)
        roles = (*order.member.role_ids, server.guild_id)
        share = quotas.longest_seconds(server.policy.allowances_of(roles))
        return None if share is None else max(share, self._equipment.terms.shortest_seconds)

    async def _tell_apart(self, first: Path, second: Path) -> tuple[Path, Path]:
        """Return picture and video, whichever way round the member attached them."""
        (one, one_size), (other, other_size) = await self._equipment.workshop.recognise_all(first, second)
        picture, video = (first, one_size), (second, other_size)
        if roles_are_swapped(one, other):
            picture, video = video, picture
        terms = self._equipment.terms
        _check_size(picture[1], terms.max_picture_bytes, "picture_too_large")
        _check_size(video[1], terms.max_video_bytes, "video_too_large")
        return picture[0], video[0]


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


def default_orientation(seconds: float) -> Orientation:
    """The picture's own direction where the provider takes the whole video, else the video's."""
    if seconds <= Orientation.IMAGE.longest_seconds:
        return Orientation.IMAGE
    return Orientation.VIDEO


def source_key(job: Job, index: int) -> str:
    """Where the job's attachment is kept until it is normalised; which of the two it is, is not known yet."""
    return f"{source_folder(job)}/{('picture', 'video')[index]}"


def source_folder(job: Job) -> str:
    return f"jobs/{job.id}/source"


def _making(source: Path, folder: Path, name: str) -> Making:
    target = folder / name
    return Making(source, target, target.with_name(f"{target.stem}-thumbnail.jpg"))


def _input(job: Job, name: str = "") -> str:
    return f"jobs/{job.id}/input/{name}".removesuffix("/")


def _check_size(size: int, cap: int, code: str) -> None:
    if size > cap:
        raise InputRefused(code, limit=cap)


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn the media room's refusal into one that names the file. Raises `InputRefused`."""
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


def _notices_of_cut(content: Content, cut: Cut, share: float | None) -> list[Notice]:
    """What a member should know of a motion that is used in part only."""
    if cut == content.cuts[0]:
        return []
    facts = {"seconds": content.seconds, "kept": cut.seconds}
    if share is not None:
        return [Notice("notice_video_trimmed_share", {**facts, "limit": share})]
    return [Notice("notice_motion_trimmed", facts)]
