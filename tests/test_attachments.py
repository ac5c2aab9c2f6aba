"""Fetching what members attach: only from Discord, streamed, capped, and patient with bad moments."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from providers.addresses import guarded_session
from providers.attachments import AttachmentFetcher, attachment_hosts
from studio.errors import FetchFailed, FetchForbidden, FetchInterrupted, FetchTooLarge
from studio.models import SourceFile
from studio.ports import AttachmentSource
from tests.stub_provider import Stub, stub_server

PICTURE = b"\xff\xd8" + b"p" * 400_000


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with stub_server() as stub:
        yield stub


@pytest.fixture
async def fetcher() -> AsyncIterator[AttachmentFetcher]:
    async with guarded_session(attachment_hosts(["127.0.0.1"])) as session:
        yield AttachmentFetcher(
            session=session, extra_hosts=["127.0.0.1"], stall_seconds=0.5, first_pause=0.001
        )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "picture"


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def attached(url: str, size: int = len(PICTURE)) -> SourceFile:
    return SourceFile(url, "picture.jpg", size, "image/jpeg")


def test_the_fetcher_is_an_attachment_source(fetcher: AttachmentFetcher) -> None:
    source: AttachmentSource = fetcher

    assert source is fetcher


async def test_an_attachment_is_streamed_to_a_file(
    fetcher: AttachmentFetcher, stub: Stub, target: Path
) -> None:
    stub.on("GET", "/attachments/1/2/picture.jpg", web.Response(body=PICTURE))

    size = await fetcher.fetch(
        attached(f"{stub.url}/attachments/1/2/picture.jpg?ex=1&is=2&hm=3"), target, max_bytes=1_000_000
    )

    assert size == len(PICTURE)
    assert content(target) == PICTURE
    assert stub.asked[0].query == {"ex": "1", "is": "2", "hm": "3"}


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.discordapp.com/a.jpg",
        "https://cdn.discordapp.com:8443/a.jpg",
        "https://cdn.discordapp.com.evil.org/a.jpg",
        "https://evil.cdn.discordapp.com/a.jpg",
        "https://discord.com/a.jpg",
        "https://cdn.muvi.video/a.jpg",
        "http://169.254.169.254/latest",
        "http://localhost/a.jpg",
        "file:///etc/passwd",
        "no url",
    ],
)
async def test_nothing_is_fetched_from_anywhere_else(
    fetcher: AttachmentFetcher, target: Path, url: str
) -> None:
    with pytest.raises(FetchForbidden):
        await fetcher.fetch(attached(url), target, max_bytes=1_000_000)

    assert content(target) is None


def test_discord_s_own_hosts_are_allowed_and_an_extra_one_on_any_port() -> None:
    rules = attachment_hosts(["Discord.LAN"])

    assert rules.permits("https://cdn.discordapp.com/attachments/1/2/a.jpg?ex=1")
    assert rules.permits("https://media.discordapp.net/attachments/1/2/a.jpg")
    assert rules.permits("http://discord.lan:9000/a.jpg")
    assert rules.trusted_names == {"discord.lan"}


async def test_a_redirect_is_never_followed(fetcher: AttachmentFetcher, stub: Stub, target: Path) -> None:
    stub.on("GET", "/a", web.Response(status=302, headers={"Location": f"{stub.url}/b"}))

    with pytest.raises(FetchForbidden):
        await fetcher.fetch(attached(f"{stub.url}/a"), target, max_bytes=1_000_000)

    assert len(stub.asked) == 1


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_an_attachment_that_is_gone_is_told_as_gone(
    fetcher: AttachmentFetcher, stub: Stub, target: Path, status: int
) -> None:
    stub.on("GET", "/a", web.Response(status=status))

    with pytest.raises(FetchFailed) as caught:
        await fetcher.fetch(attached(f"{stub.url}/a"), target, max_bytes=1_000_000)

    assert caught.value.code == "attachment_gone"
    assert len(stub.asked) == 1


async def test_a_bad_moment_is_waited_out(fetcher: AttachmentFetcher, stub: Stub, target: Path) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(PICTURE))})
        await response.prepare(request)
        await response.write(PICTURE[:100_000])
        assert request.transport is not None
        request.transport.close()
        return response

    stub.on("GET", "/a", web.Response(status=503), cut, web.Response(body=PICTURE))

    await fetcher.fetch(attached(f"{stub.url}/a"), target, max_bytes=1_000_000)

    assert content(target) == PICTURE
    assert len(stub.asked) == 3


async def test_trouble_that_lasts_is_told_after_three_tries(
    fetcher: AttachmentFetcher, stub: Stub, target: Path
) -> None:
    stub.on("GET", "/a", web.Response(status=500))

    with pytest.raises(FetchInterrupted) as caught:
        await fetcher.fetch(attached(f"{stub.url}/a"), target, max_bytes=1_000_000)

    assert caught.value.status == 500
    assert len(stub.asked) == 3


async def test_a_stalled_attachment_is_given_up(fetcher: AttachmentFetcher, stub: Stub, target: Path) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3600)
        return web.Response()

    stub.on("GET", "/a", stall)

    with pytest.raises(FetchInterrupted):
        await fetcher.fetch(attached(f"{stub.url}/a"), target, max_bytes=1_000_000)


async def test_what_discord_calls_too_large_is_not_even_asked_for(
    fetcher: AttachmentFetcher, stub: Stub, target: Path
) -> None:
    with pytest.raises(FetchTooLarge) as caught:
        await fetcher.fetch(attached(f"{stub.url}/a", size=1001), target, max_bytes=1000)

    assert caught.value.facts["limit"] == 1000
    assert stub.asked == []


@pytest.mark.parametrize("stated", [True, False])
async def test_more_bytes_than_allowed_are_refused_whatever_was_stated(
    fetcher: AttachmentFetcher, stub: Stub, target: Path, stated: bool
) -> None:
    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "500000"} if stated else {})
        await response.prepare(request)
        await response.write(b"x" * 500_000)
        return response

    stub.on("GET", "/a", large)

    with pytest.raises(FetchTooLarge):
        await fetcher.fetch(attached(f"{stub.url}/a", size=10), target, max_bytes=100_000)

    assert len(stub.asked) == 1


async def test_a_large_video_is_never_whole_in_memory(
    fetcher: AttachmentFetcher, stub: Stub, target: Path
) -> None:
    piece = b"v" * 262_144

    async def video(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(piece) * 200)})
        await response.prepare(request)
        for _ in range(200):
            await response.write(piece)
        return response

    stub.on("GET", "/v.mp4", video)
    tracemalloc.start()
    try:
        size = await fetcher.fetch(attached(f"{stub.url}/v.mp4"), target, max_bytes=200_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size == len(piece) * 200
    assert peak < 12_000_000
