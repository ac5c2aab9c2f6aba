"""What is kept of an order as long as its clip, so that the clip can be made once more."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from studio import jobs
from studio.database import Database
from studio.errors import InputRefused
from studio.models import Inputs, Job, JobState, SourceFile, looks_swapped
from studio.ports import Storage

LOOK_SECONDS = 1.0
"""How long somebody who presses waits for the storage to say what it has."""


NOWHERE = "nowhere_to_deliver"  # how a clip ends that was made and stored, but could be posted nowhere


def is_finished(job: Job) -> bool:
    """Whether there is a clip to do something with, posted or not."""
    return job.state is JobState.DELIVERED or is_unposted(job)


def is_unposted(job: Job) -> bool:
    return job.clip is not None and job.ending is not None and job.ending.code == NOWHERE


def is_showable(job: Job) -> bool:
    """Whether the clip can be shown once more, from our storage."""
    is_there = is_finished(job) and job.clip is not None
    return is_there and job.removed_at is None and job.purged_at is None


def kept_files(job: Job, inputs: Inputs) -> tuple[SourceFile, SourceFile]:
    """Picture and video of the order as the files of another one."""
    picture, video = job.order.picture, job.order.video
    if looks_swapped(picture, video):
        picture, video = video, picture
    picture = replace(picture, url="", content_type="image/jpeg", kept=inputs.picture_key)
    if video.motion_id is not None:
        # The library has it, and says so when it does no longer.
        return picture, video
    return picture, replace(video, url="", content_type="video/mp4", kept=inputs.video_key)


def thumbnail_key(picture_key: str) -> str:
    """Where the small one of a kept picture lies."""
    return picture_key.removesuffix(".jpg") + "-thumbnail.jpg"


async def is_kept(storage: Storage, *files: SourceFile) -> bool:
    """Whether the files are still there; taken for granted where the storage does not say so in time."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            for file in files:
                if file.kept is not None:
                    await storage.read(file.kept, 0, 1)
    except FileNotFoundError:
        return False
    except OSError:
        # TimeoutError is one, too. Whoever fetches them finds out.
        return True
    return True


async def may_keep_files(database: Database, job_id: str, *, now: datetime, retention: timedelta) -> bool:
    """Whether a file that has just been stored for the job may stay, however long making it took.

    To be asked afterwards: whoever deletes the job's files marks its row first, or goes by its age.
    """
    async with database.read() as connection:
        job = await jobs.get(connection, job_id)
    if job is None or job.removed_at is not None or job.purged_at is not None:
        return False
    return job.closed_at is None or now < job.closed_at + retention


async def bring_kept(storage: Storage, key: str, target: Path) -> None:
    """Copy a kept file to `target`. Raises `InputRefused` when it has been deleted meanwhile."""
    try:
        async with storage.checkout(key) as path:
            await asyncio.to_thread(shutil.copyfile, path, target)
    except FileNotFoundError as error:
        raise InputRefused("kept_files_gone") from error
