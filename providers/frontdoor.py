"""The bot's own address: opens the web server by the settings, and says where webhooks find it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from providers.server import WEBHOOK_PATH, ReadyCheck, build_app, serve
from studio.ports import Clock
from studio.settings import Settings, SettingsError


class Bell:
    """The doorbell's wire: the server is opened before what it rings for."""

    ring: Callable[[str, str | None], Awaitable[None]] | None = None

    async def __call__(self, token: str, provider_job_id: str | None) -> None:
        if self.ring is not None:
            await self.ring(token, provider_job_id)


def webhook_address(settings: Settings, bound: tuple[str, int]) -> Callable[[str], str] | None:
    """How the provider's webhook address is made from an attempt's token; None = there is no way to us."""
    public_url = settings.public_url
    if public_url is None and settings.provider == "sandbox":
        public_url = f"http://127.0.0.1:{bound[1]}"
    return None if public_url is None else lambda token: f"{public_url}{WEBHOOK_PATH}{token}"


@asynccontextmanager
async def open_front_door(
    settings: Settings,
    checks: Mapping[str, ReadyCheck],
    bell: Bell,
    *,
    clock: Clock,
    watching: Callable[[web.Application], None] | None = None,
) -> AsyncIterator[tuple[str, int]]:
    """Serve while the context lasts; gives host and port. Raises `SettingsError` when they cannot be used.

    `watching` adds the routes for clips that are watched in a browser.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    app = build_app(
        ring=bell,
        secret=settings.pixelbyte_webhook_secret,
        checks=checks,
        registry=registry,
        clock=clock,
        watching=watching,
    )
    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(serve(app, settings.http_host, settings.http_port))
        except OSError as error:
            where = f"{settings.http_host}:{settings.http_port}"
            problem = f"HTTP_HOST and HTTP_PORT: {where} cannot be used ({error.strerror})."
            raise SettingsError([problem]) from error
        yield address
