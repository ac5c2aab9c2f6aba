"""What was promised outlives the process: noted before the answer, taken over by the next one."""

from __future__ import annotations

import asyncio
import os
import resource
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from studio import jobs, schema
from studio.census import Census
from studio.database import Database
from studio.equipment import Equipment, Terms
from studio.front import Studio
from studio.ids import new_job_id
from studio.journal import TOKEN_LIFE, Intent, Journal, Shelf
from studio.lineage import Parent
from studio.models import (
    Ending,
    Job,
    JobState,
    Member,
    Order,
    Orientation,
    Place,
    ShotType,
    SourceFile,
    Wishes,
)
from studio.recovery import Recovery
from studio.sharing.servers import Servers
from tests.bureau import UNUSED, Bells

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


def an_order(number: int = 1, **changes: Any) -> Order:
    order = Order(
        job_id=f"job{number}",
        member=Member(4004, "Mira ☃\n", (11, 2**63 - 1)),
        place=Place(guild_id=2002, channel_id=2**63 - 1, interaction_token="aW50ZXJhY3Rpb24"),
        picture=SourceFile("https://cdn.example.org/a.heic?ex=1&hm=2", "a.heic", 12, "image/heic", "m1", "k"),
        video=SourceFile("https://cdn.example.org/b.mp4", "b.mp4", 345),
        wishes=Wishes(
            prompt='a "calm"\nforest',
            orientation=Orientation.IMAGE,
            keep_sound=False,
            shot_type=ShotType.INTELLIGENT,
            adult=True,
            as_last_time=("orientation",),
        ),
        ordered_at=NOW,
        parent=Parent("job0", 2**63 - 2, 2**63 - 3),
    )
    return replace(order, **changes)


def a_full_order() -> Order:
    """One with something in every field that an order may have by then."""
    order = an_order(overruled=True, priority=3, parent=Parent("job0", 5005, 6006))
    sources = {"motion_id": "motion1", "kept": "jobs/job0/input/motion.mp4"}
    return replace(
        order,
        picture=replace(order.picture, **sources),
        video=replace(order.video, **sources),
        wishes=replace(
            order.wishes, adult=True, left_out=("shot_type",), as_last_time=("orientation", "keep_sound")
        ),
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf.of(f"sqlite:///{tmp_path / 'bot.db'}")


def die(journal: Journal) -> None:
    """What is left of a journal when its process is killed: the kernel closes the file."""
    assert journal._descriptor is not None
    os.close(journal._descriptor)


def left(shelf: Shelf) -> list[Intent]:
    """What the next process would find; it leaves everything as it is."""
    found = []
    for leftover in shelf.left_behind():
        found += leftover.intents()
        leftover.release()
    return found


def files(shelf: Shelf) -> list[Path]:
    return sorted(shelf.folder.glob(f"{shelf.prefix}*"))


# ── the file ────────────────────────────────────────────────────────────────────────────────────


def test_a_noted_order_is_read_back_with_everything_in_it(shelf: Shelf) -> None:
    order = a_full_order()
    journal = shelf.open()
    journal.note(order, "press1")

    die(journal)

    assert left(shelf) == [Intent(order, "press1")]


def test_every_value_of_an_order_is_tried_with_something_in_it() -> None:
    """A field that is added to an order has to come through as well."""
    later = {"answer_id", "thread_id", "card_id", "outcome_id", "outcome_channel_id"}

    def empty(value: Any) -> list[str]:
        names = []
        for field in fields(value):
            inner = getattr(value, field.name)
            names += empty(inner) if is_dataclass(inner) else [field.name] * (inner in ("", None, 0, ()))
        return names

    assert set(empty(a_full_order())) - later == {
        "negative_prompt",
        "content_type",
        "keep_sound",
        "spoiler",
    }


def test_only_the_bots_own_user_can_read_it(shelf: Shelf) -> None:
    shelf.open()

    assert [stat.S_IMODE(path.stat().st_mode) for path in files(shelf)] == [0o600]


def test_it_is_emptied_as_soon_as_everything_is_recorded(shelf: Shelf) -> None:
    journal = shelf.open()
    journal.note(an_order(1))
    journal.note(an_order(2))

    journal.recorded("job1")
    journal.empty()
    one_open = files(shelf)[0].stat().st_size
    journal.recorded("job2")

    assert one_open > 0
    assert files(shelf)[0].stat().st_size == 0


async def test_it_is_emptied_by_itself(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.journal.EMPTY_EVERY_SECONDS", 0.01)
    journal = shelf.open()
    journal.note(an_order())
    journal.recorded("job1")

    keeping = asyncio.create_task(journal.keep_short())
    async with asyncio.timeout(10):
        while files(shelf)[0].stat().st_size:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)

    keeping.cancel()


def test_an_order_that_nobody_closes_does_not_keep_it_full_for_ever(shelf: Shelf) -> None:
    journal = shelf.open()
    journal.note(an_order(1))
    journal.note(an_order(2, ordered_at=NOW + TOKEN_LIFE + timedelta(seconds=1)))

    journal.recorded("job2")
    journal.empty()

    assert files(shelf)[0].stat().st_size == 0


def test_a_withdrawn_order_does_not_come_back_while_others_are_open(shelf: Shelf) -> None:
    journal = shelf.open()
    for number in (1, 2, 3):
        journal.note(an_order(number))
    journal.refused("job1")
    journal.refused("job2")
    journal.withdrawn("job2")

    die(journal)

    assert left(shelf) == [Intent(an_order(1), refused=True), Intent(an_order(3))]


def test_an_orderly_end_deletes_it_unless_something_is_open(shelf: Shelf) -> None:
    first, second = shelf.open(), shelf.open()
    second.note(an_order())

    first.close()
    second.close()

    assert left(shelf) == [Intent(an_order())]
    assert len(files(shelf)) == 1


def test_what_happens_after_its_end_is_no_error(shelf: Shelf) -> None:
    journal = shelf.open()
    journal.note(an_order())

    journal.close()
    journal.recorded("job1")

    assert left(shelf) == [Intent(an_order())]


@pytest.mark.parametrize("lost", [1, 20, 400])
def test_a_torn_last_line_is_ignored(shelf: Shelf, lost: int) -> None:
    journal = shelf.open()
    journal.note(an_order(1))
    journal.note(an_order(2))
    die(journal)
    [path] = files(shelf)
    os.truncate(path, path.stat().st_size - 1 - lost)

    assert left(shelf) == [Intent(an_order(1))]


def test_a_living_processs_journal_is_not_touched(shelf: Shelf) -> None:
    journal = shelf.open()
    journal.note(an_order())

    shelf.discard()

    assert left(shelf) == []
    assert files(shelf)[0].stat().st_size > 0


def test_a_dead_ones_is_taken_over_by_one_alone(shelf: Shelf) -> None:
    die(shelf.open())

    first, second = shelf.left_behind(), shelf.left_behind()

    assert (len(first), len(second)) == (1, 0)
    first[0].release()


def test_a_full_disk_leaves_no_half_of_an_order(shelf: Shelf) -> None:
    journal = shelf.open()
    journal.note(an_order(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (files(shelf)[0].stat().st_size + 100, hard))
    try:
        with pytest.raises(OSError, match="No space left"):
            journal.note(an_order(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.note(an_order(3))

    die(journal)

    assert [intent.order.job_id for intent in left(shelf)] == ["job1", "job3"]


def test_where_nothing_can_be_written_the_bot_goes_on_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    journal = Shelf(tmp_path / "file" / "data", "orders-").open()
    journal.note(an_order())
    journal.recorded("job1")
    journal.close()

    assert capsys.readouterr().out.count("no_journal") == 1


def test_each_database_has_a_shelf_of_its_own() -> None:
    urls = [
        "sqlite:///data/bot.db",
        "sqlite:///data/other.db",
        "postgresql://bot:secret@db/bot",
        "postgresql://bot:secret@db/trial",
    ]
    shelves = {Shelf.of(url) for url in urls}

    assert len(shelves) == 4
    assert {shelf.folder for shelf in shelves} == {Path("data")}
    assert Shelf.of("postgresql://bot:new-password@db/bot") in shelves


# ── what the next process makes of it ───────────────────────────────────────────────────────────


@dataclass
class Office:
    """A database and a shelf, as a process that starts finds them."""

    database: Database
    shelf: Shelf
    bells: Bells
    recovery: Recovery

    async def jobs(self) -> list[Job]:
        async with self.database.read() as connection:
            return await jobs.in_states(connection, list(JobState))

    def dead(self, *orders: Order) -> None:
        """Note the orders in the journal of a process that is no more."""
        journal = self.shelf.open()
        for order in orders:
            journal.note(order)
        die(journal)


@pytest.fixture
async def office(tmp_path: Path, shelf: Shelf) -> AsyncIterator[Office]:
    database, bells = Database(f"sqlite:///{tmp_path / 'bot.db'}"), Bells()
    await schema.upgrade(database)
    equipment = Equipment(
        database=database,
        storage=UNUSED,
        workshop=UNUSED,
        attachments=UNUSED,
        provider=UNUSED,
        desk=UNUSED,
        operator=UNUSED,
        clock=lambda: NOW + timedelta(seconds=5),
        terms=Terms(account="test", usd_micros_per_second=50_000, max_jobs_per_member=2),
    )
    studio = Studio(
        equipment,
        bells,
        census=Census(database),
        servers=Servers(database),
        journal=Journal(),
        new_job_id=new_job_id,
    )
    recovery = Recovery(equipment, shelf, studio.register.record, bells)
    yield Office(database, shelf, bells, recovery)
    await database.close()


async def test_an_order_that_was_only_promised_becomes_a_job_and_is_woken(office: Office) -> None:
    office.dead(an_order(1), an_order(2))

    await office.recovery.run()

    found = await office.jobs()
    assert [job.order for job in found] == [an_order(1), an_order(2)]
    assert {(job.state, job.ending) for job in found} == {(JobState.RECEIVED, None)}
    assert office.bells.woken == ["job1", "job2"]
    assert files(office.shelf) == []


async def test_an_order_that_was_recorded_after_all_stays_as_it_is(office: Office) -> None:
    async with office.database.write() as connection:
        await jobs.insert(connection, an_order())
        await jobs.withdraw(connection, "job1", ending=Ending("interrupted"), now=NOW)
    office.dead(an_order())

    await office.recovery.run()

    assert [job.state for job in await office.jobs()] == [JobState.CANCELLED]
    assert office.bells.woken == []
    assert files(office.shelf) == []


async def test_a_refused_order_whose_answer_still_promises_comes_back_only_to_be_told(office: Office) -> None:
    journal = office.shelf.open()
    journal.note(an_order())
    journal.refused("job1")
    die(journal)

    await office.recovery.run()

    [job] = await office.jobs()
    assert (job.state, job.ending, job.counts) == (JobState.RECEIVED, Ending("interrupted"), False)


async def test_an_order_that_has_become_one_too_many_is_recorded_only_to_be_told(office: Office) -> None:
    office.dead(an_order(1), an_order(2), an_order(3))

    await office.recovery.run()

    endings = [job.ending for job in await office.jobs()]
    assert endings == [None, None, Ending("too_many_jobs_member", {"limit": 2})]
    assert office.bells.woken == ["job1", "job2", "job3"]


async def test_an_order_whose_answer_can_no_longer_be_found_is_said_to_be_lost(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.dead(an_order(ordered_at=NOW - TOKEN_LIFE))

    await office.recovery.run()

    said = capsys.readouterr().out
    assert await office.jobs() == []
    assert "order_lost" in said
    assert "job1" in said
    assert "aW50ZXJhY3Rpb24" not in said
    assert files(office.shelf) == []


async def test_while_the_database_takes_nothing_the_orders_stay_where_they_are(office: Office) -> None:
    office.dead(an_order())
    async with office.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs RENAME TO jobs_away")

    with pytest.raises(Exception, match="no such table"):
        await office.recovery.run()
    async with office.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs_away RENAME TO jobs")
    await office.recovery.run()

    assert [job.id for job in await office.jobs()] == ["job1"]
