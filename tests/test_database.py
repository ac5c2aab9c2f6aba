"""Connections: none is lost, whoever is cancelled when, and no more are used than are needed."""

from __future__ import annotations

import asyncio
import gc
import random
import warnings
from pathlib import Path

import pytest
from sqlalchemy import text

from studio.database import Database


async def look(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(text("SELECT 1"))


async def change(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("SELECT 1"))


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "goes"])
async def test_no_connection_is_lost_to_a_cancellation(tmp_path: Path, waits: bool) -> None:
    """Whether or not whoever cancelled waits for those who were cancelled before it closes the database."""
    moments = random.Random(1)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for _ in range(50):
            database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
            tasks = [asyncio.create_task(step(database)) for step in (look, change, look, change)]
            await asyncio.sleep(moments.random() * 0.02)
            for task in tasks:
                task.cancel()
            if waits:
                await asyncio.gather(*tasks, return_exceptions=True)
            else:
                await asyncio.sleep(0)
            await database.close()
            await asyncio.gather(*tasks, return_exceptions=True)
            del tasks, task, database
            gc.collect()

    # "The garbage collector is trying to clean up non-checked-in connection …"
    assert [str(warning.message)[:80] for warning in heard if "onnection" in str(warning.message)] == []


async def test_who_comes_alone_always_gets_the_same_connection(tmp_path: Path) -> None:
    """Each has a cache of its own, which fills up with what is read through it."""
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    await asyncio.gather(*(look(database) for _ in range(5)))
    used = set()

    for _ in range(10):
        async with database.read() as connection:
            used.add(id((await connection.get_raw_connection()).driver_connection))

    assert len(used) == 1
    await database.close()
