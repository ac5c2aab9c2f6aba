"""Posters of delivered clips: drawn by the first look at them, over real HTTP, and by nobody else."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from media.errors import MediaRefused, Reason, WorkshopFailed
from media.facts import PictureFacts
from media.messages import Report
from media.workshop import Workshop
from providers.server import build_app, serve
from providers.watch import add_watching
from studio import posters
from studio.database import Database
from studio.delivery import purge
from studio.links import Links, open_links
from studio.models import JobState
from studio.moderation import takedowns
from studio.showing import Showing
from studio.storage import ObstoreFiles
from tests import sandbox_world
from tests.sandbox_world import PATIENCE
from tests.studio_world import World, studio_at_work

JPEG = b"\xff\xd8"


class Painter(Workshop):
    """The real workshop, which writes down what its children do.

    `trouble` is raised instead of a drawing. `meanwhile` happens after each; a drawing waits for `may`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.busy = self.most_busy = 0
        self.trouble: list[Exception] = []
        self.meanwhile: Callable[[str], Awaitable[Any]] | None = None
        self.begun, self.may = asyncio.Event(), asyncio.Event()
        self.may.set()

    @property
    def drawn(self) -> int:
        return self.done.count("draw_poster")

    async def draw_poster(self, source: Path, target: Path) -> PictureFacts:
        if self.trouble:
            raise self.trouble.pop()
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        self.begun.set()
        try:
            await self.may.wait()
            facts = await super().draw_poster(source, target)
        finally:
            self.busy -= 1
        if self.meanwhile is not None:
            await self.meanwhile(source.parent.name)
        return facts

    async def _report(self, task: str, arguments: Mapping[str, Any], **limits: Any) -> Report:
        self.done.append(task)
        return await super()._report(task, arguments, **limits)


class Bucket(ObstoreFiles):
    """The real storage, which takes no poster for so many tries."""

    away = 0

    async def put(self, key: str, path: Path) -> None:
        if key.endswith("poster.jpg") and self.away:
            self.away -= 1
            raise OSError(errno.EIO, "the bucket does not answer")
        await super().put(key, path)


@dataclass
class Gallery:
    """The web server of a bot whose clips can be watched; `ready` has made one."""

    world: World
    painter: Painter
    links: Links
    session: aiohttp.ClientSession
    showing: Showing
    url: str

    async def ready(self, **wishes: Any) -> str:
        """A delivered clip, at rest; its job's id."""
        world = self.world
        pair = {"picture": sandbox_world.picture(), "video": sandbox_world.clip()}
        order = world._an_order("", 1, 10, world.now(), **pair)
        order = replace(order, wishes=replace(order.wishes, **wishes))
        await world.engine.studio.register.take(order)
        await world.engine.studio.acknowledged(order.job_id, answer_id=5)
        job = await world.until_closed(order.job_id)
        assert job.state is JobState.DELIVERED
        return order.job_id

    async def look(self, job_id: str, method: str = "GET") -> tuple[int, bytes]:
        """Ask for the poster: the status, and the first bytes of the answer."""
        token = self.links.token(await self.world.job(job_id))
        async with self.session.request(method, f"{self.url}/clips/{token}/poster.jpg") as answer:
            return answer.status, (await answer.read())[:2]

    async def page(self, job_id: str) -> str:
        token = self.links.token(await self.world.job(job_id))
        async with self.session.get(f"{self.url}/watch/{token}") as answer:
            return await answer.text()

    async def stored(self, job_id: str) -> list[str]:
        return [key for key in await self.world.storage.keys(f"jobs/{job_id}") if key.endswith("poster.jpg")]


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[Gallery]:
    """The server of one process; another one knows of nothing but the database and the storage."""
    world.workshop = painter = Painter()
    await world.restart()
    seconds = world.terms.retention_seconds
    links = await open_links(
        world.database, "https://bot.example.org", clock=world.now, retention_seconds=seconds
    )
    showing = Showing(
        links, database=world.database, storage=world.storage, workshop=painter, clock=world.now
    )
    app = build_app(
        ring=_nobody, secret="", checks={}, registry=CollectorRegistry(), clock=world.now,
        watching=partial(add_watching, showing=showing, trial=False),
    )  # fmt: skip
    async with aiohttp.ClientSession() as session, serve(app, "127.0.0.1", 0) as (host, port):
        yield Gallery(world, painter, links, session, showing, f"http://{host}:{port}")


async def _nobody(_token: str, _job_id: str | None) -> None:
    """No webhook comes in these tests."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes its time."""
    monkeypatch.setattr(posters, "LOOK_SECONDS", PATIENCE)
    monkeypatch.setattr(posters, "DRAW_SECONDS", PATIENCE)


@pytest.fixture
async def gallery(tmp_path: Path) -> AsyncIterator[Gallery]:
    async with studio_at_work(tmp_path) as world, opened(world) as gallery:
        yield gallery


# ── when ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_delivery_and_its_page_draw_nothing(gallery: Gallery) -> None:
    job_id = await gallery.ready()

    page = await gallery.page(job_id)

    # What came in, and the one check of what came back.
    assert sorted(gallery.painter.done) == ["prepare_pair", "verify_clips"]
    assert await gallery.stored(job_id) == []
    assert page.count("/poster.jpg") == 3


async def test_the_first_look_draws_and_later_ones_take_what_is_stored(gallery: Gallery) -> None:
    job_id = await gallery.ready()

    looks = [await gallery.look(job_id) for _ in range(3)]

    assert looks == [(200, JPEG)] * 3
    assert gallery.painter.drawn == 1
    assert await gallery.stored(job_id) == [f"jobs/{job_id}/poster.jpg"]


async def test_another_process_shows_what_one_has_drawn(gallery: Gallery) -> None:
    job_id = await gallery.ready()
    await gallery.look(job_id)

    async with opened(gallery.world) as other:
        assert await other.look(job_id) == (200, JPEG)

    assert other.painter.drawn == 0


async def test_all_who_look_at_once_get_the_same_drawing(gallery: Gallery) -> None:
    job_id = await gallery.ready()

    looks = await asyncio.gather(*(gallery.look(job_id) for _ in range(6)), gallery.look(job_id, "HEAD"))

    assert looks == [(200, JPEG)] * 6 + [(200, b"")]
    assert gallery.painter.drawn == 1


async def test_of_what_is_covered_nothing_is_drawn(gallery: Gallery) -> None:
    job_id = await gallery.ready(spoiler=True)

    assert await gallery.look(job_id) == (404, b"")
    assert gallery.painter.drawn == 0


# ── how many ────────────────────────────────────────────────────────────────────────────────────


async def test_one_is_drawn_at_a_time_and_few_wait_for_their_turn(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posters, "MOST_IN_LINE", 2)
    first, second, third = [await gallery.ready() for _ in range(3)]
    gallery.painter.may.clear()
    looks = [asyncio.create_task(gallery.look(job_id)) for job_id in (first, second)]
    await gallery.world.eventually(lambda: gallery.showing.posters._in_line == 2)

    turned_away = await gallery.look(third)
    gallery.painter.may.set()

    assert turned_away == (503, b"")
    assert await asyncio.gather(*looks) == [(200, JPEG)] * 2
    assert gallery.painter.most_busy == 1
    assert await gallery.look(third) == (200, JPEG)


async def test_who_has_waited_long_enough_is_asked_to_come_again(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await gallery.ready()
    gallery.painter.may.clear()
    monkeypatch.setattr(posters, "LOOK_SECONDS", 0.1)

    early = await gallery.look(job_id)
    monkeypatch.setattr(posters, "LOOK_SECONDS", PATIENCE)
    gallery.painter.may.set()

    assert early == (503, b"")
    assert await gallery.look(job_id) == (200, JPEG)
    assert gallery.painter.drawn == 1


async def test_a_server_that_closes_waits_for_no_drawing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        async with opened(world) as gallery:
            job_id = await gallery.ready()
            gallery.painter.may.clear()
            look = asyncio.create_task(gallery.look(job_id))
            await gallery.painter.begun.wait()

        assert gallery.painter.busy == 0
        assert await gallery.stored(job_id) == []
        with pytest.raises(aiohttp.ClientError):
            await look


# ── deleted meanwhile ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["taken down", "purged"])
async def test_a_clip_that_is_deleted_while_its_poster_is_drawn_leaves_nothing(
    tmp_path: Path, database: Database, how: str
) -> None:
    async with studio_at_work(tmp_path, database=database) as world, opened(world) as gallery:
        job_id = await gallery.ready()

        async def delete(of: str) -> None:
            equipment = world.engine.studio._equipment
            if how == "purged":
                world.ahead += timedelta(days=8)
                await purge(equipment)
                return
            async with world.database.write() as connection:
                await takedowns.mark(connection, of, by=1, named=False, now=world.now())
            assert await takedowns.carry_out(equipment, of)

        gallery.painter.meanwhile = delete

        assert await gallery.look(job_id) == (410, b"")
        assert gallery.painter.drawn == 1
        assert await world.storage.keys(f"jobs/{job_id}") == []


async def test_a_poster_goes_with_its_clip(gallery: Gallery) -> None:
    world, job_id = gallery.world, await gallery.ready()
    await gallery.look(job_id)

    async with world.database.write() as connection:
        await takedowns.mark(connection, job_id, by=1, named=False, now=world.now())
    await takedowns.carry_out(world.engine.studio._equipment, job_id)

    assert await gallery.look(job_id) == (404, b"")
    assert await world.storage.keys(f"jobs/{job_id}") == []


async def test_a_clip_whose_file_is_missing_has_none(gallery: Gallery) -> None:
    job_id = await gallery.ready()
    await gallery.world.storage.delete_tree(f"jobs/{job_id}")

    assert await gallery.look(job_id) == (410, b"")
    assert gallery.painter.drawn == 0


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("trouble", "status", "minutes"),
    [(MediaRefused(Reason.BROKEN), 404, 60), (WorkshopFailed("draw_poster", 1, ""), 503, 1)],
)
async def test_what_cannot_be_drawn_is_said_and_not_tried_again_at_once(
    gallery: Gallery, trouble: Exception, status: int, minutes: int
) -> None:
    job_id = await gallery.ready()
    gallery.painter.trouble = [trouble]

    first = await gallery.look(job_id)
    gallery.world.ahead += timedelta(minutes=minutes - 0.5)
    again = await gallery.look(job_id)
    gallery.world.ahead += timedelta(minutes=0.6)

    assert (first, again) == ((status, b""), (status, b""))
    assert gallery.painter.drawn == 0
    assert await gallery.look(job_id) == (200, JPEG)


async def test_a_drawing_that_takes_too_long_is_given_up_for_a_while(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await gallery.ready()
    gallery.painter.may.clear()
    monkeypatch.setattr(posters, "DRAW_SECONDS", 0.1)

    first = await gallery.look(job_id)
    gallery.painter.may.set()
    again = await gallery.look(job_id)

    assert (first, again) == ((503, b""), (503, b""))
    assert (gallery.painter.busy, gallery.painter.drawn) == (0, 0)
    assert await gallery.stored(job_id) == []


async def test_storage_that_takes_no_poster_is_not_asked_at_every_look(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.storage = bucket = Bucket(world.storage._store, folder=world.storage._folder)
        bucket.away = 1
        async with opened(world) as gallery:
            job_id = await gallery.ready()

            first, again = await gallery.look(job_id), await gallery.look(job_id)
            world.ahead += timedelta(minutes=2)

            assert (first, again) == ((503, b""), (503, b""))
            assert gallery.painter.drawn == 1
            assert await gallery.look(job_id) == (200, JPEG)


async def test_what_nobody_foresaw_is_no_obstacle_to_the_next_look(gallery: Gallery) -> None:
    job_id = await gallery.ready()
    gallery.painter.trouble = [RuntimeError("nobody thought of this")]

    assert (await gallery.look(job_id))[0] == 500
    assert await gallery.look(job_id) == (200, JPEG)
