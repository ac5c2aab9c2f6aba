"""Posters of delivered clips: drawn where they are seen, never in the way of a job's end."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from media.errors import MediaRefused, Reason, WorkshopFailed
from media.facts import PictureFacts
from studio import delivery
from studio.database import Database
from studio.models import JobState
from studio.moderation import takedowns
from studio.storage import ObstoreFiles
from tests import sandbox_world
from tests.studio_world import Memory, World, studio_at_work


class Painter(Memory):
    """The real workshop; `trouble` is raised instead of a drawing, `meanwhile` happens after each."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: list[Exception] = []
        self.meanwhile: Callable[[str], Awaitable[Any]] | None = None

    async def draw_poster(self, source: Path, target: Path) -> PictureFacts:
        if self.trouble:
            raise self.trouble.pop()
        facts = await super().draw_poster(source, target)
        if self.meanwhile is not None:
            await self.meanwhile(source.parent.name)
        return facts


class Bucket(ObstoreFiles):
    """The real storage, which takes no poster for so many tries."""

    away = 0

    async def put(self, key: str, path: Path) -> None:
        if key.endswith("poster.jpg") and self.away:
            self.away -= 1
            raise OSError(errno.EIO, "the bucket does not answer")
        await super().put(key, path)


async def poster_of(world: World, job_id: str) -> bytes | None:
    """The stored poster's first bytes, None where there is none by the books and in storage."""
    clip = (await world.job(job_id)).clip
    named = {key for key in await world.storage.keys(f"jobs/{job_id}") if key.endswith(".jpg")}
    posters = {key for key in named if "/input/" not in key}
    assert posters == ({clip.poster_key} if clip and clip.poster_key else set())
    return await world.storage.read(posters.pop(), 0, 2) if posters else None


async def painting(world: World) -> Painter:
    world.workshop = painter = Painter()
    await world.restart()
    return painter


@pytest.mark.parametrize("watched", [True, False])
async def test_a_poster_is_drawn_only_where_there_is_a_page_for_it(
    tmp_path: Path, database: Database, watched: bool
) -> None:
    async with studio_at_work(tmp_path, database=database, has_watch_page=watched) as world:
        job_id = await world.order()

        await world.check()

        assert await poster_of(world, job_id) == (b"\xff\xd8" if watched else None)


async def test_what_a_spoiler_channel_covers_gets_no_poster(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, has_watch_page=True) as world:
        order = world._an_order(
            "", 1, 10, world.now(), picture=sandbox_world.picture(), video=sandbox_world.clip()
        )
        covered = replace(order, wishes=replace(order.wishes, spoiler=True))

        await world.engine.studio.register.take(covered)
        world.ordered.append(order.job_id)
        await world.engine.studio.acknowledged(order.job_id, answer_id=5)

        await world.check()
        assert (await world.job(order.job_id)).state is JobState.DELIVERED
        assert await poster_of(world, order.job_id) is None


@pytest.mark.parametrize("trouble", [MediaRefused(Reason.BROKEN), WorkshopFailed("draw_poster", 1, "")])
async def test_a_job_is_closed_all_the_same_when_its_poster_cannot_be_drawn(
    tmp_path: Path, trouble: Exception
) -> None:
    async with studio_at_work(tmp_path, has_watch_page=True) as world:
        painter = await painting(world)
        painter.trouble = [trouble]
        job_id = await world.order()

        await world.check()

        assert await poster_of(world, job_id) is None
        assert painter.trouble == []


@pytest.mark.parametrize(("tries", "drawn"), [(1, b"\xff\xd8"), (10, None)])
async def test_storage_that_is_away_is_waited_for_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: int, drawn: bytes | None
) -> None:
    monkeypatch.setattr(delivery, "POSTER_TRIES", 1)
    async with studio_at_work(tmp_path, has_watch_page=True) as world:
        bucket = Bucket(world.storage._store, folder=world.storage._folder)
        bucket.away = tries
        world.storage = bucket
        await world.restart()

        job_id = await world.order()

        await world.check()
        assert await poster_of(world, job_id) == drawn
        assert bucket.away == max(0, tries - 2)


async def test_a_clip_that_is_taken_down_while_its_poster_is_drawn_leaves_nothing(
    tmp_path: Path, database: Database
) -> None:
    async with studio_at_work(tmp_path, database=database, has_watch_page=True) as world:
        painter = await painting(world)

        async def take_down(job_id: str) -> None:
            async with world.database.write() as connection:
                await takedowns.mark(connection, job_id, by=1, named=False, now=world.now())
            await world.storage.delete_tree(f"jobs/{job_id}")

        painter.meanwhile = take_down

        job_id = await world.order()

        job = await world.until_closed(job_id)
        assert (job.clip, await world.storage.keys(f"jobs/{job_id}")) == (None, [])
        assert job.removed_at is not None


async def test_a_drawing_that_breaks_off_unforeseen_is_begun_again(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, has_watch_page=True) as world:
        painter = await painting(world)

        async def break_off(_job_id: str) -> None:
            painter.meanwhile = None
            raise RuntimeError

        painter.meanwhile = break_off
        job_id = await world.order()

        await world.check()

        assert await poster_of(world, job_id) == b"\xff\xd8"
