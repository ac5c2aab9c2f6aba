"""The doctor's check of the way to the clips, against the bot's real server and what may stand before it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from doctor.check import Check
from doctor.way_to_clips import check_way_to_clips
from media.workshop import Workshop
from providers.server import build_app, serve
from providers.watch import add_watching
from studio import schema
from studio.database import Database
from studio.links import open_links
from studio.settings import Settings
from studio.showing import Showing
from studio.storage import open_storage


def now() -> datetime:
    return datetime.now(UTC)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        discord_token="token.of.the-doctor",
        pixelbyte_webhook_secret="whsec_of_the_doctor",
        database_url=f"sqlite:///{tmp_path / 'bot.db'}",
        storage_url=(tmp_path / "files").as_uri(),
        http_port=free_port(),
    )


async def diagnosis(settings: Settings, port: int, *, seconds: float = 20.0) -> Check:
    """What the doctor says when PUBLIC_URL leads to this port."""
    leading = replace(settings, public_url=f"http://127.0.0.1:{port}")
    async with aiohttp.ClientSession() as session:
        return await check_way_to_clips(session, leading, clock=now, seconds=seconds)


@asynccontextmanager
async def running_server(settings: Settings, port: int, *, showing_clips: bool = True) -> AsyncIterator[int]:
    """The web server of a running bot, started with PUBLIC_URL or without."""
    database = Database(settings.database_url)
    await schema.upgrade(database)
    links = await open_links(database, "https://bot.example.org", clock=now, retention_seconds=60)
    storage = open_storage(settings.storage_url)
    showing = Showing(links, database=database, storage=storage, workshop=Workshop(), clock=now)
    watching = partial(add_watching, showing=showing, trial=False) if showing_clips else None
    app = build_app(
        ring=_nobody, secret="", checks={}, registry=CollectorRegistry(), clock=now, watching=watching
    )
    async with serve(app, "127.0.0.1", port) as (_, bound):
        yield bound
    await database.close()


async def _nobody(_token: str, _job_id: str | None) -> None:
    """No webhook comes in these tests."""


@asynccontextmanager
async def proxy(port: int, *paths: str) -> AsyncIterator[int]:
    """What an operator sets up before the bot: these paths lead to it, all others nowhere."""

    async def lead(request: web.Request) -> web.Response:
        address = f"http://127.0.0.1:{port}{request.path}"
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.startswith("X-")}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    app = web.Application()
    for path in paths:
        app.router.add_get(path + "{rest:.+}", lead)
    async with serve(app, "127.0.0.1", 0) as (_, bound):
        yield bound


async def test_a_way_that_leads_here_is_well_also_without_a_running_bot(settings: Settings) -> None:
    check = await diagnosis(settings, settings.http_port)

    assert check.well, check.found


async def test_a_running_bot_answers_for_itself_also_behind_a_proxy(settings: Settings) -> None:
    async with (
        running_server(settings, settings.http_port),
        proxy(settings.http_port, "/watch/", "/clips/") as door,
    ):
        check = await diagnosis(settings, door)

    assert check.well, check.found
    assert f"http://127.0.0.1:{door}/watch/… and /clips/… are answered by this bot" in check.found


@pytest.mark.parametrize("running", [True, False])
async def test_a_proxy_that_leads_only_half_of_the_way_is_told_which_half(
    settings: Settings, running: bool
) -> None:
    async with proxy(settings.http_port, "/watch/", "/webhooks/") as door:
        if running:
            async with running_server(settings, settings.http_port):
                check = await diagnosis(settings, door)
        else:
            check = await diagnosis(settings, door)

    assert not check.well
    assert f"http://127.0.0.1:{door}/clips/… answers 404, and not from this bot" in check.found
    assert f"to 127.0.0.1:{settings.http_port}" in check.fix
    assert "button under a clip leads nowhere" in check.fix


async def test_a_bot_that_was_started_before_it_had_an_address_is_to_be_restarted(settings: Settings) -> None:
    async with running_server(settings, settings.http_port, showing_clips=False):
        check = await diagnosis(settings, settings.http_port)

    assert not check.well
    assert "restart the bot" in check.fix


async def test_a_way_to_another_bot_is_told(settings: Settings) -> None:
    async with running_server(settings, 0) as elsewhere:
        check = await diagnosis(settings, elsewhere)

    assert not check.well
    assert "leads to another bot than this one" in check.found


async def test_a_way_that_nobody_answers_on_is_told(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        check = await diagnosis(settings, int(silent.getsockname()[1]), seconds=0.3)

    assert not check.well
    assert "/watch/… cannot be reached: no answer in time" in check.found


async def test_without_a_public_address_there_is_nothing_to_check(settings: Settings) -> None:
    async with aiohttp.ClientSession() as session:
        check = await check_way_to_clips(session, settings, clock=now)

    assert check.well
    assert "PUBLIC_URL is empty" in check.found
