"""Copies of clips that are made smaller: kept beside the clip, used again, and gone with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from media.facts import ClipFacts
from media.workshop import Workshop
from studio.database import jobs as rows
from studio.delivery import purge
from studio.errors import ClipTooLarge
from studio.fitting import post_fitted
from studio.models import Job, JobState
from studio.moderation import takedowns
from tests.builders import a_job
from tests.bureau import Bureau, a_clip, open_bureau
from tests.media_files import Recipe, write_clip

FAST = {"preset": "ultrafast", "crf": "14"}
LIMIT = 170_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results") / "large.mp4"
    return write_clip(path, Recipe(seconds=3, size=(480, 640), fps=8, options=FAST))


class Tally(Workshop):
    """The real workshop, which counts the copies that it makes; `meanwhile` happens during the first."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def fit_clip(self, source: Path, target: Path, *, max_bytes: int) -> ClipFacts:
        self.made += 1
        facts = await super().fit_clip(source, target, max_bytes=max_bytes)
        if self.meanwhile is not None:
            await self.meanwhile()
        return facts


@pytest.fixture
def workshop() -> Tally:
    return Tally()


@pytest.fixture
async def bureau(tmp_path: Path, workshop: Tally) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        bureau.equipment = replace(bureau.equipment, workshop=workshop)
        yield bureau


async def kept(bureau: Bureau, large: Path) -> Job:
    """A delivered job with its clip in storage."""
    job = await a_job(bureau.database)
    clip = a_clip(key=f"jobs/{job.id}/clip.mp4", size=large.stat().st_size)
    async with bureau.equipment.storage.workspace() as folder:
        (folder / "clip.mp4").write_bytes(large.read_bytes())
        await bureau.equipment.storage.put(clip.key, folder / "clip.mp4")
    now = bureau.equipment.clock()
    changes = {"state": JobState.DELIVERED, "ended_at": now, "closed_at": now, "clip": asdict(clip)}
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**changes))
    return await bureau.job(job.id)


async def posted(bureau: Bureau, job: Job, *, limit: int = LIMIT) -> int:
    """Post the clip where so many bytes are taken; return how many were, 0 for the link alone."""

    async def post(path: Path | None) -> int:
        size = path.stat().st_size if path else 0
        if size > limit:
            raise ClipTooLarge(limit=limit)
        return size

    assert job.clip is not None
    async with bureau.equipment.storage.checkout(job.clip.key) as path:
        return await post_fitted(bureau.equipment, job, path, post)


async def files(bureau: Bureau, job: Job) -> list[str]:
    return sorted(Path(key).name for key in await bureau.equipment.storage.keys(f"jobs/{job.id}"))


async def test_a_clip_is_made_smaller_once_and_posted_from_storage_from_then_on(
    bureau: Bureau, workshop: Tally, large: Path
) -> None:
    job = await kept(bureau, large)

    sizes = [await posted(bureau, job) for _ in range(3)]

    assert (len(set(sizes)), workshop.made) == (1, 1)
    assert 0 < sizes[0] <= LIMIT < large.stat().st_size
    assert await files(bureau, job) == ["clip.mp4", f"fitted-{int(LIMIT * 0.97)}.mp4"]


async def test_a_copy_serves_a_place_that_takes_a_little_more_but_not_one_that_takes_much_more_or_less(
    bureau: Bureau, workshop: Tally, large: Path
) -> None:
    job = await kept(bureau, large)
    await posted(bureau, job)

    numbers = []
    for limit in (LIMIT * 3 // 2, LIMIT * 5 // 2, LIMIT * 3 // 4):
        await posted(bureau, job, limit=limit)
        numbers.append(workshop.made)

    assert large.stat().st_size > LIMIT * 5 // 2
    assert numbers == [1, 2, 3]


async def test_two_that_make_the_same_copy_at_once_both_post_it(
    bureau: Bureau, workshop: Tally, large: Path
) -> None:
    job = await kept(bureau, large)

    sizes = await asyncio.gather(*(posted(bureau, job) for _ in range(2)))

    assert all(0 < size <= LIMIT for size in sizes)
    assert len(await files(bureau, job)) == 2


@pytest.mark.parametrize("end", ["taken down", "past its time"])
async def test_a_copy_that_is_ready_after_the_clip_is_gone_stays_nowhere(
    bureau: Bureau, workshop: Tally, large: Path, end: str
) -> None:
    job = await kept(bureau, large)
    equipment = bureau.equipment

    async def take_down() -> None:
        async with bureau.database.write() as connection:
            await takedowns.mark(connection, job.id, by=1, named=False, now=equipment.clock())
        await takedowns.carry_out(equipment, job.id)

    async def expire() -> None:
        long_ago = equipment.clock().replace(year=2020)
        async with bureau.database.write() as connection:
            await connection.execute(update(rows).where(rows.c.id == job.id).values(closed_at=long_ago))
        await purge(equipment)

    workshop.meanwhile = take_down if end == "taken down" else expire

    with pytest.raises(FileNotFoundError):
        await posted(bureau, job)

    assert await files(bureau, job) == []


async def test_copies_go_with_their_clip(bureau: Bureau, large: Path) -> None:
    job = await kept(bureau, large)
    await posted(bureau, job)

    async with bureau.database.write() as connection:
        await takedowns.mark(connection, job.id, by=1, named=False, now=bureau.equipment.clock())
    await takedowns.carry_out(bureau.equipment, job.id)

    assert await files(bureau, job) == []
