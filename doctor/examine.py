"""The examination: every check in order, the table, and the exit code."""

from __future__ import annotations

import logging

import aiohttp

from doctor.check import Check, table, terminal_width
from doctor.discord_side import check_discord
from doctor.local import check_codecs, check_database, check_storage
from doctor.provider_side import check_key, check_model
from doctor.way_back import check_way_back
from doctor.way_to_clips import check_way_to_clips
from providers.addresses import guarded_session
from providers.pixelbyte import PixelByte, provider_hosts
from studio.logs import without
from studio.ports import Clock
from studio.settings import Settings
from studio.texts import money


async def visit(settings: Settings, *, clock: Clock) -> int:
    """Examine, print the table, and return the exit code: 1 when anything is wrong."""
    logging.getLogger().setLevel(logging.ERROR)  # what the calls log on their way is in the table
    checks = await examine(settings, clock=clock)
    shown = without(settings.secrets, table(checks, width=terminal_width()))
    print(shown)  # noqa: T201 - the table is what the command is for
    return 0 if all(check.well for check in checks) else 1


async def examine(settings: Settings, *, clock: Clock) -> list[Check]:
    """Make every check; none of them spends money, changes anything or disturbs a running bot."""
    checks = await check_discord(settings.discord_token)
    checks.append(await check_database(settings.database_url))
    checks.append(await check_storage(settings.storage_url, settings.cloud))
    checks.append(check_codecs())
    async with aiohttp.ClientSession() as session:
        checks.extend(await _check_provider(session, settings, clock=clock))
        checks.append(await check_way_back(session, settings, clock=clock))
        checks.append(await check_way_to_clips(session, settings, clock=clock))
    return checks


async def _check_provider(session: aiohttp.ClientSession, settings: Settings, *, clock: Clock) -> list[Check]:
    if settings.provider == "sandbox":
        return [Check("Provider", True, "sandbox: trial clips on this machine, nothing is charged")]
    hosts = provider_hosts(settings.pixelbyte_api_url, settings.pixelbyte_output_hosts)
    async with guarded_session(hosts) as guarded:
        provider = PixelByte(
            session=guarded,
            base_url=settings.pixelbyte_api_url,
            key=settings.pixelbyte_api_key,
            output_hosts=settings.pixelbyte_output_hosts,
            clock=clock,
        )
        key = await check_key(provider)
    return [key, await check_model(session, settings.pixelbyte_api_url), _budget(settings)]


def _budget(settings: Settings) -> Check:
    cap = settings.monthly_budget_usd_micros
    found = "no cap is set (MONTHLY_BUDGET_USD)" if cap is None else f"{money(cap)} over all servers"
    return Check("Monthly budget", True, found)
