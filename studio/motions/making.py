"""Making a motion's files: the video as the provider takes it, a shorter one where needed, a preview."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from media.errors import Reason
from studio.equipment import Equipment
from studio.errors import FetchFailed, FetchTooLarge, InputRefused
from studio.models import Orientation, SourceFile
from studio.motions.motion import Content, Cut, folder_of
from studio.normalising import AS_VIDEO, refusing

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """`size` is what all the files take, in bytes."""

    content: Content
    size: int


Bring = Callable[[Path], Awaitable[None]]
"""Brings the video to a path."""


def fetched(equipment: Equipment, source: SourceFile) -> Bring:
    """What a member has attached. Raises `InputRefused`."""

    async def bring(target: Path) -> None:
        limit = equipment.terms.max_video_bytes
        try:
            await equipment.attachments.fetch(source, target, max_bytes=limit)
        except FetchTooLarge as error:
            raise InputRefused("video_too_large", limit=limit) from error
        except FetchFailed as error:
            log.warning("motion_not_fetched", error=str(error))
            raise InputRefused("motion_not_fetched") from error
        if await equipment.workshop.recognise(target) not in AS_VIDEO:
            raise InputRefused(f"media_{Reason.NOT_A_VIDEO}")

    return bring


def drawn(equipment: Equipment) -> Bring:
    """A motion that is drawn here."""

    async def bring(target: Path) -> None:
        await equipment.workshop.draw_motion(target)

    return bring


async def make(equipment: Equipment, motion_id: str, bring: Bring) -> Made:
    """Have the video brought, and store all that is made of it. Raises `InputRefused`."""
    equipment.workshop.warm_up()
    async with equipment.storage.workspace() as beside, equipment.storage.workspace() as folder:
        video = beside / "source.mp4"
        await bring(video)
        content = await _prepare(equipment, motion_id, video, folder)
        size = 0
        for path in await asyncio.to_thread(lambda: sorted(folder.iterdir())):
            size += (await asyncio.to_thread(path.stat)).st_size
            await equipment.storage.put(f"{folder_of(motion_id)}/{path.name}", path)
    return Made(content, size)


async def _prepare(equipment: Equipment, motion_id: str, video: Path, folder: Path) -> Content:
    """Write every file of the motion into the folder."""
    workshop = equipment.workshop
    with refusing("video"):
        made = await workshop.prepare_clip(
            video,
            folder / "motion.mp4",
            folder / "thumbnail.jpg",
            longest=Orientation.VIDEO.longest_seconds,
        )
        cuts = [Cut(key=f"{folder_of(motion_id)}/motion.mp4", seconds=made.after.seconds)]
        short = Orientation.IMAGE.longest_seconds
        if made.after.seconds > short:
            # For orders that face like the picture, so that no one of them has to wait for it.
            brief = await workshop.prepare_clip(
                folder / "motion.mp4", folder / "short.mp4", folder / "short.jpg", longest=short
            )
            await asyncio.to_thread((folder / "short.jpg").unlink)
            cuts.append(Cut(key=f"{folder_of(motion_id)}/short.mp4", seconds=brief.after.seconds))
        await workshop.draw_preview(folder / "motion.mp4", folder / "preview.gif")
    return Content(
        cuts=tuple(cuts),
        thumbnail_key=f"{folder_of(motion_id)}/thumbnail.jpg",
        preview_key=f"{folder_of(motion_id)}/preview.gif",
        width=made.after.width,
        height=made.after.height,
        has_sound=made.after.has_sound,
    )
