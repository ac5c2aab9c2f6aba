"""The bot's own web server: the provider's webhooks, and what whoever runs the bot looks at."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from providers.envelope import as_object, decode, unwrap
from providers.readers import read_job_id
from providers.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, Verdict, check
from studio.ports import Clock

log = structlog.get_logger(__name__)

WEBHOOK_PATH = "/webhooks/pixelbyte/"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
MOST_WEBHOOK_BYTES = 64 * 1024
BODY_SECONDS = 10.0
CHECK_SECONDS = 5.0
FAREWELL_SECONDS = 5.0

Ring = Callable[[str, str | None], Awaitable[None]]
"""Called with the attempt's token and the job id that the webhook names; both are still to be checked."""

ReadyCheck = Callable[[], Awaitable[bool]]
"""Whether one part of the bot is ready; an exception counts as no."""


def build_app(
    *,
    ring: Ring,
    secret: str,
    checks: Mapping[str, ReadyCheck],
    registry: CollectorRegistry,
    clock: Clock,
    watching: Callable[[web.Application], None] | None = None,
) -> web.Application:
    """Build the app. Without a `secret` every webhook is refused.

    `ring` is called in the background, once for each authentic webhook, duplicates included. `watching` adds
    the routes for clips that are watched in a browser.
    """
    app = web.Application(client_max_size=MOST_WEBHOOK_BYTES)
    doorbell = _Doorbell(ring=ring, secret=secret, clock=clock)
    # Whatever stands there: an authentic webhook that is not answered by 2xx is only sent again.
    app.router.add_post(WEBHOOK_PATH + r"{token:.*}", doorbell.answer)
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", _readiness(checks))
    app.router.add_get("/metrics", _metrics(registry))
    app.on_cleanup.append(doorbell.close)
    if watching is not None:
        watching(app)
    return app


@asynccontextmanager
async def serve(app: web.Application, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Serve the app while the context lasts and give the address that it is bound to; port 0 = any.

    Raises OSError when the address cannot be had.
    """
    # No access log: the paths carry the attempts' tokens. No decompression: signatures are over raw bytes.
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=FAREWELL_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0]
        yield str(bound[0]), int(bound[1])
    finally:
        await runner.cleanup()


class _Doorbell:
    """Lets authentic webhooks in, answers at once and works afterwards."""

    def __init__(self, *, ring: Ring, secret: str, clock: Clock) -> None:
        self._ring = ring
        self._secret = secret
        self._clock = clock
        # The event loop itself keeps only weak references to tasks.
        self._ringing: set[asyncio.Task[None]] = set()

    async def answer(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        except (web.RequestPayloadError, ConnectionError):
            return web.Response(status=400)
        verdict = check(
            body,
            timestamp=request.headers.get(TIMESTAMP_HEADER),
            signature=request.headers.get(SIGNATURE_HEADER),
            secret=self._secret,
            now=self._clock(),
        )
        if verdict is Verdict.REFUSED:
            log.warning("webhook_refused", size=len(body), remote=request.remote)
            return web.Response(status=401)
        job_id = read_job_id(unwrap(as_object(decode(body)[1])))
        token = request.match_info["token"]
        if _TOKEN.fullmatch(token) is None:
            log.info("webhook_without_attempt", verdict=verdict, provider_job_id=job_id)
            return web.Response(status=204)
        log.info("webhook_taken", verdict=verdict, provider_job_id=job_id)
        self._start(token, job_id)
        return web.Response(status=204)

    def _start(self, token: str, job_id: str | None) -> None:
        task = asyncio.ensure_future(self._run(token, job_id))
        self._ringing.add(task)
        task.add_done_callback(self._finished)

    async def _run(self, token: str, job_id: str | None) -> None:
        await self._ring(token, job_id)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._ringing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("webhook_failed", exc_info=error)

    async def close(self, _app: web.Application) -> None:
        """Let what is ringing finish for a moment; the poller sees to the rest."""
        if not self._ringing:
            return
        _, late = await asyncio.wait(self._ringing, timeout=FAREWELL_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _readiness(checks: Mapping[str, ReadyCheck]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        results = await asyncio.gather(
            *(asyncio.wait_for(ready(), CHECK_SECONDS) for ready in checks.values()), return_exceptions=True
        )
        named = dict(zip(checks, results, strict=True))
        for name, result in named.items():
            if isinstance(result, BaseException):
                log.warning("readiness_check_failed", check=name, error=type(result).__name__)
        states = {name: result is True for name, result in named.items()}
        ready = all(states.values())
        return web.json_response({"ready": ready, "checks": states}, status=200 if ready else 503)

    return answer


def _metrics(registry: CollectorRegistry) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer
