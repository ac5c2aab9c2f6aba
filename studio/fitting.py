"""Getting a clip into a message: as it is, else made smaller, else by its link alone."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from media.errors import MediaRefused
from studio.copying import GROWTH, smaller_copy
from studio.equipment import Equipment
from studio.errors import ClipTooLarge
from studio.models import Job

log = structlog.get_logger(__name__)

FIT_SHARE = 0.97
"""How much of the upload limit a re-encoded clip may take: the request around it needs room too."""

FIT_TRIES = 3
"""How often a clip is made smaller for one message: a server may take less than its boosts promise."""

Post = Callable[[Path | None], Awaitable[int]]


async def post_fitted(equipment: Equipment, job: Job, path: Path, post: Post) -> int:
    """Call `post` with the clip, smaller ones, or None for the link, until it takes one; return its id.

    A clip that does not play everywhere goes there as a copy that does, if one can be made; copies stay
    beside the clip for the next time. `post` raises `ClipTooLarge` for what does not fit there; whatever else
    it raises is let through. FileNotFoundError: the clip went meanwhile.
    """
    clip = job.clip
    assert clip is not None
    try:
        if clip.plays_everywhere:
            return await post(path)
        if clip.playable_key is not None:
            async with equipment.storage.checkout(clip.playable_key) as copy:
                return await post(copy)
        limit = GROWTH * clip.size
    except ClipTooLarge as error:
        limit = error.limit
    for _ in range(FIT_TRIES):
        try:
            key = await smaller_copy(equipment, job, path, max_bytes=int(limit * FIT_SHARE))
            async with equipment.storage.checkout(key) as copy:
                return await post(copy)
        except ClipTooLarge as error:
            limit = error.limit
        except MediaRefused as error:
            log.info("clip_not_fitted", job_id=job.id, error=str(error))
            break
    if clip.size <= limit and not clip.plays_everywhere:
        # Better one that only some can play than none.
        with contextlib.suppress(ClipTooLarge):
            return await post(path)
    log.warning("clip_by_link_only", job_id=job.id, limit=limit)
    return await post(None)
