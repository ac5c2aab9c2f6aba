"""The doctor's own server on the bot's port, which hears whether what is sent to PUBLIC_URL arrives there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CollectorRegistry

from providers.server import build_app, serve
from studio.links import FILES_PATH, WATCH_PATH
from studio.ports import Clock
from studio.settings import Settings


@dataclass(slots=True)
class Ear:
    """`open`: it listens, because no bot has the port. `heard`: webhooks' tokens and asked paths."""

    open: bool = False
    heard: set[str] = field(default_factory=set)

    async def ring(self, token: str, _provider_job_id: str | None) -> None:
        # A real webhook that comes meanwhile is not lost: the bot's poller asks for every job.
        self.heard.add(token)

    def watching(self, app: web.Application) -> None:
        for path in (WATCH_PATH, FILES_PATH):
            app.router.add_get(path + "{rest:.+}", self._asked)

    async def _asked(self, request: web.Request) -> web.Response:
        self.heard.add(request.path)
        return web.Response(status=404)


@asynccontextmanager
async def listening(settings: Settings, clock: Clock) -> AsyncIterator[Ear]:
    """Listen while the context lasts, unless somebody does already."""
    ear = Ear()
    app = build_app(
        ring=ear.ring,
        secret=settings.pixelbyte_webhook_secret,
        checks={},
        registry=CollectorRegistry(),
        clock=clock,
        watching=ear.watching,
    )
    async with AsyncExitStack() as stack:
        # A port that is taken is most likely taken by the running bot; the answer will show.
        with contextlib.suppress(OSError):
            await stack.enter_async_context(serve(app, settings.http_host, settings.http_port))
            ear.open = True
        yield ear
