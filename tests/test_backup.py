"""`bot.py backup` and `bot.py restore`, as an operator uses them, with a bot that runs meanwhile."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from providers.sandbox import Fault
from tests.bot_process import ROOT
from tests.crash_world import CrashWorld, crash_world

SLOW_UPLOAD = Fault(on="presign", delay=15.0)
"""Leaves time for a backup between an order and its submit."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CrashWorld]:
    folder = tmp_path / "first"
    folder.mkdir()
    async with crash_world(folder, f"sqlite:///{folder / 'bot.db'}", seconds=2.0) as opened:
        yield opened


async def command(world: CrashWorld, *arguments: str) -> tuple[int, str]:
    """Run `bot.py` with the bot's own settings; return the exit code and what was said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        *arguments,
        cwd=world.folder,
        env=world.bot.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def lose_everything(world: CrashWorld) -> None:
    """The machine is gone: the bot goes on elsewhere, in an empty folder."""
    await world.bot.kill()
    world.move_to(world.folder.parent / "second")


async def until_state(world: CrashWorld, *states: str) -> None:
    await world.until(lambda: bool(set(states) & set(world.states())))


@pytest.mark.parametrize("state", ["submitting", "rendering"])
async def test_a_job_goes_on_where_a_backup_made_in_the_middle_of_it_is_restored(
    world: CrashWorld, tmp_path: Path, state: str
) -> None:
    archive = tmp_path / "backup.tar"
    if state == "submitting":
        world.sandbox.faults.add(SLOW_UPLOAD)
    await world.bot.start()
    await world.order()
    await until_state(world, state)
    made = await command(world, "backup", str(archive))
    await lose_everything(world)

    restored = await command(world, "restore", str(archive))
    await world.bot.start()
    await world.all_closed()
    await world.bot.stop()

    assert made[0] == 0, made[1]
    assert restored[0] == 0, restored[1]
    assert world.states() == ["delivered"]
    world.check()


async def test_an_order_that_was_rendered_since_the_backup_is_not_ordered_again(
    world: CrashWorld, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    world.sandbox.faults.add(SLOW_UPLOAD)
    await world.bot.start()
    await world.order()
    await until_state(world, "submitting")
    await command(world, "backup", str(archive))
    await world.all_closed()
    [render] = world.sandbox.account.charges
    await lose_everything(world)

    code, said = await command(world, "restore", str(archive))
    await world.bot.start()
    await world.all_closed()
    await world.bot.stop()

    assert code == 0, said
    assert render in said
    assert world.states() == ["expired"]
    assert list(world.sandbox.account.charges) == [render]
    assert len(world.outcomes(world.discord.answers[world.tokens[0]])) == 1


async def test_nothing_is_decided_while_the_providers_list_cannot_be_read(
    world: CrashWorld, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    world.sandbox.faults.add(SLOW_UPLOAD)
    await world.bot.start()
    await world.order()
    await until_state(world, "submitting")
    await command(world, "backup", str(archive))
    await lose_everything(world)
    world.sandbox.key, right_key = "another", world.sandbox.key

    first = await command(world, "restore", str(archive))
    world.sandbox.key = right_key
    since = first[1].split("--since ")[1].split()[0]
    second = await command(world, "restore", "--since", since)

    assert first[0] == 1
    assert "Do not start the bot" in first[1]
    assert second[0] == 0, second[1]
    assert "1 waiting orders go on" in second[1]


async def test_a_backup_lists_every_file_with_its_size_and_checksum(
    world: CrashWorld, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    await world.bot.start()
    await world.order()
    await world.all_closed()

    code, said = await command(world, "backup", str(archive))

    assert code == 0, said
    with tarfile.open(archive) as opened:
        manifest = json.load(opened.extractfile("manifest.json"))  # type: ignore[arg-type]
        sizes = {member.name: member.size for member in opened}
    listed = {Path(entry["name"]).name: entry for entry in manifest["files"]}
    # With what the clip was made of, so that it can be made once more.
    assert {"clip.mp4", "picture.jpg", "motion.mp4"} <= set(listed)
    assert all(sizes[f"files/{entry['name']}"] == entry["size"] > 0 for entry in listed.values())
    assert sizes["bot.db"] == manifest["database"]["size"]


async def test_a_backup_overwrites_nothing_and_neither_does_a_restore(
    world: CrashWorld, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar"
    await world.bot.start()
    await world.bot.stop()
    await command(world, "backup", str(archive))
    before = archive.read_bytes()

    again = await command(world, "backup", str(archive))
    restored = await command(world, "restore", str(archive))

    assert again[0] == 1
    assert "exists already" in again[1]
    assert restored[0] == 1
    assert "move it away" in restored[1]
    assert archive.read_bytes() == before


@pytest.mark.parametrize("harm", ["database", "name"])
async def test_a_damaged_or_crafted_archive_leaves_no_database_behind(
    world: CrashWorld, tmp_path: Path, harm: str
) -> None:
    archive = tmp_path / "backup.tar"
    await world.bot.start()
    await world.bot.stop()
    await command(world, "backup", str(archive))
    spoil(archive, harm)
    await lose_everything(world)

    code, said = await command(world, "restore", str(archive))

    assert code == 1
    assert "cannot be restored" in said
    assert "Traceback" not in said
    assert not (world.folder / "bot.db").exists()


def spoil(archive: Path, harm: str) -> None:
    with tarfile.open(archive) as opened:
        members = {member.name: opened.extractfile(member).read() for member in opened}  # type: ignore[union-attr]
    if harm == "database":
        members["bot.db"] = members["bot.db"][:-1] + b"?"
    else:
        manifest = json.loads(members["manifest.json"])
        manifest["files"] = [{"name": "jobs/../../outside", "size": 0, "sha256": ""}]
        members["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(archive, "w") as opened:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
