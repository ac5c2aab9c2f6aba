"""The examination: every check in order, the table, and the exit code."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from prometheus_client import CollectorRegistry

from doctor.check import Check, table
from doctor.discord_side import check_discord
from doctor.local import check_codecs, check_database, check_storage
from doctor.provider_side import check_key, check_model, check_way_back
from providers.addresses import guarded_session
from providers.pixelbyte import PixelByte, provider_hosts
from providers.server import build_app, serve
from studio.database import Database
from studio.ports import Clock
from studio.settings import Settings
from studio.storage import open_storage


async def visit(settings: Settings, *, clock: Clock) -> int:
    """Examine, print the table, and return the exit code: 1 when anything is wrong."""
    hosts = provider_hosts(settings.pixelbyte_api_url, settings.pixelbyte_output_hosts)
    async with guarded_session(hosts) as session:
        provider = PixelByte(
            session=session,
            base_url=settings.pixelbyte_api_url,
            key=settings.pixelbyte_api_key,
            output_hosts=settings.pixelbyte_output_hosts,
            clock=clock,
        )
        shown, well = await examine(settings, provider=provider, clock=clock)
    print(shown)  # noqa: T201 - the table is what the command is for
    return 0 if well else 1


async def examine(settings: Settings, *, provider: PixelByte, clock: Clock) -> tuple[str, bool]:
    """Make every check; return the table, and whether all is well."""
    checks = await check_discord(settings.discord_token)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        checks.append(await check_database(database))
        checks.append(await check_storage(open_storage(settings.storage_url)))
        checks.append(check_codecs())
        if settings.provider == "sandbox":
            checks.append(Check("Provider", True, "sandbox: trial clips on this machine, nothing is charged"))
        else:
            checks.append(await check_key(provider))
            checks.append(await check_model(session, settings))
        async with _own_server(settings, clock):
            checks.append(await check_way_back(session, settings))
    return table(checks), all(check.well for check in checks)


@asynccontextmanager
async def _own_server(settings: Settings, clock: Clock) -> AsyncIterator[None]:
    """Answer on our port, unless the running bot already does."""
    if settings.public_url is None:
        yield
        return

    async def ring(_token: str, _provider_job_id: str | None) -> None:
        """A webhook that comes during the examination is for the bot's poller to find."""

    app = build_app(
        ring=ring,
        secret=settings.pixelbyte_webhook_secret,
        checks={},
        registry=CollectorRegistry(),
        clock=clock,
    )
    async with AsyncExitStack() as stack:
        # A port that is taken is taken by the running bot, as the check of the way back will show.
        with contextlib.suppress(OSError):
            await stack.enter_async_context(serve(app, settings.http_host, settings.http_port))
        yield
