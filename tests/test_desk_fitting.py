"""A clip that Discord calls too large is made smaller by the real workshop, and posted by the real desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import av
import pytest
from sqlalchemy import update

from studio.database import jobs as rows
from studio.delivery import Delivery
from studio.models import Job, JobState
from tests import media_files
from tests.bureau import UNUSED, Bureau, a_clip, open_bureau, texts_of
from tests.finished import finished

SIZE = (1280, 720)


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def about_to_be_posted(bureau: Bureau) -> Job:
    """A clip that is in storage, and was not posted yet."""
    job = await finished(bureau)
    bureau.world.discord.delete_message(job.place.talk_id, job.place.outcome_id)
    bureau.world.discord._nonces.clear()
    storage = bureau.equipment.storage
    async with storage.workspace() as folder:
        path = await asyncio.to_thread(media_files.clip_mp4, folder / "clip.mp4", seconds=3, size=SIZE)
        clip = a_clip(
            key=f"jobs/{job.id}/clip.mp4", size=path.stat().st_size, width=SIZE[0], height=SIZE[1], seconds=3
        )
        await storage.put(clip.key, path)
    values = {"state": JobState.DELIVERING, "outcome_id": None, "ended_at": None, "closed_at": None}
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**values, clip=asdict(clip)))
    return await bureau.job(job.id)


@pytest.mark.parametrize(("status", "code"), [(413, 0), (400, 40005), (400, 50045)])
async def test_a_clip_that_is_refused_for_its_size_is_made_smaller_and_posted_once(
    bureau: Bureau, status: int, code: int
) -> None:
    job = await about_to_be_posted(bureau)
    assert job.clip is not None
    bureau.world.env.inject_error("POST", "/channels/*/messages", status=status, code=code, times=1)

    await Delivery(bureau.equipment, UNUSED, UNUSED).deliver(job)

    ended = await bureau.job(job.id)
    (_, result) = bureau.posts(job.place.talk_id)
    (attached,) = result["attachments"]
    stored = bureau.world.cdn.file(int(attached["id"]))
    assert stored is not None
    content = stored.path.read_bytes()
    with av.open(str(stored.path)) as video:
        assert video.streams.video[0].height >= 480
        assert video.streams.audio
    # The index comes first, so that it plays while it loads.
    assert content.index(b"moov") < content.index(b"mdat")
    assert len(content) <= job.clip.size * 3 // 4
    assert ended.state is JobState.DELIVERED
    assert ended.place.outcome_id == int(result["id"])
    assert "Made smaller so that it fits here" in result["content"]
    assert "https://video.example.org/output_0.mp4" in texts_of(result)
