"""What the bot stands on goes away for a while: disk, database, provider, Discord, and the time of day."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from media.workshop import Workshop
from providers.sandbox import Sandbox
from studio import engine, jobs
from studio.database import Database
from studio.models import Job, JobState, Progress
from studio.sqlite_trips import BUSY_TIMEOUT_SECONDS
from tests import sandbox_world
from tests.bot_process import KEY
from tests.builders import FixedClock, an_order
from tests.crash_world import CrashWorld, crash_world
from tests.studio_world import Notebook, studio_at_work
from tests.wire_discord import CHANNEL_ID


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CrashWorld]:
    async with crash_world(tmp_path, f"sqlite:///{tmp_path / 'bot.db'}", seconds=1.5) as opened:
        yield opened


@contextmanager
def tiny_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system of its own that can really be full."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take the last byte of the disk; delete the file to give it back."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    continue
            except OSError:
                continue
    return ballast


async def test_a_full_disk_holds_orders_up_and_fails_none(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", megabytes=8) as disk:
        async with crash_world(tmp_path, f"sqlite:///{tmp_path / 'bot.db'}") as world:
            world.bot.environment["STORAGE_URL"] = (disk / "files").as_uri()
            world.storage = disk / "files"
            await world.bot.start()
            ballast = fill(disk)
            await world.order()
            await world.until(lambda: "disk_trouble" in world.bot.log)
            held_up = world.states()
            ballast.unlink()
            await world.all_closed()
            await world.bot.stop()

            assert held_up == ["preparing"]
            assert world.states() == ["delivered"]
            assert "operator_alarm" in world.bot.log
            assert "Traceback" not in world.bot.log
            world.check()


async def test_a_disk_with_no_room_for_what_is_made_counts_as_full(tmp_path: Path) -> None:
    workshop, video = Workshop(), tmp_path / "video.mp4"
    await workshop.draw_motion(video)
    with tiny_disk(tmp_path / "disk", megabytes=4) as disk:
        ballast = fill(disk)
        for longest in (3.0, 30.0):
            with pytest.raises(OSError, match="No space left"):
                await workshop.prepare_clip(video, disk / "motion.mp4", disk / "small.jpg", longest=longest)
        left = list(disk.iterdir())
    await workshop.close()

    assert left == [ballast]


async def test_a_full_disk_under_the_database_takes_no_orders_and_loses_none(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", megabytes=4) as disk:
        async with crash_world(tmp_path, f"sqlite:///{disk / 'bot.db'}") as world:
            await world.bot.start()
            await world.order()
            await world.until(lambda: "preparing" in world.states())
            ballast = fill(disk)
            await world.until(lambda: "database_away" in world.bot.log)
            refused = await world.order()
            await world.until(lambda: "order_not_recorded" in world.bot.log)
            ballast.unlink()
            await world.all_closed()
            await world.bot.stop()

            assert world.states() == ["delivered"]
            assert "Traceback" not in world.bot.log
            answer = world.discord.messages[CHANNEL_ID][world.discord.answers[refused]]
            assert "too busy" in answer["content"]
            world.check(withdrawn=1)


@pytest.mark.parametrize("seconds", [3.0, BUSY_TIMEOUT_SECONDS + 3.0])
async def test_a_database_that_somebody_locks_is_waited_for(world: CrashWorld, seconds: float) -> None:
    await world.bot.start()
    await world.order()
    await world.until(lambda: "preparing" in world.states())

    with closing(sqlite3.connect(world.folder / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        late = await world.order()
        await asyncio.sleep(seconds)
        other.execute("ROLLBACK")
    await world.all_closed()
    await world.bot.stop()

    is_short = seconds < BUSY_TIMEOUT_SECONDS
    assert world.states() == ["delivered"] * (2 if is_short else 1)
    # Whoever ordered meanwhile was answered, and told if that was in vain.
    assert late in world.discord.answers
    assert ("order_not_recorded" in world.bot.log) is not is_short
    assert "Traceback" not in world.bot.log
    world.check(withdrawn=0 if is_short else 1)


async def test_a_provider_that_is_gone_for_a_while_is_waited_for(tmp_path: Path) -> None:
    async with crash_world(tmp_path, f"sqlite:///{tmp_path / 'bot.db'}", seconds=3.0) as world:
        await world.bot.start()
        await world.order()
        await world.until(lambda: "rendering" in world.states())
        options = sandbox_world.shared(port=int(world.sandbox.origin.rpartition(":")[2]))
        await world.sandbox.__aexit__(None, None, None)
        await world.order()
        await world.until(lambda: "provider_pause" in world.bot.log)
        world.sandbox = Sandbox(tmp_path / "provider", key=KEY, seconds=0.3, options=options)

        async with world.sandbox:
            await world.all_closed(seconds=180)
            await world.bot.stop()

            assert world.states() == ["delivered", "delivered"]
            assert "Traceback" not in world.bot.log
            world.check()


async def test_clips_are_delivered_once_discord_is_back(world: CrashWorld) -> None:
    await world.bot.start()
    await world.order()
    await world.until(lambda: "rendering" in world.states())

    await world.discord.go_away()
    await world.until(lambda: "delivering" in world.states())
    await world.until(lambda: world.rows("SELECT id FROM jobs WHERE tries > 0"))
    await world.until(lambda: "Attempting a reconnect" in world.bot.log)
    world.discord.come_back()
    await world.until(lambda: world.discord.sockets)
    await world.order()
    await world.all_closed()
    await world.bot.stop()

    assert world.states() == ["delivered", "delivered"]
    assert "Traceback" not in world.bot.log
    world.check()


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"\xff\xfe"])
async def test_answers_of_discord_that_nobody_can_read_are_waited_out(world: CrashWorld, body: bytes) -> None:
    await world.bot.start()
    await world.order()
    await world.until(lambda: "rendering" in world.states())

    # discord.py takes such a body for JSON before it looks at the status.
    world.discord.trouble = lambda call: (502, body)
    await world.until(lambda: "delivering" in world.states())
    await world.until(lambda: world.rows("SELECT id FROM jobs WHERE tries > 0"))
    world.discord.come_back()
    await world.all_closed()
    await world.bot.stop()

    assert world.states() == ["delivered"]
    assert "part_failed" not in world.bot.log
    assert "Traceback" not in world.bot.log
    world.check()


@dataclass
class Stumbling(Notebook):
    """A desk whose first card brings up something that nobody foresaw."""

    stumbled: bool = False

    async def show(self, job: Job, progress: Progress, *, urgent: bool) -> bool:
        if not self.stumbled:
            self.stumbled = True
            raise KeyError("nobody foresaw this")
        return await super().show(job, progress, urgent=urgent)


async def test_a_part_that_fails_in_a_way_that_nobody_foresaw_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PAUSE_AFTER_TROUBLE_SECONDS", 0.1)
    async with studio_at_work(tmp_path) as world:
        world.desk = Stumbling()
        await world.restart()
        with capture_logs() as logs:
            first = await world.order("first")
            await world.check()
            await world.order("second")
            await world.check()

        assert first in world.desk.cards
        failed = [line for line in logs if line["event"] == "part_failed"]
        assert [line["part"] for line in failed] == ["Display.show_changes"]
        assert all(line["exc_info"] for line in failed)


@pytest.mark.parametrize("step", [timedelta(hours=-5), timedelta(minutes=-1), timedelta(minutes=30)])
async def test_a_clock_that_is_set_otherwise_in_mid_job_changes_nothing(
    tmp_path: Path, step: timedelta
) -> None:
    async with studio_at_work(tmp_path, seconds=1.5) as world:
        early = await world.order("early")
        await world.until_in(early, JobState.RENDERING)

        world.ahead = step
        late = await world.order("late")
        await world.until_closed(early)
        await world.until_closed(late)

        await world.check()
        assert [world.outcome(job_id) for job_id in (early, late)] == ["clip", "clip"]


async def test_a_job_that_rests_is_found_by_the_next_process_although_the_clock_was_set_back(
    database: Database, clock: FixedClock
) -> None:
    order = an_order()
    async with database.write() as connection:
        await jobs.insert(connection, order)
        job = await jobs.get(connection, order.job_id)
        assert job is not None
        await jobs.amend(connection, job, wake_at=clock() + timedelta(minutes=1))

    async with database.read() as connection:
        usual = await jobs.due_ids(connection, clock())
        set_back = await jobs.due_ids(connection, clock() - timedelta(hours=5))

    assert usual == []
    assert set_back == [job.id]
