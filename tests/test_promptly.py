"""Reading that is given up in time, and loses no connection by that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from studio import jobs, promptly
from studio.database import Database
from studio.errors import OrderRefused
from studio.models import Job
from tests.hanging import hanging


@asynccontextmanager
async def silent(database: Database) -> AsyncIterator[None]:
    """Have whoever reads jobs wait for as long as this lasts."""
    if database.is_sqlite:
        async with hanging(Path(str(make_url(str(database.engine.url)).database))):
            yield
    else:
        async with database.write() as connection:
            await connection.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
            yield


async def reading(database: Database) -> Job | None:
    async with database.read() as connection:
        return await jobs.get(connection, "job1")


async def test_all_that_an_interaction_reads_has_one_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promptly, "ANSWER_SECONDS", 0.5)
    await reading(database)
    promptly.begin()
    began = time.monotonic()

    async with silent(database):
        for _ in range(3):
            with pytest.raises(OrderRefused, match="database_busy"):
                await promptly.in_time(reading(database))
        took = time.monotonic() - began

    assert took < 1.5
    async with asyncio.timeout(15):
        while database._pool.checkedout() or promptly._stopping:  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.05)
    assert await reading(database) is None


async def test_what_fails_in_time_fails_as_it_is(database: Database) -> None:
    async def refusing() -> None:
        async with database.read():
            raise OrderRefused("form_over")

    with pytest.raises(OrderRefused, match="form_over"):
        await promptly.in_time(refusing())


async def test_who_is_cancelled_cancels_what_they_wait_for() -> None:
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(promptly.within(60, endless()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()

    async with asyncio.timeout(5):
        await ended.wait()
    assert waiting.cancelled()
