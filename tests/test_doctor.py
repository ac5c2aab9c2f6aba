"""The doctor's checks, each well and each ill, against a Discord on the wire and the sandbox."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from discord.http import Route
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from doctor.check import Check, table
from doctor.discord_side import INVITE_PERMISSIONS
from doctor.examine import examine
from doctor.local import check_codecs, check_database, check_storage
from doctor.way_back import check_way_back
from providers.sandbox import Fault, Sandbox
from providers.sandbox.server import Options
from providers.server import build_app, serve
from studio import schema
from studio.database import Database
from studio.settings import Settings
from tests.wire_discord import Call, WireDiscord, wire_discord

KEY, WEBHOOK_SECRET = "pb_of_the_doctor", "whsec_of_the_doctor"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WireDiscord]:
    async with wire_discord() as server:
        monkeypatch.setattr(Route, "BASE", f"{server.url}/api/v10")
        yield server


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(tmp_path / "provider", key=KEY) as provider:
        yield provider


@pytest.fixture
def settings(tmp_path: Path, sandbox: Sandbox) -> Settings:
    return Settings(
        discord_token="token.of.the-doctor",
        pixelbyte_api_key=KEY,
        pixelbyte_api_url=sandbox.api_url,
        pixelbyte_webhook_secret=WEBHOOK_SECRET,
        database_url=f"sqlite:///{tmp_path / 'data' / 'bot.db'}",
        storage_url=(tmp_path / "data" / "files").as_uri(),
        http_port=free_port(),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wrong(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if not check.well]


def answering(path: str, status: int, payload: Any) -> Any:
    """Trouble for `WireDiscord`: this answer for one path."""

    def trouble(call: Call) -> tuple[int, Any] | None:
        return (status, payload) if call.path == path else None

    return trouble


def server(name: str, permissions: int) -> dict[str, str]:
    return {"id": "2002", "name": name, "permissions": str(permissions)}


# ── all of it ───────────────────────────────────────────────────────────────────────────────────


async def test_where_all_is_well_nothing_is_wrong_and_nothing_is_made(
    wire: WireDiscord, settings: Settings, sandbox: Sandbox, tmp_path: Path
) -> None:
    checks = await examine(settings, clock=now)

    assert wrong(checks) == []
    assert not (tmp_path / "data").exists()
    assert not sandbox.account.charges
    assert {call.method for call in wire.calls} == {"GET"}
    subjects = [check.subject for check in checks]
    for subject in (
        "Discord token",
        "Permissions",
        "Database",
        "Storage",
        "Codecs",
        "Provider key",
        "Webhooks",
    ):
        assert subject in subjects


async def test_the_sandbox_as_provider_needs_no_key_and_no_catalogue(
    wire: WireDiscord, settings: Settings, sandbox: Sandbox
) -> None:
    trial = replace(settings, provider="sandbox", public_url=f"http://127.0.0.1:{settings.http_port}")

    checks = await examine(trial, clock=now)

    assert wrong(checks) == []
    assert not sandbox.seen()


@pytest.mark.parametrize("width", [80, 100])
async def test_the_table_fits_the_terminal_and_shows_a_fix_below_what_is_wrong(
    wire: WireDiscord, settings: Settings, width: int
) -> None:
    wire.trouble = answering("/users/@me/guilds", 200, [server(f"Server number {n}", 0) for n in range(7)])
    checks = await examine(replace(settings, pixelbyte_api_key="pb_refused"), clock=now)

    lines = table(checks, width=width).splitlines()

    # An address or a path that is too long stays in one piece, to be copied.
    assert all(len(line) <= width or max(map(len, line.split())) > width - 30 for line in lines)
    assert sum(line.startswith("WRONG  ") for line in lines) == len(wrong(checks)) == 2
    assert sum(line.lstrip().startswith("→ ") for line in lines) == 2
    assert len([line for line in lines if line.startswith("ok     ")]) == len(checks) - 2


# ── Discord ─────────────────────────────────────────────────────────────────────────────────────


def test_the_invite_is_the_one_of_the_readme() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()

    assert f"permissions={INVITE_PERMISSIONS.value}&" in readme


async def test_a_refused_token_is_told_with_the_way_to_a_new_one(
    wire: WireDiscord, settings: Settings
) -> None:
    wire.trouble = answering("/users/@me", 401, {"code": 0, "message": "401: Unauthorized"})

    [bad] = wrong(await examine(settings, clock=now))

    assert bad.subject == "Discord token"
    assert "Reset Token" in bad.fix


async def test_a_discord_that_cannot_be_reached_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Route, "BASE", f"http://127.0.0.1:{free_port()}/api/v10")

    [bad] = wrong(await examine(settings, clock=now))

    assert (bad.subject, bad.found) == ("Discord", "cannot be reached (no connection)")


@pytest.mark.parametrize(
    ("servers", "subject", "found"),
    [
        ([], "Servers", "no server"),
        (
            [
                server("Good", INVITE_PERMISSIONS.value),
                server("Bad", INVITE_PERMISSIONS.value & ~(1 << 38) & ~(1 << 10)),
            ],
            "Permissions",
            "missing in Bad (View Channels, Send Messages in Threads)",
        ),
    ],
)
async def test_what_the_bot_lacks_in_its_servers_is_named(
    wire: WireDiscord, settings: Settings, servers: list[dict[str, str]], subject: str, found: str
) -> None:
    wire.trouble = answering("/users/@me/guilds", 200, servers)

    [bad] = wrong(await examine(settings, clock=now))

    assert bad.subject == subject
    assert found in bad.found
    assert f"permissions={INVITE_PERMISSIONS.value}" in bad.fix


async def test_an_administrator_needs_no_single_permission(wire: WireDiscord, settings: Settings) -> None:
    administrator = discord.Permissions(administrator=True).value
    wire.trouble = answering("/users/@me/guilds", 200, [server("Mine", administrator)])

    assert wrong(await examine(settings, clock=now)) == []


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"interactions_endpoint_url": "https://old.example.org/interactions"}, "Commands"),
        ({"bot_require_code_grant": True}, "Invite link"),
    ],
)
async def test_settings_of_the_application_that_keep_the_bot_from_working_are_found(
    wire: WireDiscord, settings: Settings, change: dict[str, Any], subject: str
) -> None:
    application = {
        "id": "1001", "name": "Animate", "icon": None, "description": "", "bot_public": True, "flags": 0,
        "bot_require_code_grant": False, "verify_key": "", "summary": "", "team": None,
        "owner": {"id": "5005", "username": "o", "discriminator": "0", "avatar": None}, **change,
    }  # fmt: skip
    wire.trouble = lambda call: (200, application) if call.path.startswith(("/oauth2", "/applic")) else None

    [bad] = wrong(await examine(settings, clock=now))

    assert bad.subject == subject


# ── the provider ────────────────────────────────────────────────────────────────────────────────


async def test_a_refused_key_is_told(wire: WireDiscord, settings: Settings) -> None:
    [bad] = wrong(await examine(replace(settings, pixelbyte_api_key="pb_other"), clock=now))

    assert bad.subject == "Provider key"
    assert "submit_job" in bad.fix
    assert "pb_other" not in bad.found


async def test_a_provider_that_is_away_is_told(wire: WireDiscord, settings: Settings) -> None:
    away = replace(settings, pixelbyte_api_url=f"http://127.0.0.1:{free_port()}/v1")

    bad = wrong(await examine(away, clock=now))

    assert [check.subject for check in bad] == ["Provider key", "Model and price"]
    assert all(check.fix for check in bad)


async def test_another_price_in_the_catalogue_is_told(
    wire: WireDiscord, settings: Settings, tmp_path: Path
) -> None:
    dearer = Sandbox(tmp_path / "dearer", key=KEY, options=Options(usd_micros_per_second=70_000))
    async with dearer as provider:
        [bad] = wrong(await examine(replace(settings, pixelbyte_api_url=provider.api_url), clock=now))

    assert bad.subject == "Model and price"
    assert "$0.07" in bad.found
    assert "$0.05" in bad.found


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        pytest.param({"code": "INTERNAL_ERROR"}, "cannot be read", id="F55 500"),
        pytest.param({"code": "MODEL_NOT_FOUND"}, "is not listed", id="F55 missing"),
        pytest.param({"body": b"<html>"}, "cannot be read", id="F55 html"),
        pytest.param(
            {"merge": {"inputSchema": {"properties": {"prompt": {"maxLength": 500}}, "required": ["seed"]}}},
            "“seed” is required now",
            id="F55 changed",
        ),
    ],
)
async def test_a_catalogue_that_changed_or_is_away_is_a_warning(
    wire: WireDiscord, settings: Settings, sandbox: Sandbox, fault: dict[str, Any], found: str
) -> None:
    sandbox.faults.add(Fault(on="catalogue", times=None, **fault))

    [bad] = wrong(await examine(settings, clock=now))

    assert bad.subject == "Model and price"
    assert found in bad.found


# ── the database and the files ──────────────────────────────────────────────────────────────────


async def test_a_database_in_use_is_checked_for_its_revision_and_for_writing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    database = Database(url)
    await schema.upgrade(database)

    check = await check_database(url)

    await database.close()
    assert check.well
    assert f"can be written, at revision {schema.newest_revision()}" in check.found


async def test_an_empty_database_stays_empty(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    file.touch()

    check = await check_database(f"sqlite:///{file}")

    assert check.well
    assert "first start" in check.found
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


@pytest.mark.parametrize("name", ["a-text/bot.db", "a-text", "a-folder"])
async def test_a_database_that_cannot_be_used_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-text").write_text("This is no database, but long enough to look at." * 30)
    (tmp_path / "a-folder").mkdir()

    check = await check_database(f"sqlite:///{tmp_path / name}")

    assert not check.well
    assert "DATABASE_URL" in check.fix


async def test_an_empty_postgresql_is_well(postgresql: str) -> None:
    check = await check_database(postgresql)

    assert check.well, check.found
    assert "first start" in check.found


async def test_a_postgresql_that_does_not_answer_is_told_without_its_password() -> None:
    check = await check_database(f"postgresql://bot:hidden-password@127.0.0.1:{free_port()}/bot")

    assert not check.well
    assert "cannot be used" in check.found
    assert "hidden-password" not in check.found
    assert "\n" not in check.found


async def test_a_database_that_somebody_else_has_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.sqlite_trips.BUSY_TIMEOUT_SECONDS", 0)
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    database = Database(url)
    await schema.upgrade(database)

    async with database.write() as connection:
        await connection.execute(text("SELECT 1"))
        check = await check_database(url)

    await database.close()
    assert not check.well
    assert "locked" in check.found


async def test_a_storage_that_works_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()

    check = await check_storage((tmp_path / "files").as_uri())

    assert check.well
    assert list((tmp_path / "files").iterdir()) == []


async def test_a_storage_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    check = await check_storage((tmp_path / "file" / "files").as_uri())

    assert not check.well
    assert "STORAGE_URL" in check.fix


async def test_a_bucket_without_an_account_is_told() -> None:
    check = await check_storage("az://container")

    assert not check.well
    assert "Account" in check.found
    assert "\n" not in check.found


async def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path) -> None:
    check = await check_storage(tmp_path.as_uri(), least_free_bytes=10**18)

    assert not check.well
    assert "room" in check.fix


def test_a_missing_codec_is_named() -> None:
    check = check_codecs(decoders=["h264", "no-such-codec"], encoders=["no-such-writer"])

    assert not check.well
    assert check.found == "missing: no-such-codec (reading), no-such-writer (writing)"
    assert "requirements.txt" in check.fix


# ── the way back ────────────────────────────────────────────────────────────────────────────────


async def way_back(settings: Settings, *, seconds: float = 20.0) -> Check:
    async with aiohttp.ClientSession() as session:
        return await check_way_back(session, settings, clock=now, seconds=seconds)


def bots_app(secret: str) -> Any:
    async def ring(_token: str, _job_id: str | None) -> None:
        """Nobody is at home."""

    return build_app(ring=ring, secret=secret, checks={}, registry=CollectorRegistry(), clock=now)


async def test_a_public_address_that_leads_here_is_well_also_without_a_running_bot(
    settings: Settings,
) -> None:
    check = await way_back(replace(settings, public_url=f"http://127.0.0.1:{settings.http_port}"))

    assert check.well
    assert "arrives" in check.found


async def test_a_running_bot_answers_the_doctors_webhook_itself(settings: Settings) -> None:
    async with serve(bots_app(WEBHOOK_SECRET), "127.0.0.1", settings.http_port):
        check = await way_back(replace(settings, public_url=f"http://127.0.0.1:{settings.http_port}"))

    assert check.well


async def test_a_running_bot_with_another_secret_is_told(settings: Settings) -> None:
    async with serve(bots_app("whsec_another"), "127.0.0.1", settings.http_port):
        check = await way_back(replace(settings, public_url=f"http://127.0.0.1:{settings.http_port}"))

    assert not check.well
    assert "PIXELBYTE_WEBHOOK_SECRET" in check.fix


async def test_a_public_address_that_leads_to_another_bot_is_told(settings: Settings) -> None:
    async with serve(bots_app(WEBHOOK_SECRET), "127.0.0.1", 0) as (_, elsewhere):
        check = await way_back(replace(settings, public_url=f"http://127.0.0.1:{elsewhere}"))

    assert not check.well
    assert "another bot" in check.found


async def test_a_public_address_that_leads_to_something_else_is_told(
    settings: Settings, wire: WireDiscord
) -> None:
    check = await way_back(replace(settings, public_url=wire.url))

    assert not check.well
    assert "answers 404" in check.found
    assert f"127.0.0.1:{settings.http_port}" in check.fix


async def test_a_public_address_that_nobody_answers_is_told(settings: Settings) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        public_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        check = await way_back(replace(settings, public_url=public_url), seconds=0.3)

    assert not check.well
    assert "no answer in time" in check.found
