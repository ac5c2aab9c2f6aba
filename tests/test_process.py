"""The real process: from the order to the clip, stopped politely, and killed in the middle of a job."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from providers.sandbox import Sandbox
from tests.bot_process import KEY, TOKEN, BotProcess, running_bot
from tests.media_files import clip_mp4, picture_jpeg
from tests.wire_discord import WireDiscord, wire_discord


@pytest.fixture
async def discord() -> AsyncIterator[WireDiscord]:
    async with wire_discord() as server:
        yield server


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(tmp_path / "provider", key=KEY, seconds=2.0) as provider:
        yield provider


@pytest.fixture
async def bot(tmp_path: Path, discord: WireDiscord, sandbox: Sandbox) -> AsyncIterator[BotProcess]:
    async with running_bot(tmp_path, discord, sandbox) as process:
        yield process


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("ordered")
    return picture_jpeg(folder / "picture.jpg"), clip_mp4(folder / "motion.mp4", seconds=3.2)


def select(folder: Path, columns: str) -> list[tuple[Any, ...]]:
    # `with` on the connection itself would end a transaction and leave it open.
    with closing(sqlite3.connect(folder / "bot.db")) as connection:
        return connection.execute(f"SELECT {columns}").fetchall()


def states(folder: Path) -> dict[str, str]:
    return dict(select(folder, "id, state FROM jobs"))


def closed(folder: Path) -> bool:
    rows = select(folder, "closed_at FROM jobs")
    return bool(rows) and all(row[0] is not None for row in rows)


def ledger_sum(folder: Path) -> int:
    [[total]] = select(folder, "coalesce(sum(amount_usd_micros), 0) FROM ledger")
    return int(total)


async def test_an_order_over_the_wire_becomes_one_clip_in_its_thread(
    bot: BotProcess, discord: WireDiscord, sandbox: Sandbox, files: tuple[Path, Path], tmp_path: Path
) -> None:
    token = await discord.order(*files, prompt="a calm forest")
    await discord.until(lambda: closed(tmp_path), seconds=120)

    [clip] = discord.clips()
    answer = discord.answers[token]
    assert clip["channel_id"] == answer
    assert discord.threads[answer]
    assert clip["id"] in discord.messages["3003"][answer]["content"]
    assert clip["allowed"]["users"] == [4004]
    assert list(states(tmp_path).values()) == ["delivered"]
    assert ledger_sum(tmp_path) == sandbox.account.charged - sandbox.account.refunded > 0
    assert TOKEN not in bot.log
    assert KEY not in bot.log


async def test_the_first_call_after_an_interaction_is_its_answer(
    bot: BotProcess, discord: WireDiscord, files: tuple[Path, Path]
) -> None:
    before = len(discord.calls)

    await discord.order(*files)
    await discord.until(lambda: len(discord.calls) > before)

    assert discord.calls[before].path.endswith("/callback")
    assert discord.calls[before].body["type"] == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_bot_within_ten_seconds_also_in_mid_job(
    bot: BotProcess, discord: WireDiscord, files: tuple[Path, Path], number: signal.Signals
) -> None:
    await discord.order(*files)
    await discord.until(lambda: discord.threads)

    began = monotonic()
    code = await bot.stop(number)

    assert code == 0, bot.log
    # The promise itself, not a benchmark: no supervisor waits for longer.
    assert monotonic() - began < 10
    assert "Traceback" not in bot.log


@pytest.mark.parametrize("state", ["preparing", "submitting", "rendering", "fetching", "delivering"])
async def test_a_bot_that_is_killed_in_mid_job_delivers_after_its_restart(
    bot: BotProcess,
    discord: WireDiscord,
    sandbox: Sandbox,
    files: tuple[Path, Path],
    tmp_path: Path,
    state: str,
) -> None:
    order = [
        "received",
        "preparing",
        "queued",
        "submitting",
        "rendering",
        "fetching",
        "delivering",
        "delivered",
    ]

    def reached() -> bool:
        return any(order.index(now) >= order.index(state) for now in states(tmp_path).values())

    await discord.order(*files)
    await discord.until(reached, seconds=120)
    await bot.kill()
    await bot.start()
    await discord.until(lambda: closed(tmp_path), seconds=120)

    assert len(discord.clips()) == 1
    assert list(states(tmp_path).values()) == ["delivered"]
    assert sandbox.account.charged > 0
    assert ledger_sum(tmp_path) == sandbox.account.charged - sandbox.account.refunded
    assert len(sandbox.account.charges) == 1


async def test_commands_are_published_once_and_not_again_by_the_next_start(
    bot: BotProcess, discord: WireDiscord
) -> None:
    await bot.stop()
    await bot.start()

    assert discord.sync_count == 1


async def test_a_configuration_with_problems_ends_with_code_2_and_all_of_them(
    tmp_path: Path, discord: WireDiscord, sandbox: Sandbox
) -> None:
    bot = BotProcess(tmp_path, discord, sandbox, DISCORD_TOKEN="", HTTP_PORT="x", LOG_FORMAT="y")

    with pytest.raises(AssertionError, match="DISCORD_TOKEN") as caught:
        await bot.start()

    assert bot.process is not None
    assert await bot.process.wait() == 2
    assert "HTTP_PORT" in str(caught.value)
    assert "LOG_FORMAT" in str(caught.value)
    assert KEY not in str(caught.value)
