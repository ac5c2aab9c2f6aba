"""The sandbox as a whole: its parts put together, its server on loopback opened and closed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from providers.sandbox import catalogue
from providers.sandbox.account import Account
from providers.sandbox.answers import Refusal
from providers.sandbox.faults import Faults
from providers.sandbox.files_api import FilesApi
from providers.sandbox.gate import Entrance, Gate, Seen, Visit
from providers.sandbox.intake import Intake
from providers.sandbox.jobs_api import JobsApi
from providers.sandbox.life import Life
from providers.sandbox.parts import Parts, Terms, webhook_payload
from providers.sandbox.records import JobRecord, Shelf, UploadRecord
from providers.sandbox.renders import Renders
from providers.sandbox.tidy import tidy_files, tidy_records
from providers.sandbox.webhooks import DEADLINE_SECONDS, DELAYS, Line, Rung, Webhooks
from studio.ports import Clock

_TIDY_EVERY_SECONDS = 600.0


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is seldom changed.

    `port` 0 takes a free one. `pending_seconds` is how long a job can be cancelled, by default a quarter of
    the whole. More than `most_jobs` unfinished ones are answered 429. `webhook_delays` precede the retries of
    webhooks that nobody took within `webhook_seconds`. A page of the list has at most `most_per_page` jobs.
    `renders` may be shared between sandboxes, so that the same inputs are drawn once for all of them.
    """

    host: str = "127.0.0.1"
    port: int = 0
    pending_seconds: float | None = None
    usd_micros_per_second: int = 50_000
    most_jobs: int | None = None
    webhook_delays: tuple[float, ...] = DELAYS
    webhook_seconds: float = DEADLINE_SECONDS
    most_per_page: int = 100
    renders: Path | None = None


class Sandbox:
    """An offline PixelByte. `async with` it, then point the client at `api_url`.

    A job takes `seconds` from submit to completion, longer when drawing does. Everything is kept in `folder`:
    a sandbox opened there later, on whatever port, knows the jobs and finishes those that were under way.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: str = "pb_sandbox",
        webhook_secret: str = "whsec_sandbox",  # noqa: S107 - guards nothing but this machine's own tests
        seconds: float = 8.0,
        clock: Clock = system_clock,
        options: Options | None = None,
    ) -> None:
        self._folder = folder
        self._options = options or Options()
        self._webhook_secret = webhook_secret
        self._seconds = seconds
        self._clock = clock
        self._origin = ""
        self._exit = AsyncExitStack()
        self.faults = Faults()
        self._gate = Gate(key=key, faults=self.faults)
        self._parts: Parts | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=20, force_close=True))
            )
            parts = self._parts = self._assembled(session)
            stack.push_async_callback(parts.webhooks.close)
            stack.push_async_callback(parts.life.close)
            await self._listen(stack)
            tidying = asyncio.create_task(self._keep_tidy())
            stack.callback(tidying.cancel)
            parts.webhooks.resume()
            parts.life.resume()
            self._exit = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._origin

    @property
    def api_url(self) -> str:
        return f"{self._origin}/v1"

    @property
    def key(self) -> str:
        """The one valid key; setting it makes the one before invalid."""
        return self._gate.key

    @key.setter
    def key(self, key: str) -> None:
        self._gate.key = key

    @property
    def account(self) -> Account:
        return self._opened.account

    @property
    def jobs(self) -> list[JobRecord]:
        """Every job, newest first, as the clock has it now."""
        self._opened.life.advance()
        return self._opened.jobs.newest_first()

    def seen(self, on: str = "") -> list[Seen]:
        """The requests that came in at one endpoint (by its name in `Fault.on`), or all."""
        return [seen for seen in self._gate.seen if not on or seen.on == on]

    @property
    def rung(self) -> list[Rung]:
        """Every try to deliver a webhook since the sandbox was opened, in order."""
        return list(self._opened.webhooks.rung)

    def end_from_outside(self, job_id: str, status: str = "cancelled") -> None:
        """End a job as somebody at the provider's dashboard would."""
        job = self._opened.jobs.get(job_id)
        if job is None:
            raise KeyError(job_id)
        self._opened.life.end(job, status)

    def release(self, job_id: str) -> None:
        """Let a stuck job go on."""
        job = self._opened.jobs.get(job_id)
        if job is None:
            raise KeyError(job_id)
        self._opened.jobs.put(replace(job, stuck=""))

    @property
    def _opened(self) -> Parts:
        if self._parts is None:
            raise RuntimeError("the sandbox is not open: use `async with`")
        return self._parts

    def _assembled(self, session: aiohttp.ClientSession) -> Parts:
        folder, options = self._folder, self._options
        jobs, uploads = Shelf(folder / "jobs", JobRecord), Shelf(folder / "uploads", UploadRecord)
        renders = Renders(options.renders or folder / "renders")
        intake = Intake(folder / "contents", session, renders)
        line = Line(
            session=session,
            secret=self._webhook_secret,
            delays=options.webhook_delays,
            deadline=options.webhook_seconds,
            clock=self._clock,
        )
        webhooks = Webhooks(line, jobs, self.faults, lambda job: webhook_payload(job, self._origin))
        pending = self._seconds / 4 if options.pending_seconds is None else options.pending_seconds
        return Parts(
            folder=folder,
            clock=self._clock,
            terms=Terms(
                seconds=self._seconds,
                pending_seconds=pending,
                usd_micros_per_second=options.usd_micros_per_second,
                most_jobs=options.most_jobs,
                most_per_page=options.most_per_page,
            ),
            faults=self.faults,
            account=Account(jobs),
            jobs=jobs,
            uploads=uploads,
            intake=intake,
            renders=renders,
            life=Life(jobs, intake, renders, clock=self._clock, on_end=webhooks.ring),
            webhooks=webhooks,
            origin=lambda: self._origin,
        )

    async def _listen(self, stack: AsyncExitStack) -> None:
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        # Runs first: those who are kept waiting for ever must not hold up the runner.
        stack.callback(self._gate.close)
        site = web.TCPSite(runner, self._options.host, self._options.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        self._origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _app(self) -> web.Application:
        app = web.Application()
        jobs, files = JobsApi(self._opened), FilesApi(self._opened)
        page = "/v1/catalog/models/" + catalogue.SLUG
        entrances = (
            ("POST", "/v1/jobs/submit", Entrance("submit", jobs.submit)),
            ("POST", "/v1/jobs/estimate", Entrance("estimate", jobs.estimate)),
            ("GET", "/v1/jobs", Entrance("list", jobs.list)),
            ("GET", "/v1/jobs/{id}", Entrance("status", jobs.status)),
            ("POST", "/v1/jobs/{id}/cancel", Entrance("cancel", jobs.cancel)),
            ("POST", "/v1/uploads/presign", Entrance("presign", files.presign, wrapped=True)),
            ("GET", "/v1/uploads/{id}", Entrance("upload", files.upload, wrapped=True)),
            ("GET", page, Entrance("catalogue", self._catalogue, wrapped=True, public=True)),
            ("PUT", "/temp/{id}", Entrance("put", files.put, public=True)),
            ("GET", "/temp/{id}/{name}", Entrance("file", files.file, public=True)),
            ("GET", "/output/{id}/output_0.mp4", Entrance("output", files.output, public=True)),
            ("GET", "/output/{id}/poster.jpg", Entrance("poster", files.output, public=True)),
            ("*", "/{tail:.*}", Entrance("elsewhere", _nowhere, public=True)),
        )
        for method, path, entrance in entrances:
            handler = self._gate.handler(entrance)
            app.router.add_route(method, path, handler)
            if method == "GET":
                app.router.add_route("HEAD", path, handler)
        return app

    async def _catalogue(self, _: Visit) -> dict[str, object]:
        return catalogue.entry(self._options.usd_micros_per_second)

    async def _keep_tidy(self) -> None:
        while True:
            parts = self._opened
            tidy_records(parts.jobs, parts.uploads, self._clock())
            busy = {name for job in parts.jobs if not job.finished for name in (job.image, job.video) if name}
            clips = {job.clip_key for job in parts.jobs if not job.finished and job.clip_key}
            for name in ("uploads", "contents", "renders"):
                if (self._folder / name).is_dir():
                    await asyncio.to_thread(tidy_files, self._folder / name, busy | clips)
            await asyncio.sleep(_TIDY_EVERY_SECONDS)


async def _nowhere(_: Visit) -> dict[str, object]:
    raise Refusal("NOT_FOUND", "There is nothing at this address.")
