"""Storage in a bucket, against a real server of S3's protocol: from single files to a whole order."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.storage import ObstoreFiles, open_storage
from tests.crash_world import INPUTS, CrashWorld, crash_world
from tests.s3_server import BUCKET, SECRET, S3Server, s3_server

pytest.importorskip("moto", reason="moto is not installed")

URL = f"s3://{BUCKET}/animate/files"
MEGABYTE = 1024 * 1024


@pytest.fixture
async def s3() -> AsyncIterator[S3Server]:
    async with s3_server() as server:
        yield server


@pytest.fixture
async def storage(s3: S3Server) -> AsyncIterator[ObstoreFiles]:
    opened = open_storage(URL, s3.cloud)
    yield opened
    await opened.aclose()


@pytest.fixture
async def world(tmp_path: Path, s3: S3Server) -> AsyncIterator[CrashWorld]:
    """A bot that knows its bucket from `.env` alone."""
    lines = [f"{name}={value}" for name, value in {**s3.cloud, "STORAGE_URL": URL}.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    async with crash_world(tmp_path, f"sqlite:///{tmp_path / 'bot.db'}") as opened:
        del opened.bot.environment["STORAGE_URL"]
        opened.storage = tmp_path / "no-such-folder"
        yield opened


async def put(storage: ObstoreFiles, key: str, content: bytes) -> None:
    async with storage.workspace() as folder:
        (folder / "file").write_bytes(content)
        await storage.put(key, folder / "file")


async def read(storage: ObstoreFiles, key: str) -> bytes:
    async with storage.checkout(key) as path:
        return path.read_bytes()


async def test_a_file_of_many_megabytes_goes_up_in_parts_and_comes_back_whole(
    s3: S3Server, storage: ObstoreFiles
) -> None:
    content = os.urandom(20 * MEGABYTE + 1)

    await put(storage, "jobs/a/clip.mp4", content)
    back = await read(storage, "jobs/a/clip.mp4")

    assert back == content
    assert await s3.parts_of("animate/files/jobs/a/clip.mp4") == 3
    assert await s3.unfinished() == []


async def test_keys_are_listed_below_a_prefix_and_deleted_with_it(
    s3: S3Server, storage: ObstoreFiles
) -> None:
    many = [f"jobs/a/input/{number:04}" for number in range(30)]
    for key in (*many, "jobs/ab/clip.mp4"):
        await put(storage, key, b"x")

    listed = await storage.keys("jobs/a")
    await storage.delete_tree("jobs/a")
    await storage.delete_tree("jobs/never")

    assert sorted(listed) == many
    assert await s3.keys() == {"animate/files/jobs/ab/clip.mp4"}
    with pytest.raises(FileNotFoundError):
        await read(storage, "jobs/a/input/0000")


async def test_a_bucket_that_is_away_or_closed_is_told_as_a_broken_disk(s3: S3Server) -> None:
    away = open_storage(URL, {**s3.cloud, "AWS_ENDPOINT": "http://127.0.0.1:9"})
    elsewhere = open_storage("s3://no-such-bucket/files", s3.cloud)

    for storage in (away, elsewhere):
        with pytest.raises(OSError, match=r"\w") as caught:
            await storage.keys("jobs")
        assert "\n" not in str(caught.value)
        assert SECRET not in str(caught.value)


async def test_what_opens_the_bucket_is_not_left_in_the_environment(s3: S3Server) -> None:
    before = dict(os.environ)

    open_storage(URL, s3.cloud)

    assert dict(os.environ) == before


async def test_an_order_with_its_files_in_a_bucket_known_from_the_env_file_alone(
    world: CrashWorld, s3: S3Server
) -> None:
    await world.bot.start()
    await world.order()
    await world.all_closed()
    [(job_id,)] = world.rows("SELECT id FROM jobs")
    kept = await s3.keys()
    await world.bot.stop()
    world.pass_time("closed_at", 8 * 86_400)
    await world.bot.start()
    await world.until(lambda: world.rows("SELECT id FROM jobs WHERE purged_at IS NOT NULL"))
    await world.bot.stop()

    assert world.states() == ["delivered"]
    names = ("clip.mp4", *INPUTS)
    assert kept == {f"animate/files/jobs/{job_id}/{name}" for name in names}
    assert await s3.keys() == set()
    assert await s3.unfinished() == []
    assert SECRET not in world.bot.log
    world.check()


async def test_orders_wait_while_the_bucket_is_away_and_none_fails(world: CrashWorld, s3: S3Server) -> None:
    await world.bot.start()
    await s3.stop()
    await world.order()
    await world.until(lambda: "disk_trouble" in world.bot.log)
    held_up = world.states()
    await s3.start()
    await world.all_closed()
    await world.bot.stop()

    assert held_up == ["preparing"]
    assert world.states() == ["delivered"]
    assert "operator_alarm" in world.bot.log
    assert "Traceback" not in world.bot.log
    assert SECRET not in world.bot.log


async def test_what_a_killed_bot_left_on_this_machine_is_swept_by_the_next(world: CrashWorld) -> None:
    await world.bot.start(ANIMATE_CRASH_AT="intake.inputs_stored")
    await world.order()
    await world.crashed("intake.inputs_stored")
    left = world.files()

    await world.bot.start()
    await world.all_closed()
    await world.bot.stop()

    assert left
    assert world.states() == ["delivered"]
    assert world.files() == set()
