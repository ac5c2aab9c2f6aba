"""What is looked for by member or by message is found by an index, on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event

from studio.database import Database
from studio.equipment import Equipment
from studio.moderation import approvals, audit, forgetting, privacy, takedowns
from studio.sharing import tallies
from tests.builders import FixedClock, a_job
from tests.pool_world import equipment_on

LARGE = re.compile(r"(?:SCAN|Scan.* on) (?:jobs|ledger|tallies|audit|approvals)\b")
"""Tables that grow with every clip or decision; the others stay small."""

SHORT = ("ix_jobs_unpurged", "ix_jobs_unended", "ix_jobs_unclosed")
"""Indexes of the few rows that something is still to be done about."""


@contextmanager
def overheard(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that reaches the database meanwhile."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        heard.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", hear)


async def scans(database: Database, heard: list[tuple[str, Any]]) -> list[str]:
    """The statements that would read a large table from its beginning to its end."""
    found = []
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    async with database.write() as connection:
        if not database.is_sqlite:
            # Of small tables it would read the whole, index or not.
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in heard:
            if not statement.startswith(("SELECT", "UPDATE", "DELETE")):
                continue
            plan = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
            steps = [str(row[-1]).strip() for row in plan]
            if any(is_scan(step, after) for step, after in pairwise([*steps, ""])):
                found.append(f"{statement}\n  " + "\n  ".join(steps))
    return found


def is_scan(step: str, after: str) -> bool:
    """Whether a step of a plan reads one of the large tables, or an index of it, as a whole."""
    if not LARGE.search(step) or any(index in step for index in SHORT):
        return False
    if "Scan" in step:
        return not after.startswith(("Index Cond", "Recheck Cond"))
    return step.startswith("SCAN")


@pytest.fixture
def equipment(database: Database, clock: FixedClock) -> Equipment:
    return equipment_on(database, clock=clock)


async def test_a_clip_is_found_by_any_of_its_messages(database: Database, equipment: Equipment) -> None:
    job = await a_job(database, answer_id=7)

    with overheard(database) as heard:
        async with database.read() as connection:
            found = [await takedowns.find(connection, 1, message_id) for message_id in (7, 9)]
            left = await takedowns.unfinished(connection)

    assert [each.id if each else None for each in found] == [job.id, None]
    assert left == []
    assert await scans(database, heard) == []


async def test_a_member_is_forgotten_without_reading_whole_tables(
    database: Database, equipment: Equipment
) -> None:
    with overheard(database) as heard:
        async with database.write() as connection:
            await forgetting.forget_in_books(connection, 10)
            await tallies.rename(connection, 10, -10)
            await forgetting.jobs_of(connection, 10)

    assert len(heard) > 15
    assert await scans(database, heard) == []


async def test_a_members_own_copy_and_record_are_read_without_whole_tables(
    database: Database, clock: FixedClock
) -> None:
    with overheard(database) as heard:
        async with database.read() as connection:
            await privacy.export(connection, 10, now=clock())
            await approvals.history_of(connection, guild_id=1, member_id=10)
            await audit.newest(connection, 1)

    assert len(heard) > 10
    assert await scans(database, heard) == []


async def test_a_table_that_is_read_whole_would_be_noticed(database: Database) -> None:
    with overheard(database) as heard:
        async with database.read() as connection:
            await connection.exec_driver_sql("SELECT id FROM jobs WHERE member_name = 'Ada'")

    assert len(await scans(database, heard)) == 1
