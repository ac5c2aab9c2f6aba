"""Clips watched by their links, over real HTTP: ranges, expiry, forgery, removal, and what the page holds."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import update

from demo.waiting import eventually
from media.workshop import Workshop
from providers import watch
from providers.server import build_app, serve
from providers.watch import add_watching
from studio import jobs, schema
from studio.database import Database
from studio.database import jobs as jobs_table
from studio.links import open_links
from studio.models import Clip, Job, JobState
from studio.showing import Showing
from studio.storage import ObstoreFiles, open_storage
from tests.builders import FixedClock, a_job

SIZE = 1_300_001
DAY = 86_400.0


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with all tables; what is asked of both kinds is in the last part."""
    path = tmp_path_factory.mktemp("template") / "bot.db"

    async def make() -> None:
        database = Database(f"sqlite:///{path}")
        await schema.upgrade(database)
        await database.close()

    asyncio.run(make())
    return path


@pytest.fixture
async def one_database(template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copyfile(template, tmp_path / "bot.db")
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    yield database
    await database.close()


@dataclass
class Cinema:
    """A server with one delivered clip."""

    url: str
    database: Database
    storage: ObstoreFiles
    clock: FixedClock
    job: Job
    token: str
    content: bytes

    @property
    def clip_url(self) -> str:
        return f"{self.url}/clips/{self.token}/clip.mp4"

    async def ask(
        self, url: str, method: str = "GET", **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=named, allow_redirects=False) as response,
        ):
            return response.status, response.headers, await response.read()

    async def change(self, **values: Any) -> None:
        async with self.database.write() as connection:
            await connection.execute(
                update(jobs_table).where(jobs_table.c.id == self.job.id).values(**values)
            )


@pytest.fixture
async def cinema(one_database: Database, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Cinema]:
    database = one_database
    storage = open_storage((tmp_path / "files").as_uri())
    job = await a_job(database)
    async with database.write() as connection:
        changes = {"state": JobState.DELIVERING, "member_name": "Zoë <b>"}
        await connection.execute(update(jobs_table).where(jobs_table.c.id == job.id).values(**changes))
        job = replace(job, state=JobState.DELIVERING)
    content = os.urandom(SIZE)
    for name, body in (("clip.mp4", content), ("poster.jpg", b"\xff\xd8 a poster")):
        (tmp_path / name).write_bytes(body)
        await storage.put(f"jobs/{job.id}/{name}", tmp_path / name)
    clip = Clip(
        key=f"jobs/{job.id}/clip.mp4", size=SIZE, seconds=5, width=1080, height=1920, has_sound=True,
        source_url="https://video.example.org/o.mp4",
    )  # fmt: skip
    async with database.write() as connection:
        job = await jobs.amend(connection, job, clip=clip)
    links = await open_links(database, "https://bot.example.org", clock=clock, retention_seconds=7 * DAY)
    showing = Showing(links, database=database, storage=storage, workshop=Workshop(), clock=clock)
    app = build_app(
        ring=_nobody, secret="", checks={}, registry=CollectorRegistry(), clock=clock,
        watching=partial(add_watching, showing=showing, trial=False),
    )  # fmt: skip
    async with serve(app, "127.0.0.1", 0) as (host, port):
        yield Cinema(f"http://{host}:{port}", database, storage, clock, job, links.token(job), content)


async def _nobody(_token: str, _job_id: str | None) -> None:
    """No webhook comes in these tests."""


# ── the file ────────────────────────────────────────────────────────────────────────────────────


async def test_the_whole_clip_comes_with_what_a_player_wants_to_know(cinema: Cinema) -> None:
    status, headers, body = await cinema.ask(cinema.clip_url)

    assert (status, body == cinema.content) == (200, True)
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Length"] == str(SIZE)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Disposition"].startswith(f'inline; filename="clip-{cinema.job.id}.mp4"; ')
    assert "filename*=UTF-8''Zo%C3%AB%20b%20%27s%20clip.mp4" in headers["Content-Disposition"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "no-cache" in headers["Cache-Control"]
    assert "noindex" in headers["X-Robots-Tag"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-1", 0, 2),
        ("bytes=0-", 0, SIZE),
        ("bytes=524288-1048580", 524_288, 1_048_581),
        ("bytes=1300000-", SIZE - 1, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        ("bytes=-99999999", 0, SIZE),
        ("bytes=100-99999999", 100, SIZE),
    ],
)
async def test_a_single_range_is_served(cinema: Cinema, asked: str, start: int, stop: int) -> None:
    status, headers, body = await cinema.ask(cinema.clip_url, Range=asked)

    assert (status, body == cinema.content[start:stop]) == (206, True)
    assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=99999999-100000000", "bytes=-0"])
async def test_a_range_outside_of_the_clip_is_told_its_size(cinema: Cinema, asked: str) -> None:
    status, headers, body = await cinema.ask(cinema.clip_url, Range=asked)

    assert (status, body, headers["Content-Range"]) == (416, b"", f"bytes */{SIZE}")


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=a-b", "lines=0-1", "bytes=0-1,5-9", "bytes=--1", "bytes=-"]
)
async def test_what_is_no_single_range_gives_the_whole_clip(cinema: Cinema, asked: str) -> None:
    status, _, body = await cinema.ask(cinema.clip_url, Range=asked)

    assert (status, len(body)) == (200, SIZE)


async def test_head_tells_the_same_without_a_body(cinema: Cinema) -> None:
    whole = await cinema.ask(cinema.clip_url, "HEAD")
    part = await cinema.ask(cinema.clip_url, "HEAD", Range="bytes=0-99")
    page = await cinema.ask(f"{cinema.url}/watch/{cinema.token}", "HEAD")

    assert (whole[0], whole[1]["Content-Length"], whole[2]) == (200, str(SIZE), b"")
    assert (part[0], part[1]["Content-Length"], part[2]) == (206, "100", b"")
    assert (page[0], page[2]) == (200, b"")


async def test_what_a_browser_has_already_is_not_sent_again(cinema: Cinema) -> None:
    _, headers, _ = await cinema.ask(cinema.clip_url, "HEAD")
    etag = headers["ETag"]

    known = await cinema.ask(cinema.clip_url, If_None_Match=etag)
    same = await cinema.ask(cinema.clip_url, Range="bytes=0-9", If_Range=etag)
    other = await cinema.ask(cinema.clip_url, Range="bytes=0-9", If_Range='"another"')

    assert [answer[0] for answer in (known, same, other)] == [304, 206, 200]


async def test_other_methods_are_refused(cinema: Cinema) -> None:
    statuses = [(await cinema.ask(cinema.clip_url, method))[0] for method in ("POST", "PUT", "DELETE")]

    assert statuses == [405, 405, 405]


# ── who may ─────────────────────────────────────────────────────────────────────────────────────


async def test_no_changed_token_opens_anything(cinema: Cinema) -> None:
    job_id, until, signature = cinema.token.split(".")
    later = f"{int(until, 16) + 3600:x}"
    other = ("0" if job_id[0] != "0" else "1") + job_id[1:]
    forged = [
        f"{job_id}.{later}.{signature}",
        f"{other}.{until}.{signature}",
        f"{job_id}.0{until}.{signature}",
        f"{job_id}.{until.upper()}x.{signature}",
        f"{job_id}.{until}.{signature[:-1]}",
        f"{job_id}.{until}.{'A' * 24}",
        f"{job_id}.{until}.",
        f"{job_id}",
        "..",
    ]

    for token in forged:
        for path in (f"/watch/{token}", f"/clips/{token}/clip.mp4", f"/clips/{token}/poster.jpg"):
            status, _, body = await cinema.ask(cinema.url + path)
            assert status == 404, path
            assert cinema.content[:16] not in body


@pytest.mark.parametrize(
    "path",
    [
        "/clips/{token}/../../jobs/clip.mp4",
        "/clips/{token}/..%2f..%2fbot.db",
        "/clips/{token}/%2e%2e/%2e%2e/bot.db",
        "/clips/..%2f..%2f..%2fetc%2fpasswd/clip.mp4",
        "/clips/{token}/",
        "/clips/{token}/clip.mp4/",
        "/clips/{token}%00/clip.mp4",
        "/watch/{token}/../../healthz/x",
    ],
)
async def test_no_path_leads_out_of_the_clip(cinema: Cinema, path: str) -> None:
    host, _, port = cinema.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    # By hand: clients tidy such paths up.
    writer.write(
        f"GET {path.format(token=cinema.token)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.read(), 10)

    assert answer.split(b" ", 2)[1] in {b"400", b"404"}
    writer.close()


async def test_a_link_is_good_until_its_time_and_not_a_second_longer(cinema: Cinema) -> None:
    page = f"{cinema.url}/watch/{cinema.token}"
    cinema.clock.tick(7 * DAY - 1)
    before = await cinema.ask(page)

    cinema.clock.tick(1)
    after, file = await cinema.ask(page), await cinema.ask(cinema.clip_url)

    assert [answer[0] for answer in (before, after, file)] == [200, 410, 410]
    assert b"no longer kept here" in after[2]


async def test_what_is_kept_less_long_by_now_expires_with_it(cinema: Cinema) -> None:
    await cinema.change(state=JobState.DELIVERED, closed_at=cinema.clock() - timedelta(days=8))

    assert (await cinema.ask(cinema.clip_url))[0] == 410


@pytest.mark.parametrize(
    ("column", "words"), [("removed_at", b"was removed"), ("purged_at", b"no longer kept")]
)
async def test_a_clip_that_was_taken_down_or_deleted_is_gone_at_once(
    cinema: Cinema, column: str, words: bytes
) -> None:
    assert (await cinema.ask(cinema.clip_url))[0] == 200

    await cinema.change(**{column: cinema.clock()})

    answers = [
        await cinema.ask(f"{cinema.url}{path}")
        for path in (
            f"/watch/{cinema.token}", f"/clips/{cinema.token}/clip.mp4", f"/clips/{cinema.token}/poster.jpg",
        )
    ]  # fmt: skip
    assert [status for status, _, _ in answers] == [410, 410, 410]
    assert words in answers[0][2]


async def test_a_clip_whose_file_is_missing_is_gone_and_no_error(cinema: Cinema) -> None:
    await cinema.storage.delete_tree(f"jobs/{cinema.job.id}")

    assert [(await cinema.ask(url))[0] for url in (cinema.clip_url, cinema.clip_url[:-8] + "poster.jpg")] == [
        410, 410,
    ]  # fmt: skip


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.FAILED])
async def test_only_a_delivered_clip_is_shown(cinema: Cinema, state: JobState) -> None:
    await cinema.change(state=state)

    assert (await cinema.ask(cinema.clip_url))[0] == 404


async def test_another_process_on_the_same_database_reads_the_same_links(cinema: Cinema) -> None:
    links = await open_links(
        cinema.database, "https://bot.example.org", clock=cinema.clock, retention_seconds=7 * DAY
    )

    assert links.token(cinema.job) == cinema.token
    assert links.watch_url(cinema.job) == f"https://bot.example.org/watch/{cinema.token}"


async def test_processes_that_start_at_once_agree_on_one_secret(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database)

    opened = await asyncio.gather(
        *(open_links(database, "https://x.example", clock=clock, retention_seconds=DAY) for _ in range(5))
    )

    assert len({links.token(job) for links in opened}) == 1


# ── how many ────────────────────────────────────────────────────────────────────────────────────


async def test_streams_are_bounded_and_their_places_come_free(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_STREAMS_A_CLIP", 1)
    reading = asyncio.Event()
    going_on = asyncio.Event()
    read = cinema.storage.read

    async def slow_read(*arguments: Any) -> bytes:
        reading.set()
        await going_on.wait()
        return await read(*arguments)

    monkeypatch.setattr(cinema.storage, "read", slow_read)
    first = asyncio.create_task(cinema.ask(cinema.clip_url))
    await reading.wait()

    status, headers, _ = await cinema.ask(cinema.clip_url)
    going_on.set()

    assert (status, headers["Retry-After"]) == (503, "5")
    assert (await first)[0] == 200
    assert (await cinema.ask(cinema.clip_url))[0] == 200


async def test_who_takes_nothing_loses_the_place(cinema: Cinema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(watch, "MOST_STREAMS_A_CLIP", 1)
    big = os.urandom(1 << 20) * 24
    path = Path(os.fspath(cinema.storage._folder or "")) / f"jobs/{cinema.job.id}/clip.mp4"
    path.write_bytes(big)
    clip = {**_plain(cinema.job.clip), "size": len(big)}
    await cinema.change(clip=clip)
    host, _, port = cinema.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1024)

    writer.write(f"GET /clips/{cinema.token}/clip.mp4 HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def is_free() -> bool:
        return (await cinema.ask(cinema.clip_url, Range="bytes=0-9"))[0] == 206

    await eventually(is_free)

    writer.close()


def _plain(clip: Clip | None) -> dict[str, Any]:
    assert clip is not None
    return {name: getattr(clip, name) for name in clip.__slots__}


# ── the page ────────────────────────────────────────────────────────────────────────────────────


async def test_the_page_speaks_the_language_of_the_browser(cinema: Cinema) -> None:
    address = f"{cinema.url}/watch/{cinema.token}"

    _, _, german = await cinema.ask(address, Accept_Language="sv, de;q=0.7, en;q=0.3")
    _, _, english = await cinema.ask(address)

    assert '<html lang="de">' in german.decode()
    assert "Clip speichern" in german.decode()
    assert '<html lang="en">' in english.decode()
    assert "Save the clip" in english.decode()


async def test_the_page_plays_in_place_and_loads_nothing_from_elsewhere(cinema: Cinema) -> None:
    status, headers, body = await cinema.ask(f"{cinema.url}/watch/{cinema.token}")
    page = body.decode()

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<video controls playsinline" in page
    assert f'poster="../clips/{cinema.token}/poster.jpg"' in page
    assert f'<source src="../clips/{cinema.token}/clip.mp4" type="video/mp4">' in page
    assert "AI-generated · 5 s · 1080 × 1920" in page
    assert "Zoë &lt;b&gt;" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert "https://" not in page.replace("https://bot.example.org/", "")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_previews_find_the_clip_and_its_poster(cinema: Cinema) -> None:
    _, _, body = await cinema.ask(f"{cinema.url}/watch/{cinema.token}")
    page, base = body.decode(), f"https://bot.example.org/clips/{cinema.token}"

    for tag in (
        '<meta property="og:type" content="video.other">',
        f'<meta property="og:video" content="{base}/clip.mp4">',
        '<meta property="og:video:type" content="video/mp4">',
        '<meta property="og:video:width" content="1080">',
        f'<meta property="og:image" content="{base}/poster.jpg">',
        '<meta name="twitter:card" content="player">',
    ):
        assert tag in page


@pytest.fixture
async def odd(cinema: Cinema, tmp_path: Path) -> Cinema:
    """The clip is a MOV that only some can play, and has a copy for the others."""
    (tmp_path / "copy.mp4").write_bytes(b"a copy that all can play")
    await cinema.storage.put(f"jobs/{cinema.job.id}/playable.mp4", tmp_path / "copy.mp4")
    more = {
        "plays_everywhere": False, "content_type": "video/quicktime",
        "playable_key": f"jobs/{cinema.job.id}/playable.mp4", "playable_size": 24,
    }  # fmt: skip
    await cinema.change(clip=_plain(cinema.job.clip) | more)
    return cinema


async def test_of_what_not_all_can_play_the_copy_is_shown_and_the_original_saved(odd: Cinema) -> None:
    _, _, body = await odd.ask(f"{odd.url}/watch/{odd.token}")
    page, base = body.decode(), f"https://bot.example.org/clips/{odd.token}"
    played = await odd.ask(odd.clip_url)
    saved = await odd.ask(f"{odd.url}/clips/{odd.token}/original")

    assert f'<source src="../clips/{odd.token}/clip.mp4" type="video/mp4">' in page
    assert f'<meta property="og:video" content="{base}/clip.mp4">' in page
    assert f'<a class="save" href="../clips/{odd.token}/original" download>' in page
    assert (played[0], played[1]["Content-Type"], played[2]) == (
        200,
        "video/mp4",
        b"a copy that all can play",
    )
    assert (saved[0], saved[1]["Content-Type"], saved[2]) == (200, "video/quicktime", odd.content)
    assert saved[1]["Content-Disposition"].startswith(f'attachment; filename="clip-{odd.job.id}.mov"; ')
    assert played[1]["ETag"] != saved[1]["ETag"]


async def test_the_original_comes_in_ranges_too(odd: Cinema) -> None:
    status, headers, body = await odd.ask(f"{odd.url}/clips/{odd.token}/original", Range="bytes=100-199")

    assert (status, body) == (206, odd.content[100:200])
    assert headers["Content-Range"] == f"bytes 100-199/{SIZE}"


async def test_what_has_no_copy_is_shown_as_what_it_is(cinema: Cinema) -> None:
    more = {"plays_everywhere": False, "content_type": "video/webm"}
    await cinema.change(clip=_plain(cinema.job.clip) | more)

    _, _, body = await cinema.ask(f"{cinema.url}/watch/{cinema.token}")
    _, headers, content = await cinema.ask(cinema.clip_url)

    assert (headers["Content-Type"], content) == ("video/webm", cinema.content)
    assert b'<meta property="og:video:type" content="video/webm">' in body
    assert b'/clip.mp4" type="video/webm">' in body
    assert f'filename="clip-{cinema.job.id}.webm"' in headers["Content-Disposition"]


@pytest.mark.parametrize("why", ["wished", "found"])
async def test_of_what_is_covered_neither_the_page_nor_a_preview_shows_anything_unasked(
    cinema: Cinema, why: str
) -> None:
    clip = _plain(cinema.job.clip)
    if why == "found":
        await cinema.change(clip=clip | {"found": "result:breasts"})
    else:
        # Its poster, which was drawn before covers were heeded here, still lies in storage.
        await cinema.change(wishes=asdict(replace(cinema.job.order.wishes, spoiler=True)))

    _, _, body = await cinema.ask(f"{cinema.url}/watch/{cinema.token}")
    poster, _, _ = await cinema.ask(f"{cinema.url}/clips/{cinema.token}/poster.jpg")
    file, _, _ = await cinema.ask(cinema.clip_url)
    page = body.decode()

    assert "poster" not in page
    assert 'preload="none"' in page
    assert "This clip is covered" in page
    assert all(each not in page for each in ("og:image", "og:video", "twitter:image", "twitter:player"))
    assert '<meta property="og:type" content="website">' in page
    assert '<meta name="twitter:card" content="summary">' in page
    assert page.count("clip.mp4") == 2  # to play and to save, both in the viewer's own hands
    assert (poster, file) == (404, 200)


async def test_the_poster_is_a_jpeg(cinema: Cinema) -> None:
    status, headers, body = await cinema.ask(f"{cinema.url}/clips/{cinema.token}/poster.jpg")

    assert (status, headers["Content-Type"], body) == (200, "image/jpeg", b"\xff\xd8 a poster")
