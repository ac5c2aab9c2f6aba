"""The routes by which a clip is watched outside of Discord: its page, its poster and its file."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

import structlog
from aiohttp import web

from providers.ranges import CannotSatisfy, Span, read_range
from providers.watch_page import CSP, absence_page, clip_page, title_of
from studio.languages.spoken import speak
from studio.languages.tongues import of_browser
from studio.links import FILES_PATH, WATCH_PATH
from studio.moderation.findings import is_covered
from studio.posters import NoPoster
from studio.showing import Exhibit, NotShown, Reel, Showing

log = structlog.get_logger(__name__)

MOST_STREAMS = 24
MOST_STREAMS_A_CLIP = 8
"""Enough for a busy thread; what comes on top is asked to come again."""

PIECE_BYTES = 512 * 1024
SLICE_BYTES = 64 * 1024
STALL_SECONDS = 30.0
"""How long a player may take nothing: one that is paused asks for the rest when it goes on."""

BUSY_SECONDS = 5

_ENDINGS = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "image/gif": ".gif",
    "image/webp": ".webp",
}
_TOKEN = r"{token:[0-9a-zA-Z_.-]{1,80}}"  # noqa: S105 - a pattern
_STATUS = {NotShown.UNKNOWN: 404, NotShown.EXPIRED: 410, NotShown.REMOVED: 410, NotShown.AWAY: 503}
_WITHOUT_POSTER = {NoPoster.NONE: 404, NoPoster.GONE: 410, NoPoster.LATER: 503}
_COMMON = {
    # What was removed must be gone at once, so every use is asked for; the ETag makes that cheap.
    "Cache-Control": "private, no-cache, no-transform",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


def is_absence(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer is this server's to a link that is none, and not that of a proxy before it."""
    return status == 404 and headers.get("X-Robots-Tag") == _COMMON["X-Robots-Tag"]


def add_watching(app: web.Application, showing: Showing, *, trial: bool) -> None:
    """Serve the clips to whoever has their links; `trial`: they come from the sandbox."""
    screens = _Screens(showing, trial=trial)
    app.router.add_get(WATCH_PATH + _TOKEN, screens.page)
    app.router.add_get(FILES_PATH + _TOKEN + "/clip.mp4", screens.clip)
    app.router.add_get(FILES_PATH + _TOKEN + "/original", screens.original)
    app.router.add_get(FILES_PATH + _TOKEN + "/poster.jpg", screens.poster)
    app.on_shutdown.append(screens.close)


class _Screens:
    """Answers the requests; knows how many streams are running."""

    def __init__(self, showing: Showing, *, trial: bool) -> None:
        self._showing = showing
        self._trial = trial
        self._streams: Counter[str] = Counter()
        self._streaming: set[asyncio.Task[object]] = set()

    async def page(self, request: web.Request) -> web.Response:
        speak(of_browser(request.headers.get("Accept-Language", "")))
        token = request.match_info["token"]
        found = await self._showing.find(token)
        if isinstance(found, NotShown):
            return _answer_page(absence_page(found), _STATUS[found])
        links = self._showing.links
        return _answer_page(clip_page(found, token, links.public_url, trial=self._trial), 200)

    async def poster(self, request: web.Request) -> web.Response:
        found = await self._showing.find(request.match_info["token"])
        if isinstance(found, NotShown):
            return _nothing(_STATUS[found])
        if is_covered(found.job):
            return _nothing(404)
        headers = {**_COMMON, "ETag": f'"{found.job.id}-poster"'}
        if _is_known(request, headers["ETag"]):
            return web.Response(status=304, headers=headers)
        body = await self._showing.posters.of(found.job.id, found.clip)
        if isinstance(body, NoPoster):
            return _nothing(_WITHOUT_POSTER[body])
        return web.Response(body=body, content_type="image/jpeg", headers=headers)

    async def clip(self, request: web.Request) -> web.StreamResponse:
        found = await self._showing.find(request.match_info["token"])
        if isinstance(found, NotShown):
            return _nothing(_STATUS[found])
        return await self._serve(request, found, found.playable, placed="inline")

    async def original(self, request: web.Request) -> web.StreamResponse:
        found = await self._showing.find(request.match_info["token"])
        if isinstance(found, NotShown):
            return _nothing(_STATUS[found])
        return await self._serve(request, found, found.original, placed="attachment")

    async def close(self, _app: web.Application) -> None:
        """A bot that ends does not wait for whoever is watching: players come back by themselves."""
        for task in self._streaming:
            task.cancel()
        await self._showing.posters.close()

    async def _serve(
        self, request: web.Request, exhibit: Exhibit, reel: Reel, *, placed: str
    ) -> web.StreamResponse:
        """`placed`: played in place (inline), or saved (attachment)."""
        headers = {
            **_COMMON,
            "ETag": f'"{exhibit.job.id}-{reel.mark}-{reel.size}"',
            "Accept-Ranges": "bytes",
            "Content-Disposition": f"{placed}; {_names_of(exhibit, reel)}",
            "Content-Type": reel.content_type,
        }
        if _is_known(request, headers["ETag"]):
            return web.Response(status=304, headers=headers)
        try:
            span = _span_of(request, reel.size, headers["ETag"])
        except CannotSatisfy:
            headers["Content-Range"] = f"bytes */{reel.size}"
            return web.Response(status=416, headers=headers)
        response = web.StreamResponse(status=200 if span is None else 206, headers=headers)
        if span is not None:
            response.headers["Content-Range"] = span.of(reel.size)
        return await self._send(request, response, (exhibit.job.id, reel), span or Span(0, reel.size))

    async def _send(
        self, request: web.Request, response: web.StreamResponse, what: tuple[str, Reel], span: Span
    ) -> web.StreamResponse:
        job_id, reel = what
        response.content_length = span.length
        with self._stream(job_id) as may:
            if not may:
                return _nothing(503)
            try:
                # Before the head of the answer goes out: what is missing can still be told.
                piece = await self._read(reel, span, span.start)
            except OSError as error:
                return _missing(error)
            try:
                await response.prepare(request)
                if request.method == "HEAD":
                    return response
                at = span.start
                while piece:
                    await _write(response, piece)
                    at += len(piece)
                    piece = await self._read(reel, span, at) if at < span.stop else b""
                await response.write_eof()
            except OSError as error:
                # Half an answer must not look like a whole one.
                log.info("stream_ended", job_id=job_id, error=type(error).__name__)
                if request.transport is not None:
                    request.transport.abort()
        return response

    async def _read(self, reel: Reel, span: Span, at: int) -> bytes:
        stop = min(span.stop, at + PIECE_BYTES)
        return await self._showing.storage.read(reel.key, at, stop)

    @contextmanager
    def _stream(self, job_id: str) -> Iterator[bool]:
        if self._streams.total() >= MOST_STREAMS or self._streams[job_id] >= MOST_STREAMS_A_CLIP:
            yield False
            return
        task = asyncio.current_task()
        assert task is not None
        self._streams[job_id] += 1
        self._streaming.add(task)
        try:
            yield True
        finally:
            self._streaming.discard(task)
            self._streams[job_id] -= 1
            if not self._streams[job_id]:
                del self._streams[job_id]


async def _write(response: web.StreamResponse, piece: bytes) -> None:
    """Raises TimeoutError when the other side takes nothing for too long."""
    for start in range(0, len(piece), SLICE_BYTES):
        async with asyncio.timeout(STALL_SECONDS):
            await response.write(piece[start : start + SLICE_BYTES])


def _span_of(request: web.Request, size: int, etag: str) -> Span | None:
    if request.headers.get("If-Range", etag) != etag:
        return None
    return read_range(request.headers.get("Range"), size)


def _is_known(request: web.Request, etag: str) -> bool:
    known = request.headers.get("If-None-Match", "")
    return known.strip() == "*" or etag in (one.strip().removeprefix("W/") for one in known.split(","))


def _names_of(exhibit: Exhibit, reel: Reel) -> str:
    """Saved under a name that says what it is."""
    ending = _ENDINGS.get(reel.content_type, "")
    words = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', " ", title_of(exhibit.job)).split()
    name = " ".join(words).strip(".") or "clip"
    plain = f"clip-{exhibit.job.id}{ending}"
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name[:80] + ending, safe='')}"


def _answer_page(html: str, status: int) -> web.Response:
    headers = {**_COMMON, "Content-Security-Policy": CSP}
    return web.Response(text=html, content_type="text/html", status=status, headers=headers)


def _missing(error: OSError) -> web.Response:
    """The file was deleted a moment ago; or the storage is away."""
    if not isinstance(error, FileNotFoundError):
        log.warning("watching_without_storage", error=str(error))
    return _nothing(410 if isinstance(error, FileNotFoundError) else 503)


def _nothing(status: int) -> web.Response:
    later = {"Retry-After": str(BUSY_SECONDS)} if status == 503 else {}
    return web.Response(status=status, headers={**_COMMON, **later})
