"""Starting what cannot start, and `bot.py doctor`, as an operator does it: a process with its exit code."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from providers.sandbox import Sandbox
from tests.bot_process import KEY, ROOT, TOKEN, running_bot
from tests.wire_discord import WireDiscord, wire_discord

WEBHOOK_SECRET = "whsec_a_very_secret_secret"
GOOD = {"DISCORD_TOKEN": TOKEN, "PIXELBYTE_API_KEY": KEY}


@pytest.fixture
async def discord() -> AsyncIterator[WireDiscord]:
    async with wire_discord() as server:
        yield server


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(tmp_path / "provider", key=KEY, seconds=1.0) as provider:
        yield provider


async def bot(
    folder: Path, *arguments: str, settings: Mapping[str, str] | None = None, **environment: str
) -> tuple[int, str]:
    """Run `bot.py` in a folder whose `.env` has `settings`; return the exit code and what it printed."""
    if settings is not None:
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (folder / ".env").write_text("".join(lines))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        *arguments,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "COLUMNS": "100", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, printed.decode()


def assert_clear(printed: str) -> None:
    """Plain sentences: no traceback, and nobody's secret."""
    assert "Traceback" not in printed
    assert TOKEN not in printed
    assert KEY not in printed
    assert WEBHOOK_SECRET not in printed


async def test_every_problem_of_the_file_is_told_at_once(tmp_path: Path) -> None:
    settings = {
        "PIXELBYTE_API_KEY": KEY,
        "DATABASE_URL": "mysql://bot:hidden-password@db/bot",
        "HTTP_PORT": "70000",
        "PUBLIC_URL": "http://bot.example.org",
        "MONTHLY_BUDGET_USD": "much",
    }

    code, printed = await bot(tmp_path, settings=settings)

    assert code == 2
    assert printed.startswith("The bot cannot start:\n")
    assert printed.count("  • ") == 5
    for name in ("DISCORD_TOKEN", "DATABASE_URL", "HTTP_PORT", "PUBLIC_URL", "MONTHLY_BUDGET_USD"):
        assert f"  • {name} " in printed
    assert "hidden-password" not in printed
    assert_clear(printed)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:///a-text"),
        ("DATABASE_URL", "sqlite:///a-folder"),
        ("DATABASE_URL", "sqlite:///a-text/bot.db"),
        ("DATABASE_URL", f"postgresql://bot:{KEY}@127.0.0.1:1/bot"),
        ("STORAGE_URL", "file://{folder}/a-text/files"),
    ],
)
async def test_a_place_that_cannot_be_used_is_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / "a-text").write_text("This is no database, but long enough to look at." * 30)
    (tmp_path / "a-folder").mkdir()

    code, printed = await bot(tmp_path, settings={**GOOD, name: value.format(folder=tmp_path)})

    assert code == 2, printed
    assert printed.count("  • ") == 1
    assert f"  • {name}" in printed
    assert_clear(printed)


async def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, printed = await bot(tmp_path, settings={**GOOD, "HTTP_PORT": port})

    assert code == 2, printed
    assert f"127.0.0.1:{port} cannot be used" in printed
    assert_clear(printed)


async def test_a_refused_token_is_one_sentence(
    tmp_path: Path, discord: WireDiscord, sandbox: Sandbox
) -> None:
    refusal = (401, {"code": 0, "message": "401: Unauthorized"})
    discord.trouble = lambda call: refusal if call.path == "/users/@me" else None

    code, printed = await bot(
        tmp_path, settings={**GOOD, "DISCORD_API_URL": discord.url, "HTTP_PORT": "0"}, PROVIDER="sandbox"
    )

    assert code == 2, printed
    assert "  • DISCORD_TOKEN is refused by Discord" in printed
    assert_clear(printed)


async def test_the_doctor_tells_a_healthy_set_up_by_its_exit_code(
    tmp_path: Path, discord: WireDiscord, sandbox: Sandbox
) -> None:
    settings = {
        **GOOD,
        "DISCORD_API_URL": discord.url,
        "PIXELBYTE_API_URL": sandbox.api_url,
        "PIXELBYTE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }

    code, printed = await bot(tmp_path, "doctor", settings=settings)

    assert code == 0, printed
    assert "WRONG" not in printed
    assert all(line.startswith(("ok     ", "  ")) for line in printed.splitlines())
    assert_clear(printed)
    assert not (tmp_path / "data").exists()


async def test_the_doctor_finds_an_ill_set_up_and_shows_no_secret(
    tmp_path: Path, discord: WireDiscord, sandbox: Sandbox
) -> None:
    settings = {
        **GOOD,
        "DISCORD_API_URL": discord.url,
        "PIXELBYTE_API_URL": sandbox.api_url,
        "PIXELBYTE_API_KEY": f"{KEY}_of_last_year",
        "PIXELBYTE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STORAGE_URL": "az://container",
    }

    code, printed = await bot(tmp_path, "doctor", settings=settings)

    assert code == 1
    assert printed.count("WRONG") == 2
    assert "WRONG  Provider key" in printed
    assert "WRONG  Storage" in printed
    assert_clear(printed)


async def test_the_doctor_does_not_disturb_a_running_bot(
    tmp_path: Path, discord: WireDiscord, sandbox: Sandbox
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = {"HTTP_PORT": port, "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    secret = {"PIXELBYTE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    async with running_bot(tmp_path, discord, sandbox, **address, **secret) as running:
        connection = set(discord.sockets)
        settings = {
            **GOOD,
            **address,
            **secret,
            "DISCORD_API_URL": discord.url,
            "PIXELBYTE_API_URL": sandbox.api_url,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}",
            "STORAGE_URL": (tmp_path / "files").as_uri(),
        }

        code, printed = await bot(tmp_path, "doctor", settings=settings)

        assert code == 0, printed
        assert "arrives at this bot" in printed
        assert "can be written, at revision" in printed
        assert discord.sockets == connection
        assert discord.sync_count == 1
        assert running.process is not None
        assert running.process.returncode is None
        assert await running.stop() == 0, running.log
        assert "error" not in running.log.lower()
