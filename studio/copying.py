"""Copies of a clip that are kept beside it: one that all can play, and smaller ones, each made once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog

from media.errors import MediaRefused, WorkshopFailed
from studio.equipment import Equipment
from studio.keeping import may_keep_files
from studio.models import Clip, Job

log = structlog.get_logger(__name__)

GROWTH = 2
"""How many times as large as a clip its copy in H.264 may become: HEVC needs about half of its bytes."""

ENOUGH = 2
"""How many times as many bytes there must be for a copy that has been made to be made anew, and better."""

_SMALLER = re.compile(r"jobs/[^/]+/fitted-(?P<bytes>\d+)\.mp4")


async def with_playable_copy(equipment: Equipment, job: Job, clip: Clip, path: Path) -> Clip:
    """Make and store a copy that all can play, of the clip at `path`; unchanged when there can be none."""
    target, key = path.with_name("playable.mp4"), f"jobs/{job.id}/playable.mp4"
    try:
        facts = await equipment.workshop.fit_clip(path, target, max_bytes=GROWTH * clip.size)
    except (MediaRefused, WorkshopFailed) as error:
        log.warning("no_playable_copy", job_id=job.id, error=str(error))
        return clip
    await equipment.storage.put(key, target)
    return replace(clip, playable_key=key, playable_size=facts.size)


async def smaller_copy(equipment: Equipment, job: Job, path: Path, *, max_bytes: int) -> str:
    """Return the key of a copy of the clip at `path` that plays everywhere and has at most so many bytes.

    Raises `MediaRefused` when there can be none, and FileNotFoundError when the clip went meanwhile.
    """
    storage = equipment.storage
    known = [match for key in await storage.keys(f"jobs/{job.id}") if (match := _SMALLER.fullmatch(key))]
    fitting = [match for match in known if int(match["bytes"]) <= max_bytes <= ENOUGH * int(match["bytes"])]
    if fitting:
        return max(fitting, key=lambda match: int(match["bytes"])).group()
    key = f"jobs/{job.id}/fitted-{max_bytes}.mp4"
    async with storage.workspace() as folder:
        made = folder / "fitted.mp4"
        await equipment.workshop.fit_clip(path, made, max_bytes=max_bytes)
        await storage.put(key, made)
    # Whoever deleted the clip's files meanwhile did not see this one.
    retention = timedelta(seconds=equipment.terms.retention_seconds)
    if not await may_keep_files(equipment.database, job.id, now=equipment.clock(), retention=retention):
        await storage.delete_tree(f"jobs/{job.id}")
        raise FileNotFoundError(key)
    return key
