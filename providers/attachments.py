"""Fetching what members attach, from Discord's hosts and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import stamina
from yarl import URL

from providers.addresses import HostRule, HostRules, is_private_refusal, parse, public_hosts, require_guard
from providers.transfers import PLAIN, Manner, pour
from studio.errors import FetchFailed, FetchForbidden, FetchInterrupted, FetchTooLarge
from studio.models import SourceFile

DISCORD_HOSTS = (
    "cdn.discordapp.com",
    "media.discordapp.net",
    "images-ext-1.discordapp.net",
    "images-ext-2.discordapp.net",
)
"""Where Discord serves attachments, and its own copies of what embeds show (`discord.md`)."""

TRIES = 3
TOTAL_SECONDS = 600.0
STALL_SECONDS = 30.0


def attachment_hosts(extra_hosts: Iterable[str] = ()) -> HostRules:
    """Discord's own hosts, and extra ones (without port) that are trusted on any port, also by plain http."""
    extra = tuple(HostRule(name=host.lower(), trusted=True, plain_http=True) for host in extra_hosts)
    return public_hosts(*DISCORD_HOSTS) | HostRules(extra)


class AttachmentFetcher:
    """The studio's `AttachmentSource`.

    `session` comes from `guarded_session(attachment_hosts(…), …)`. `extra_hosts` are those of
    DISCORD_API_URL, or of the demo's simulated Discord.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        extra_hosts: Iterable[str] = (),
        stall_seconds: float = STALL_SECONDS,
        first_pause: float = 0.5,
    ) -> None:
        self._session = require_guard(session)
        self._hosts = attachment_hosts(extra_hosts)
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=stall_seconds)
        self._first_pause = first_pause

    async def fetch(self, source: SourceFile, target: Path, *, max_bytes: int) -> int:
        """Stream the file to `target` and return its bytes; tries again where that may help.

        Raises `FetchForbidden`, `FetchTooLarge`, `FetchFailed` with the code `attachment_gone` once Discord
        has no such file, and `FetchInterrupted` for everything that may pass.
        """
        address = parse(source.url)
        self._hosts.check(address)
        if source.size > max_bytes:
            raise FetchTooLarge(limit=max_bytes, size=source.size)
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._persist(address, target, max_bytes)
        except TimeoutError as error:
            raise FetchInterrupted from error

    async def _persist(self, address: URL, target: Path, max_bytes: int) -> int:
        async for attempt in stamina.retry_context(
            on=FetchInterrupted,
            attempts=TRIES,
            timeout=None,
            wait_initial=self._first_pause,
            wait_max=5,
            wait_jitter=self._first_pause,
        ):
            with attempt:
                size = await self._once(address, target, max_bytes)
        return size

    async def _once(self, address: URL, target: Path, max_bytes: int) -> int:
        try:
            async with self._session.get(
                address, headers=PLAIN, allow_redirects=False, timeout=self._timeout
            ) as response:
                _check(response, max_bytes)
                stated = response.content_length
                manner = Manner(is_whole=lambda size: stated in (None, size))
                return await pour(response, target, start=0, most_bytes=max_bytes, manner=manner)
        except (aiohttp.ClientError, TimeoutError) as error:
            if is_private_refusal(error):
                raise FetchForbidden(host=address.host or "") from error
            raise FetchInterrupted from error


def _check(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    status = response.status
    if 300 <= status < 400:
        raise FetchForbidden(host=response.url.host or "")
    if status in (403, 404, 410):
        # Discord's signed links answer so once they are expired or the message is deleted.
        raise FetchFailed("attachment_gone")
    if status != 200:
        raise FetchInterrupted(status=status)
    if response.content_length is not None and response.content_length > max_bytes:
        raise FetchTooLarge(limit=max_bytes, size=response.content_length)
