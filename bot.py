"""Composition root and command line of the bot: run, demo, doctor, backup, restore. All parts meet here."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import discord
import structlog

from cogs import endpoints
from cogs.animate import Animate
from cogs.budget import Budget as DiscordBudget
from cogs.client import Client, new_connector
from cogs.desk import DiscordDesk
from cogs.herald import DiscordHerald
from cogs.moderation import house as moderation
from cogs.moderation.operator import OperatorGroup
from cogs.owner import Owner
from doctor.arguments import parse
from doctor.commands import COMMANDS, carry_out
from media.workshop import Workshop, kept_warm
from providers.addresses import guarded_session
from providers.attachments import AttachmentFetcher, attachment_hosts
from providers.frontdoor import Bell, open_front_door, webhook_address
from providers.pixelbyte import PixelByte, provider_hosts
from providers.sandbox import Sandbox
from providers.server import ReadyCheck
from providers.trial import open_trial
from providers.watch import add_watching
from providers.wire import PRICE_USD_MICROS
from studio import logs, schema
from studio.alarms import Alarms
from studio.database import Database
from studio.engine import Engine, Role
from studio.equipment import Equipment, terms_from
from studio.journal import Shelf
from studio.links import Links, open_links
from studio.notes import Notes
from studio.operating import Operating
from studio.ports import Storage
from studio.settings import Settings, SettingsError, gather_environment, read_settings
from studio.showing import Showing
from studio.storage import open_storage

log = structlog.get_logger("bot")

CONFIGURATION_PROBLEM = 2
ANSWER_GRACE_SECONDS, STEP_GRACE_SECONDS, CLOSE_SECONDS = 2.0, 4.0, 2.0
"""What answers, running steps and the connection get after a stop signal; together below 10 s."""

now = partial(datetime.now, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts of a running bot, joined but for the connection to Discord."""

    settings: Settings
    client: Client
    animate: Animate
    engine: Engine
    sandbox: Sandbox | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What stands before anything speaks: the settings as the trial has changed them, data, and the wire."""

    settings: Settings
    database: Database
    storage: Storage
    workshop: Workshop
    session: aiohttp.ClientSession
    hosts: list[str]
    sandbox: Sandbox | None
    links_work: bool


@asynccontextmanager
async def open_house(
    settings: Settings,
    *,
    attachment_host: str | None = None,
    sandbox_seconds: float = 8.0,
    shard_count: int | None = None,
    role: Role = Role.ALL,
) -> AsyncIterator[House]:
    """Open everything in order and close it in reverse.

    `attachment_host` is a further host that attachments may come from (the demo's simulated Discord);
    `sandbox_seconds` is how long a trial render takes.
    """
    async with AsyncExitStack() as stack:
        ground = await _lay_ground(stack, settings, attachment_host, sandbox_seconds)
        settings = ground.settings
        client = Client(
            notes=Notes(ground.database),
            connector=new_connector(),
            shard_count=shard_count or settings.shard_count,
            shard_ids=list(settings.shard_ids) if settings.shard_ids else None,
        )
        bell, links = Bell(), await _open_links(ground)
        # A worker is ready when it may call Discord; the others are connected besides.
        is_there = partial(_is_there, client, connected=role.takes_orders)
        address = await stack.enter_async_context(_front_door(ground, is_there, bell, links))
        way_back = webhook_address(settings, address)
        terms = terms_from(settings, usd_micros_per_second=PRICE_USD_MICROS, webhook_address=way_back)
        desk, herald = _speakers(ground, client, links)
        equipment = Equipment(
            database=ground.database,
            storage=ground.storage,
            workshop=ground.workshop,
            attachments=AttachmentFetcher(session=ground.session, extra_hosts=ground.hosts),
            provider=_provider(ground),
            herald=herald,
            desk=desk,
            operator=Alarms(ground.database, Owner(client).tell),
            clock=now,
            terms=terms,
        )
        engine = Engine(equipment, role=role, shelf=Shelf.of(settings.database_url))
        bell.ring = engine.studio.ring
        desk.voice.setting_of = herald.voice.setting_of = engine.studio.language
        limits = {"max_picture_bytes": terms.max_picture_bytes, "max_video_bytes": terms.max_video_bytes}
        animate = Animate(engine.studio, **limits)
        if role.takes_orders:
            known, data, care = engine.servers, ground.database, engine.care
            moderation.install(client, animate, engine.studio, servers=known, database=data, care=care)
            if settings.dev_guild_id is not None:
                operating = Operating(equipment, engine.servers)
                client.install_for(settings.dev_guild_id, OperatorGroup(client, operating))
        yield House(settings=settings, client=client, animate=animate, engine=engine, sandbox=ground.sandbox)


async def _lay_ground(
    stack: AsyncExitStack, settings: Settings, attachment_host: str | None, sandbox_seconds: float
) -> Ground:
    database = Database(settings.database_url)
    stack.push_async_callback(database.close)
    await schema.upgrade(database)
    storage = open_storage(settings.storage_url, settings.cloud)
    await stack.enter_async_context(aclosing(storage))
    await storage.sweep()
    sandbox = None
    if settings.provider == "sandbox":
        trial = open_trial(settings, seconds=sandbox_seconds)
        sandbox, settings = await stack.enter_async_context(trial)
    hosts = [host for host in (attachment_host, urlsplit(settings.discord_api_url or "").hostname) if host]
    results = provider_hosts(settings.pixelbyte_api_url, settings.pixelbyte_output_hosts)
    session = await stack.enter_async_context(guarded_session(results, attachment_hosts(hosts)))
    return Ground(
        settings=settings,
        database=database,
        storage=storage,
        workshop=await stack.enter_async_context(kept_warm()),
        session=session,
        hosts=hosts,
        sandbox=sandbox,
        # The sandbox's links lead to this machine, where only the demo's people are.
        links_work=sandbox is None or attachment_host is not None,
    )


def _front_door(
    ground: Ground, is_there: ReadyCheck, bell: Bell, links: Links | None
) -> AbstractAsyncContextManager[tuple[str, int]]:
    watching = None
    if links is not None:
        showing = Showing(
            links, database=ground.database, storage=ground.storage, workshop=ground.workshop, clock=now
        )
        watching = partial(add_watching, showing=showing, trial=ground.sandbox is not None)
    checks: dict[str, ReadyCheck] = {"database": partial(_answers, ground.database), "discord": is_there}
    return open_front_door(ground.settings, checks, bell, clock=now, watching=watching)


def _provider(ground: Ground) -> PixelByte:
    return PixelByte(
        session=ground.session,
        base_url=ground.settings.pixelbyte_api_url,
        key=ground.settings.pixelbyte_api_key,
        output_hosts=ground.settings.pixelbyte_output_hosts,
        clock=now,
    )


def _speakers(ground: Ground, client: Client, links: Links | None) -> tuple[DiscordDesk, DiscordHerald]:
    budget = DiscordBudget()
    desk = DiscordDesk(
        client,
        budget=budget,
        local_links=ground.links_work,
        trial=ground.sandbox is not None,
        watch_url=links.watch_url if links is not None else None,
    )
    return desk, DiscordHerald(client, budget)


async def _open_links(ground: Ground) -> Links | None:
    """Links of our own need an address by which members can reach us."""
    settings = ground.settings
    if settings.public_url is None:
        return None
    seconds = settings.retention_days * 86_400.0
    return await open_links(ground.database, settings.public_url, clock=now, retention_seconds=seconds)


async def _answers(database: Database) -> bool:
    return await schema.revision(database) is not None


async def _is_there(client: Client, *, connected: bool) -> bool:
    return client.is_ready() if connected else client.user is not None


async def run(settings: Settings, role: Role) -> int:
    """Run the bot in this role until it is told to stop; return the exit code."""
    if role is not Role.ALL and settings.database_url.startswith("sqlite:"):
        problem = f"--role {role} needs DATABASE_URL=postgresql://…: SQLite serves one process alone."
        raise SettingsError([problem])
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_house(settings, role=role) as house:
        if settings.discord_gateway_url:
            endpoints.use_gateway(house.client, settings.discord_gateway_url)
        try:
            if not await house.client.log_in(settings.discord_token, stop=stop):
                return 0
        except discord.LoginFailure as error:
            problem = "DISCORD_TOKEN is refused by Discord: reset it, and copy the new one."
            raise SettingsError([problem]) from error
        return await _work_until(stop, house, role)


async def _work_until(stop: asyncio.Event, house: House, role: Role) -> int:
    tasks = {
        "engine": asyncio.create_task(house.engine.run()),
        "signal": asyncio.create_task(stop.wait()),
    }
    if role.takes_orders:
        tasks["connection"] = asyncio.create_task(house.client.connect())
    log.info("started", role=role, provider=house.settings.provider)
    done, _ = await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    # First no new orders, then the steps come to rest, then the connection: what is shown last still arrives.
    house.engine.studio.accepting = False
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(house.animate.taking.finish_answers(), ANSWER_GRACE_SECONDS)
    await house.engine.stop(grace_seconds=STEP_GRACE_SECONDS)
    tasks["engine"].cancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await house.client.close()
    for task in tasks.values():
        task.cancel()
    results = await asyncio.gather(*tasks.values(), return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            log.error("part_failed", exc_info=result)
    return 0 if tasks["signal"] in done else 1


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code."""
    parsed = parse(arguments)
    if parsed.command == "demo":
        from demo.start import start_demo  # not installed with the bot: requirements-demo.txt

        return start_demo(parsed, open_house)
    try:
        settings = read_settings(gather_environment(Path(".env")))
        if settings.discord_api_url:
            endpoints.use_rest(settings.discord_api_url)
        logs.configure(as_json=settings.log_format == "json", secrets=settings.secrets)
        if parsed.command in COMMANDS:
            return asyncio.run(carry_out(parsed, settings, clock=now))
        return asyncio.run(run(settings, Role(getattr(parsed, "role", Role.ALL))))
    except SettingsError as error:
        problems = (f"  • {problem}" for problem in error.problems)
        print("The bot cannot start:", *problems, sep="\n", file=sys.stderr)
        return CONFIGURATION_PROBLEM


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
