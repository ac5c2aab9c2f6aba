"""The watch page in a real browser, 390 pixels wide: it plays, previews itself, says why there is nothing.

`SCREENSHOTS=docs` in the environment keeps the picture that the documentation shows.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import update

from media.workshop import Workshop
from providers.server import build_app, serve
from providers.watch import add_watching
from studio import jobs, posters, schema
from studio.database import Database
from studio.database import jobs as rows
from studio.links import open_links
from studio.models import Clip, Job, JobState
from studio.ports import Storage
from studio.showing import Showing
from studio.storage import open_storage
from tests.browser import CHROMEDRIVER, CHROMIUM, MISSING, Browser, chromium
from tests.builders import FixedClock, a_job
from tests.drawn_scene import dance
from tests.sandbox_world import PATIENCE

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason=MISSING)

DAY = 86_400.0
PLAYS = """
const video = document.querySelector('video');
video.muted = true;
await video.play();
await new Promise((resolve) => { video.ontimeupdate = () => video.currentTime > 0.2 && resolve(); });
video.pause();
return video.currentTime;
"""
SEEKS = """
const video = document.querySelector('video');
await new Promise((resolve) => { video.onseeked = resolve; video.currentTime = 3; });
return [video.currentTime, video.error];
"""
POSTER = """
const picture = new Image();
picture.src = document.querySelector('video').poster;
await picture.decode();
return [picture.naturalWidth, picture.naturalHeight];
"""
TAGS = "return Object.fromEntries([...document.querySelectorAll('meta[property]')].map((tag) => [tag.getAttribute('property'), tag.content]))"  # noqa: E501 - one line of JavaScript
SMALL_LINKS = "return [...document.querySelectorAll('a')].filter((link) => link.offsetHeight < 44).length"


@dataclass
class Screening:
    """A delivered clip behind the real server, and a phone that looks at it."""

    browser: Browser
    database: Database
    clock: FixedClock
    job: Job
    page: str

    async def look(self) -> None:
        await self.browser.open(self.page)
        assert await self.browser.run("return document.documentElement.scrollWidth <= innerWidth")

    async def said(self) -> str:
        return await self.browser.text("main")

    async def change(self, **values: object) -> None:
        async with self.database.write() as connection:
            await connection.execute(update(rows).where(rows.c.id == self.job.id).values(**values))


async def a_delivered_job(database: Database, storage: Storage, folder: Path) -> Job:
    """A job in the books and its clip in storage, as delivery leaves them."""
    job, video = await a_job(database), dance(folder / "clip.mp4", rate=10)
    facts = await Workshop().verify_clip(video)
    clip = Clip(
        key=f"jobs/{job.id}/clip.mp4", size=facts.size, seconds=facts.seconds, width=facts.width,
        height=facts.height, has_sound=facts.has_sound, source_url="https://video.example.org/o.mp4",
    )  # fmt: skip
    await storage.put(clip.key, video)
    async with database.write() as connection:
        changes = {"state": JobState.DELIVERING, "member_name": "Zoë"}
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**changes))
        return await jobs.amend(connection, replace(job, state=JobState.DELIVERING), clip=clip)


@pytest.fixture
async def screening(
    tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Screening]:
    # A busy machine takes its time.
    monkeypatch.setattr(posters, "LOOK_SECONDS", PATIENCE)
    monkeypatch.setattr(posters, "DRAW_SECONDS", PATIENCE)
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    await schema.upgrade(database)
    storage = open_storage((tmp_path / "files").as_uri())
    job = await a_delivered_job(database, storage, tmp_path)
    links = await open_links(database, "http://not-yet", clock=clock, retention_seconds=7 * DAY)
    showing = Showing(links, database=database, storage=storage, workshop=Workshop(), clock=clock)
    app = build_app(
        ring=_nobody, secret="", checks={}, registry=CollectorRegistry(), clock=clock,
        watching=partial(add_watching, showing=showing, trial=False),
    )  # fmt: skip
    async with serve(app, "127.0.0.1", 0) as (host, port), chromium(tmp_path / "profile") as browser:
        links.public_url = f"http://{host}:{port}"
        await browser.resize(390, 844, scale=2, phone=True)
        yield Screening(browser, database, clock, job, links.watch_url(job))
    await database.close()


async def _nobody(_token: str, _job_id: str | None) -> None:
    """No webhook comes in these tests."""


async def test_the_clip_plays_on_a_phone_with_its_poster_before(screening: Screening, tmp_path: Path) -> None:
    browser = screening.browser
    await screening.look()

    poster = await browser.run(POSTER)
    await browser.until("return document.querySelector('video').readyState >= 1")
    await browser.screenshot(Path(os.environ.get("SCREENSHOTS") or tmp_path) / "watch-phone.png")
    played = await browser.run(PLAYS)
    seeked = await browser.run(SEEKS)

    assert poster == [360, 640]
    assert played > 0.2
    assert seeked == [3, None]
    assert await browser.run("return document.querySelector('video').videoWidth") == 360
    assert "AI-generated" in await screening.said()
    assert await browser.run(SMALL_LINKS) == 0
    assert await browser.complaints() == []


async def test_those_who_show_previews_get_the_very_clip_and_poster_that_the_tags_name(
    screening: Screening,
) -> None:
    await screening.look()

    tags = await screening.browser.run(TAGS)
    answers = {}
    async with aiohttp.ClientSession() as session:
        for name in ("og:video", "og:video:secure_url", "og:image"):
            async with session.get(tags[name], headers={"Range": "bytes=0-1"}) as response:
                answers[name] = response.status, response.content_type

    assert tags["og:type"] == "video.other"
    assert tags["og:url"] == screening.page
    assert (tags["og:video:width"], tags["og:video:height"]) == ("360", "640")
    assert tags["og:video:type"] == "video/mp4"
    assert tags["og:title"]
    assert tags["og:image:alt"]
    assert answers == {
        "og:video": (206, "video/mp4"),
        "og:video:secure_url": (206, "video/mp4"),
        "og:image": (200, "image/jpeg"),
    }


async def test_a_clip_that_is_taken_down_is_gone_on_the_next_look(screening: Screening) -> None:
    await screening.look()
    await screening.browser.run(PLAYS)

    await screening.change(removed_at=screening.clock())
    await screening.look()

    assert "was removed" in await screening.said()
    assert not await screening.browser.run("return Boolean(document.querySelector('video, meta[property]'))")


async def test_a_link_that_is_past_its_time_says_so(screening: Screening) -> None:
    screening.clock.tick(7 * DAY)

    await screening.look()

    assert "no longer kept here" in await screening.said()
    assert not await screening.browser.run("return Boolean(document.querySelector('video, meta[property]'))")
