"""Fetching finished results: from allowed hosts only, without the key, resuming what broke off."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import structlog
from yarl import URL

from providers.addresses import HostRules, is_private_refusal, parse, require_guard
from providers.transfers import PLAIN, Manner, pour, size_of
from studio.errors import FetchForbidden, FetchInterrupted, FetchTooLarge

log = structlog.get_logger(__name__)

MOST_BYTES = 1024**3
MOST_REDIRECTS = 3
FRUITLESS_TRIES = 3
MOST_TRIES = 50
TOTAL_SECONDS = 1800.0
STALL_SECONDS = 30.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18}|\*)", re.ASCII)


class Downloads:
    """`hosts` are for the address that the API gave, `redirect_hosts` for where that leads to.

    A redirect is no word of the API's: to a private host it is followed only where the operator listed it.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        hosts: HostRules,
        redirect_hosts: HostRules,
        most_bytes: int = MOST_BYTES,
        stall_seconds: float = STALL_SECONDS,
        first_pause: float = 0.5,
    ) -> None:
        self._session = require_guard(session)
        self._hosts = hosts
        self._redirect_hosts = redirect_hosts
        self._most_bytes = most_bytes
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=stall_seconds)
        self._first_pause = first_pause

    async def download(self, url: str, target: Path) -> int:
        """Fetch `url` into `target`, resuming what is there, and return the size of the whole file.

        Tries again while bytes arrive, and a few times when none do. Raises `FetchForbidden`, `FetchTooLarge`
        or, with what arrived left in `target`, `FetchInterrupted`.
        """
        address = parse(url)
        self._hosts.check(address)
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._persist(address, target)
        except TimeoutError as error:
            raise FetchInterrupted from error

    async def _persist(self, address: URL, target: Path) -> int:
        fruitless = 0
        for _ in range(MOST_TRIES):
            before, mark = await asyncio.to_thread(_left_behind, target)
            try:
                return await self._once(address, target, before, mark)
            except FetchInterrupted as error:
                gained = await asyncio.to_thread(size_of, target) > before
                fruitless = 0 if gained else fruitless + 1
                log.warning(
                    "download_interrupted",
                    host=address.host,
                    path=address.path,
                    status=error.status,
                    gained=gained,
                )
                final = error.status is not None and 400 <= error.status < 500 and error.status != 416
                if final or fruitless >= FRUITLESS_TRIES:
                    raise
            await asyncio.sleep(self._first_pause * 2**fruitless)
        raise FetchInterrupted

    async def _once(self, address: URL, target: Path, start: int, mark: _Mark | None) -> int:
        if mark is not None and mark.place != _place(address):
            start, mark = 0, None
        headers = dict(PLAIN)
        if start:
            headers["Range"] = f"bytes={start}-"
            if mark is not None:
                headers["If-Range"] = mark.validator
        try:
            async with self._open(address, headers) as response:
                return await self._take(response, target, start, address)
        except (aiohttp.ClientError, TimeoutError) as error:
            if is_private_refusal(error):
                raise FetchForbidden(host=address.host or "") from error
            raise FetchInterrupted from error

    async def _take(self, response: aiohttp.ClientResponse, target: Path, start: int, address: URL) -> int:
        begins, total = _content_range(response)
        if response.status == 416:
            if total == start:
                return start
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise FetchInterrupted(status=416)
        if response.status == 206 and begins != start:
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise FetchInterrupted
        if response.status not in (200, 206):
            raise FetchInterrupted(status=response.status)
        if response.status == 200:
            start, total = 0, response.content_length
        if total is not None and total > self._most_bytes:
            raise FetchTooLarge(limit=self._most_bytes)
        manner = Manner(
            is_whole=lambda size: size > 0 and total in (None, size),
            first=partial(_Mark.write, target, _place(address), _validator(response)),
            last=partial(_Mark.write, target, "", None),
        )
        return await pour(response, target, start=start, most_bytes=self._most_bytes, manner=manner)

    @asynccontextmanager
    async def _open(self, address: URL, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(MOST_REDIRECTS + 1):
            async with self._session.get(
                address, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as response:
                if response.status not in _REDIRECTS:
                    yield response
                    return
                address = self._next(address, response)
        raise FetchForbidden(host=address.host or "")

    def _next(self, address: URL, response: aiohttp.ClientResponse) -> URL:
        try:
            following = parse(str(address.join(URL(response.headers.get("Location", "")))))
        except ValueError as error:
            raise FetchForbidden(host="") from error
        if address.scheme == "https" and following.scheme != "https":
            raise FetchForbidden(host=following.host or "")
        if following.origin() != address.origin():
            self._redirect_hosts.check(following)
        return following


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a partial file is a part of: kept beside it, so that two versions are never joined."""

    place: str
    validator: str

    @classmethod
    def read(cls, target: Path) -> _Mark | None:
        try:
            place, validator = json.loads(_mark_path(target).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return cls(str(place), str(validator))

    @staticmethod
    def write(target: Path, place: str, validator: str | None) -> None:
        """Keep the mark; without a validator there is none to keep."""
        if validator is None:
            _mark_path(target).unlink(missing_ok=True)
        else:
            _mark_path(target).write_text(json.dumps([place, validator]), encoding="utf-8")


def _left_behind(target: Path) -> tuple[int, _Mark | None]:
    """How much of the file an earlier try has fetched, and of what."""
    return size_of(target), _Mark.read(target)


def _mark_path(target: Path) -> Path:
    return target.with_name(target.name + ".mark")


def _place(address: URL) -> str:
    """The address without its query, which may be signed anew each time."""
    return f"{address.host}{address.path}"


def _validator(response: aiohttp.ClientResponse) -> str | None:
    """What If-Range takes: a strong ETag, else the date (RFC 9110, section 13.1.5)."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _content_range(response: aiohttp.ClientResponse) -> tuple[int | None, int | None]:
    """Where a partial body begins and how long the whole is, each None if it is not said."""
    match = _CONTENT_RANGE.match(response.headers.get("Content-Range", "").strip())
    if match is None:
        return None, None
    begins, total = match.groups()
    return int(begins) if begins else None, int(total) if total.isdigit() else None
