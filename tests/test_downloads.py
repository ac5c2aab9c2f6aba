"""Fetching results: hosts, redirects, resuming, caps, and transfers that break in every way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from providers.addresses import guarded_session, listed_hosts, own_host
from providers.downloads import Downloads
from studio.errors import FetchForbidden, FetchInterrupted, FetchTooLarge
from tests.stub_provider import Asked, Stub, a_client, stub_server

CLIP = bytes(range(256)) * 8000


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with stub_server() as stub:
        yield stub


@pytest.fixture
async def downloads(stub: Stub) -> AsyncIterator[Downloads]:
    rules = own_host(stub.url, any_port=True)
    async with guarded_session(rules) as session:
        yield Downloads(
            session=session,
            hosts=rules | listed_hosts(["*.muvi.video"]),
            redirect_hosts=own_host(stub.url, any_port=False) | listed_hosts(["*.muvi.video"]),
            most_bytes=3_000_000,
            stall_seconds=0.5,
            first_pause=0.001,
        )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "clip.mp4"


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def put(path: Path, piece: bytes) -> None:
    path.write_bytes(piece)


def names_beside(path: Path) -> list[str]:
    return [other.name for other in path.parent.iterdir()]


class FileServer:
    """Serves CLIP with ranges, and can be told to break off after so many bytes."""

    def __init__(
        self, *cuts: int, ranges: bool = True, length: bool = True, etag: str | None = '"v1"'
    ) -> None:
        self.cuts = list(cuts)
        self.ranges = ranges
        self.length = length
        self.etag = etag
        self.body = CLIP

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        asked = request.headers.get("Range", "")
        same = request.headers.get("If-Range") in (None, self.etag)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges and same else 0
        if start >= len(self.body):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(self.body)}"})
        response = web.StreamResponse(status=206 if start else 200)
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
        if self.etag:
            response.headers["ETag"] = self.etag
        if self.length:
            response.content_length = len(self.body) - start
        else:
            response.enable_chunked_encoding()
        await response.prepare(request)
        rest = self.body[start:]
        if not self.cuts:
            await response.write(rest)
            return response
        await response.write(rest[: self.cuts.pop(0)])
        # What was written has to leave before the connection breaks.
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()
        return response


def ranges_of(asked: list[Asked]) -> list[str | None]:
    return [request.headers.get("Range") for request in asked]


async def test_a_result_is_fetched_whole_and_without_the_key(stub: Stub, target: Path) -> None:
    stub.on("GET", "/o.mp4", FileServer())
    async with guarded_session(own_host(stub.url, any_port=True)) as session:
        client = a_client(session, stub.url)

        size = await client.download(f"{stub.url}/o.mp4?sig=a%2Fb", target)

    assert size == len(CLIP)
    assert content(target) == CLIP
    assert "Authorization" not in stub.asked[0].headers
    assert names_beside(target) == ["clip.mp4"]


@pytest.mark.parametrize("length", [True, False], ids=["with a length", "chunked"])
async def test_a_transfer_that_breaks_off_goes_on_where_it_was(
    downloads: Downloads, stub: Stub, target: Path, length: bool
) -> None:
    stub.on("GET", "/o.mp4", FileServer(500_000, 400_000, length=length))

    size = await downloads.download(f"{stub.url}/o.mp4", target)

    assert size == len(CLIP)
    assert content(target) == CLIP
    first, second, third = stub.asked
    assert first.headers.get("Range") is None
    assert second.headers["Range"].startswith("bytes=")
    assert second.headers["Range"] != "bytes=0-"
    assert third.headers["If-Range"] == '"v1"'


async def test_a_server_without_ranges_is_read_from_the_beginning_again(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    stub.on("GET", "/o.mp4", FileServer(500_000, ranges=False))

    await downloads.download(f"{stub.url}/o.mp4", target)

    assert content(target) == CLIP


async def test_a_file_that_changed_in_between_is_not_joined(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    server = FileServer(500_000)
    stub.on("GET", "/o.mp4", server, _changed(server))

    await downloads.download(f"{stub.url}/o.mp4", target)

    assert content(target) == CLIP[::-1]


async def test_what_an_earlier_process_left_is_gone_on_with(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    put(target, CLIP[:1000])
    stub.on("GET", "/o.mp4", FileServer())

    size = await downloads.download(f"{stub.url}/o.mp4", target)

    assert size == len(CLIP)
    assert content(target) == CLIP
    assert ranges_of(stub.asked) == ["bytes=1000-"]


async def test_a_server_that_gives_less_than_the_rest_is_asked_for_more(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    async def piece(request: web.Request) -> web.StreamResponse:
        start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        body = CLIP[start : start + 600_000]
        span = f"bytes {start}-{start + len(body) - 1}/{len(CLIP)}"
        return web.Response(status=206, body=body, headers={"Content-Range": span})

    put(target, CLIP[:1000])
    stub.on("GET", "/o.mp4", piece)

    assert await downloads.download(f"{stub.url}/o.mp4", target) == len(CLIP)
    assert content(target) == CLIP
    assert len(stub.asked) == 4


async def test_a_file_that_is_already_complete_is_not_fetched_again(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    put(target, CLIP)
    stub.on("GET", "/o.mp4", FileServer())

    assert await downloads.download(f"{stub.url}/o.mp4", target) == len(CLIP)
    assert len(stub.asked) == 1


async def test_a_partial_file_of_another_address_is_thrown_away(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    gone = web.Response(status=404)
    stub.on("GET", "/other.mp4", FileServer(500_000), gone)
    stub.on("GET", "/o.mp4", FileServer())
    with pytest.raises(FetchInterrupted):
        await downloads.download(f"{stub.url}/other.mp4", target)

    await downloads.download(f"{stub.url}/o.mp4", target)

    assert content(target) == CLIP
    assert ranges_of(stub.asked)[-1] is None


async def test_a_partial_file_that_is_too_long_is_fetched_anew(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    put(target, CLIP + b"more")
    stub.on("GET", "/o.mp4", FileServer())

    assert await downloads.download(f"{stub.url}/o.mp4", target) == len(CLIP)
    assert content(target) == CLIP


async def test_a_transfer_that_breaks_for_good_leaves_what_it_got(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    stub.on("GET", "/o.mp4", FileServer(500_000), web.Response(status=503))

    with pytest.raises(FetchInterrupted) as caught:
        await downloads.download(f"{stub.url}/o.mp4", target)

    assert caught.value.status == 503
    kept = content(target)
    assert kept is not None
    assert 0 < len(kept) <= 500_000
    assert CLIP.startswith(kept)


@pytest.mark.parametrize("status", [403, 404, 410, 429])
async def test_a_refusal_is_told_at_once(downloads: Downloads, stub: Stub, target: Path, status: int) -> None:
    stub.on("GET", "/o.mp4", web.Response(status=status))

    with pytest.raises(FetchInterrupted) as caught:
        await downloads.download(f"{stub.url}/o.mp4", target)

    assert caught.value.status == status
    assert len(stub.asked) == 1


async def test_a_server_s_bad_moment_is_waited_out(downloads: Downloads, stub: Stub, target: Path) -> None:
    stub.on("GET", "/o.mp4", web.Response(status=503), web.Response(status=502), FileServer())

    assert await downloads.download(f"{stub.url}/o.mp4", target) == len(CLIP)


async def test_an_empty_result_is_none(downloads: Downloads, stub: Stub, target: Path) -> None:
    stub.on("GET", "/o.mp4", web.Response(status=200))

    with pytest.raises(FetchInterrupted):
        await downloads.download(f"{stub.url}/o.mp4", target)


async def test_a_stalled_transfer_is_given_up(downloads: Downloads, stub: Stub, target: Path) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await asyncio.sleep(3600)
        return response

    stub.on("GET", "/o.mp4", stall)

    with pytest.raises(FetchInterrupted):
        await downloads.download(f"{stub.url}/o.mp4", target)


@pytest.mark.parametrize("stated", [True, False])
async def test_a_result_above_the_cap_is_refused(
    downloads: Downloads, stub: Stub, target: Path, stated: bool
) -> None:
    server = FileServer(length=stated)
    server.body = b"x" * 3_000_001
    stub.on("GET", "/o.mp4", server)

    with pytest.raises(FetchTooLarge):
        await downloads.download(f"{stub.url}/o.mp4", target)

    assert len(stub.asked) == 1


async def test_a_compressed_result_is_refused(downloads: Downloads, stub: Stub, target: Path) -> None:
    stub.on(
        "GET", "/o.mp4", web.Response(status=200, body=b"x", headers={"Content-Encoding": "zstd-but-odd"})
    )

    with pytest.raises(FetchInterrupted):
        await downloads.download(f"{stub.url}/o.mp4", target)

    assert stub.asked[0].headers["Accept-Encoding"] == "identity"


# ── redirects ───────────────────────────────────────────────────────────────────────────────────


def away(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})


async def test_a_redirect_on_the_same_host_is_followed_with_the_range(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    put(target, CLIP[:1000])
    stub.on("GET", "/o.mp4", away("/moved/o.mp4"))
    stub.on("GET", "/moved/o.mp4", FileServer())

    await downloads.download(f"{stub.url}/o.mp4", target)

    assert content(target) == CLIP
    assert ranges_of(stub.asked) == ["bytes=1000-", "bytes=1000-"]


async def test_redirects_are_followed_three_times_and_no_further(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    for number in range(4):
        stub.on("GET", f"/{number}", away(f"/{number + 1}"))
    stub.on("GET", "/4", FileServer())

    with pytest.raises(FetchForbidden):
        await downloads.download(f"{stub.url}/0", target)
    assert await downloads.download(f"{stub.url}/1", target) == len(CLIP)

    assert [asked.path for asked in stub.asked] == ["/0", "/1", "/2", "/3", "/1", "/2", "/3", "/4"]


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example.org/o.mp4",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/o.mp4",
        "http://cdn.muvi.video/o.mp4",
        "file:///etc/passwd",
        "https://[::1",
        "javascript:alert(1)",
    ],
)
async def test_a_redirect_to_a_forbidden_place_is_refused(
    downloads: Downloads, stub: Stub, target: Path, location: str
) -> None:
    stub.on("GET", "/o.mp4", away(location))

    with pytest.raises(FetchForbidden):
        await downloads.download(f"{stub.url}/o.mp4", target)

    assert len(stub.asked) == 1
    assert content(target) is None


async def test_a_redirect_to_another_service_on_the_api_s_own_machine_is_refused(
    downloads: Downloads, stub: Stub, target: Path
) -> None:
    async with stub_server() as neighbour:
        neighbour.on("GET", "/secret", FileServer())
        stub.on("GET", "/o.mp4", away(f"{neighbour.url}/secret"))

        with pytest.raises(FetchForbidden):
            await downloads.download(f"{stub.url}/o.mp4", target)

        assert neighbour.asked == []


async def test_a_redirect_without_a_target_is_refused(downloads: Downloads, stub: Stub, target: Path) -> None:
    stub.on("GET", "/o.mp4", web.Response(status=302))

    with pytest.raises(FetchForbidden):
        await downloads.download(f"{stub.url}/o.mp4", target)


@pytest.mark.parametrize(
    "url",
    ["https://evil.example.org/o.mp4", "http://cdn.muvi.video/o.mp4", "file:///etc/passwd", "", "o.mp4"],
)
async def test_an_address_on_no_allowed_host_is_refused(downloads: Downloads, target: Path, url: str) -> None:
    with pytest.raises(FetchForbidden):
        await downloads.download(url, target)


def _changed(server: FileServer) -> FileServer:
    """The same server with another file of another tag."""
    changed = FileServer(etag='"v2"')
    changed.body = server.body[::-1]
    return changed
