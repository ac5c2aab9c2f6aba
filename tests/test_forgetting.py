"""Being forgotten, one's own copy, and servers that were left: what goes, what stays without a name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from obstore.store import LocalStore
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import OperationalError

from studio import cancelling, jobs, ledger, turns
from studio.aliases import alias_of
from studio.database import Database
from studio.database import jobs as rows
from studio.database import ledger as entries
from studio.equipment import Equipment, Terms
from studio.errors import DeskUnavailable, OrderRefused
from studio.ledger import Because
from studio.models import Job, JobState
from studio.moderation import approvals, audit, departures
from studio.moderation.care import Care, open_care
from studio.moderation.departures import Shards
from studio.moderation.upkeep import Upkeep
from studio.sharing import admission, grants, servers
from studio.sharing import blocks as member_blocks
from studio.sharing.grants import Given
from studio.sharing.policy import Policy, Share
from studio.sharing.tables import blocks, consents, reports, tallies
from studio.storage import ObstoreFiles
from tests.builders import FixedClock, a_job
from tests.bureau import UNUSED, Bells

ME, OTHER, SERVER = 10, 11, 1
DAY = 86_400.0


class Desk:
    """Where clips stand; `away`: Discord cannot be reached."""

    def __init__(self) -> None:
        self.erased: list[str] = []
        self.away = False

    async def erase(self, job: Job) -> None:
        if self.away:
            raise DeskUnavailable
        self.erased.append(job.id)


class Files(ObstoreFiles):
    """Real files; `away`: nothing can be deleted."""

    away = False

    async def delete_tree(self, prefix: str) -> None:
        if self.away:
            raise OSError("the storage is away")
        await super().delete_tree(prefix)


@pytest.fixture
async def equipment(database: Database, clock: FixedClock, tmp_path: Path) -> Equipment:
    return Equipment(
        database=database,
        storage=Files(LocalStore(prefix=tmp_path / "files", mkdir=True), folder=tmp_path / "files"),
        workshop=UNUSED,
        attachments=UNUSED,
        provider=UNUSED,
        desk=cast(Any, Desk()),
        operator=UNUSED,
        clock=clock,
        terms=Terms(account="test", usd_micros_per_second=50_000),
    )


@pytest.fixture
def care(equipment: Equipment) -> Care:
    return open_care(equipment, Bells())


async def a_delivered(equipment: Equipment, *, member_id: int = ME, guild_id: int = SERVER) -> Job:
    """A closed job with a clip in storage, paid for and counted."""
    job = await a_job(
        equipment.database, JobState.RENDERING, member_id=member_id, guild_id=guild_id, answer_id=7
    )
    now = equipment.clock()
    async with equipment.storage.workspace() as folder:
        (folder / "clip").write_bytes(b"x")
        await equipment.storage.put(f"jobs/{job.id}/clip.mp4", folder / "clip")
    async with equipment.database.write() as connection:
        why = Because(actor=f"member:{member_id}", reason="ordered")
        await admission.hold(connection, job, 200_000, now=now, because=why, budget=None, clips=1)
        await ledger.settle(connection, job, 200_000, now=now, because=why)
        done = {"state": JobState.DELIVERED, "ended_at": now, "closed_at": now, "source_url": "https://x/y"}
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**done, version=9))
        about = audit.Entry(
            at=now, guild_id=guild_id, actor_id=5, action="granted", subject=f"<@{member_id}>",
            details={"member": member_id},
        )  # fmt: skip
        await audit.add(connection, about)
        key = {"guild_id": guild_id, "member_id": member_id, "version": 1}
        await connection.execute(consents.delete().where(consents.c.member_id == member_id))
        await connection.execute(consents.insert().values(**key, at=now))
    return job


async def everything(database: Database) -> str:
    """All that the database holds, as text."""
    found = []
    async with database.read() as connection:
        for table in rows.metadata.sorted_tables:
            found += [str(tuple(row)) for row in await connection.execute(select(table))]
    return "\n".join(found)


async def block(database: Database, now: datetime, member_id: int) -> None:
    async with database.write() as connection:
        await connection.execute(
            blocks.insert().values(
                id="b", at=now, guild_id=SERVER, member_id=member_id, actor_id=5, reason="rude"
            )
        )


@pytest.fixture
def me(monkeypatch: pytest.MonkeyPatch) -> int:
    return 987_654_321_012_345_678


async def test_nothing_in_the_database_names_who_was_forgotten(
    equipment: Equipment, care: Care, me: int
) -> None:
    job = await a_delivered(equipment, member_id=me)
    await block(equipment.database, equipment.clock(), me)
    other = await a_delivered(equipment, member_id=OTHER)

    done = await care.privacy.forget(me)

    assert done
    text = await everything(equipment.database)
    assert str(me) not in text
    for gone in (f"member {me}", "a calm forest', 'picture"):
        assert gone not in text
    async with equipment.database.read() as connection:
        forgotten, kept = await jobs.get(connection, job.id), await jobs.get(connection, other.id)
        total = (await connection.execute(select(func.sum(entries.c.amount_usd_micros)))).scalar_one()
        assert (await connection.execute(select(consents.c.member_id))).scalars().all() == [OTHER]
    assert forgotten is not None
    assert kept is not None
    assert (forgotten.order.member.id, forgotten.order.member.name) == (alias_of(me), "")
    assert (forgotten.order.wishes.prompt, forgotten.source_url) == ("", None)
    assert kept.order.wishes.prompt == "a calm forest"
    assert total == 400_000
    assert cast(Desk, equipment.desk).erased == [job.id]
    assert await equipment.storage.keys(f"jobs/{job.id}") == []
    assert len(await equipment.storage.keys(f"jobs/{other.id}")) == 1


async def test_blocks_and_shares_still_find_who_was_forgotten_also_twice(
    equipment: Equipment, care: Care
) -> None:
    now = equipment.clock()
    await block(equipment.database, now, ME)
    for _ in range(2):
        job = await a_delivered(equipment)
        await care.privacy.forget(ME)

    async with equipment.database.read() as connection:
        server = await servers.read(connection, SERVER, now)
        limited = replace(server, policy=Policy(pool=Share(clips=5)))
        found = await admission.allotments(connection, limited, job.order.member, now=now, budget=None)
        members = (await connection.execute(select(tallies.c.member_id, tallies.c.clips))).all()

    assert server.is_blocked(ME, now)
    assert not server.is_blocked(OTHER, now)
    assert [each.used.clips for each in found.always] == [2]
    assert dict(members)[alias_of(ME)] == 2
    assert ME not in dict(members)


async def test_who_was_blocked_and_then_forgotten_can_be_unblocked_and_freed_of_limits(
    equipment: Equipment, care: Care
) -> None:
    database, now = equipment.database, equipment.clock()
    await a_delivered(equipment)
    await block(database, now, ME)
    limit = Given(
        id="g",
        at=now,
        guild_id=SERVER,
        clips=5,
        replaces=True,
        until=None,
        actor_id=5,
        reason="",
        member_id=ME,
    )
    async with database.write() as connection:
        await grants.add(connection, limit)
    await care.privacy.forget(ME)
    await a_delivered(equipment)

    async with database.write() as connection:
        record = await approvals.history_of(connection, guild_id=SERVER, member_id=ME)
        [past] = await member_blocks.history(connection, SERVER, ME)
        lifted = await member_blocks.lift(connection, SERVER, ME, by=5, now=now)
        ended = await grants.end_limits(connection, SERVER, ME, now)
        server = await servers.read(connection, SERVER, now)
        left = await grants.of_member(connection, guild_id=SERVER, member_id=ME, role_ids=(), now=now)

    assert (past.reason, lifted, ended) == ("rude", 1, 1)
    assert (record.made, record.blocks) == (2, 1)
    assert not server.is_blocked(ME, now)
    assert left == []


async def test_a_running_clip_is_cancelled_and_forgotten_when_it_has_ended(
    equipment: Equipment, care: Care, clock: FixedClock
) -> None:
    waiting = await a_job(equipment.database, JobState.QUEUED, member_id=ME, guild_id=SERVER)
    rendering = await a_job(equipment.database, JobState.RENDERING, member_id=ME, guild_id=SERVER)

    done = await care.privacy.forget(ME)

    assert not done
    async with equipment.database.read() as connection:
        first, second = await jobs.get(connection, waiting.id), await jobs.get(connection, rendering.id)
    assert first is not None
    assert second is not None
    assert first.state is JobState.CANCELLED
    # The worker must not lose what the provider is just answering.
    assert (second.cancel, second.version) == ("asked", rendering.version)
    async with equipment.database.write() as connection:
        ended = {"state": JobState.CANCELLED, "ended_at": clock(), "closed_at": clock()}
        await connection.execute(update(rows).values(**ended))
    await Upkeep(equipment, care).look()
    async with equipment.database.read() as connection:
        assert set((await connection.execute(select(rows.c.member_id))).scalars()) == {alias_of(ME)}
    assert await care.forgetting.asked() == []


async def test_an_outage_of_discord_only_delays_it(equipment: Equipment, care: Care) -> None:
    await a_delivered(equipment)
    desk = cast(Desk, equipment.desk)
    desk.away = True

    done = await care.privacy.forget(ME)
    desk.away = False
    await Upkeep(equipment, care).look()

    assert not done
    assert len(desk.erased) == 1
    assert await care.forgetting.asked() == []


async def test_an_outage_of_the_storage_only_delays_it(equipment: Equipment, care: Care) -> None:
    job = await a_delivered(equipment)
    files = cast(Files, equipment.storage)
    files.away = True

    done = await care.privacy.forget(ME)
    half = await equipment.storage.keys(f"jobs/{job.id}")
    await Upkeep(equipment, care).look()
    files.away = False
    await Upkeep(equipment, care).look()

    assert not done
    assert len(half) == 1
    assert await equipment.storage.keys(f"jobs/{job.id}") == []
    assert await care.forgetting.asked() == []


@contextmanager
def going_away(database: Database, *, after: int) -> Iterator[None]:
    """No statement but the first few reaches the database."""
    left = iter(range(after))

    def refuse(*_call: Any) -> None:
        if next(left, None) is None:
            raise OperationalError("", {}, Exception("the database is away"))

    event.listen(database.engine.sync_engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", refuse)


@pytest.mark.parametrize("after", [0, 4, 12, 20, 26, 32])
async def test_an_outage_of_the_database_at_any_moment_is_made_up_for(
    equipment: Equipment, care: Care, me: int, after: int
) -> None:
    job = await a_delivered(equipment, member_id=me)

    try:
        with going_away(equipment.database, after=after):
            done = await care.privacy.forget(me)
    except OrderRefused:
        # Then not even the wish was stored, and the member is told so.
        assert await care.forgetting.asked() == []
        done = await care.privacy.forget(me)
    await Upkeep(equipment, care).look()

    assert done is (after == 0)
    assert str(me) not in await everything(equipment.database)
    assert await equipment.storage.keys(f"jobs/{job.id}") == []
    assert await care.forgetting.asked() == []


async def test_the_copy_holds_ones_own_and_nobody_elses(equipment: Equipment, care: Care) -> None:
    job = await a_delivered(equipment)
    await a_delivered(equipment, member_id=OTHER)
    async with equipment.database.write() as connection:
        for number, (about, by) in enumerate([(job.id, OTHER), ("x", ME)]):
            await connection.execute(
                reports.insert().values(
                    id=f"r{number}", at=equipment.clock(), guild_id=1, job_id=about, reporter_id=by,
                    reason=f"by {by}", state="open",
                )
            )  # fmt: skip

    file = await care.privacy.export(ME)

    found = json.loads(file.content)
    assert file.name == "my-data.json"
    assert [each["id"] for each in found["jobs"]] == [job.id]
    assert found["jobs"][0]["wishes"]["prompt"] == "a calm forest"
    assert {each["member_id"] for each in found["ledger"]} == {ME}
    assert [each["reason"] for each in found["reports_by_me"]] == [f"by {ME}"]
    assert found["decisions"][0]["actor_id"] is None
    assert "interaction_token" not in found["jobs"][0]
    assert len(found["consents"]) == 1


async def test_a_server_that_was_left_is_deleted_after_thirty_days(
    equipment: Equipment, care: Care, clock: FixedClock, me: int
) -> None:
    job = await a_delivered(equipment, member_id=me)
    other = await a_delivered(equipment, guild_id=2, member_id=OTHER)
    await care.departures.note(SERVER, clock(), left=True)
    clock.tick(29.9 * DAY)
    await departures.clean(equipment)
    assert str(me) in await everything(equipment.database)
    # Said again, as at each start: the days go on from the first time.
    await care.departures.note(SERVER, clock(), left=True)

    clock.tick(0.2 * DAY)
    await departures.clean(equipment)

    assert str(me) not in await everything(equipment.database)
    assert await equipment.storage.keys(f"jobs/{job.id}") == []
    assert len(await equipment.storage.keys(f"jobs/{other.id}")) == 1
    async with equipment.database.read() as connection:
        total = (await connection.execute(select(func.sum(entries.c.amount_usd_micros)))).scalar_one()
        assert (await connection.execute(select(servers.servers))).all() == []
    assert total == 400_000


async def test_coming_back_keeps_everything(equipment: Equipment, care: Care, clock: FixedClock) -> None:
    await a_delivered(equipment)
    await care.departures.note(SERVER, clock(), left=True)
    clock.tick(20 * DAY)
    await care.departures.note(SERVER, clock(), left=False)
    clock.tick(20 * DAY)

    await departures.clean(equipment)

    async with equipment.database.read() as connection:
        assert set((await connection.execute(select(rows.c.member_id))).scalars()) == {ME}


async def test_what_was_missed_is_found_at_the_start_for_ones_own_shards_alone(
    equipment: Equipment, care: Care, clock: FixedClock
) -> None:
    one, two, three = (number << 22 for number in (1, 2, 4))
    for guild_id in (one, two, three):
        await a_delivered(equipment, guild_id=guild_id)

    await care.departures.compare([three], clock(), shards=Shards(2, [0]))

    async with equipment.database.read() as connection:
        found = {each: (await servers.read(connection, each, clock())).left_at for each in (one, two, three)}
    assert found == {one: None, two: clock(), three: None}


async def test_the_operators_word_on_a_server_outlives_its_data(
    equipment: Equipment, care: Care, clock: FixedClock
) -> None:
    async with equipment.database.write() as connection:
        server = await servers.read(connection, SERVER, clock())
        await servers.change(connection, server, access="denied", policy=Policy(paused=True), name="x")
    await care.departures.note(SERVER, clock(), left=True)
    clock.tick(31 * DAY)

    await departures.clean(equipment)

    async with equipment.database.read() as connection:
        server = await servers.read(connection, SERVER, clock())
    assert (server.access, server.name, server.policy, server.left_at) == ("denied", "", Policy(), None)


def test_an_alias_is_no_discord_id_and_its_own_alias() -> None:
    aliases = {alias_of(number) for number in range(1, 2000)}

    assert len(aliases) == 1999
    assert all(-(2**62) < alias < 0 and alias_of(alias) == alias for alias in aliases)


async def test_what_waits_in_a_server_that_was_left_is_withdrawn_and_never_sent(
    equipment: Equipment, care: Care, clock: FixedClock
) -> None:
    database = equipment.database
    queued = await a_job(database, JobState.QUEUED, guild_id=SERVER)
    other = await a_job(database, JobState.QUEUED, guild_id=2)
    rendering = await a_job(database, JobState.RENDERING, guild_id=SERVER)
    async with database.write() as connection:
        why = Because(actor="studio", reason="ordered")
        await admission.hold(connection, queued, 200_000, now=clock(), because=why, budget=None, clips=1)

    await care.departures.note(SERVER, clock(), left=True)

    async with database.read() as connection:
        turn = await turns.next_ids(connection, now=clock(), limit=5)
    await departures.clean(equipment)
    async with database.read() as connection:
        left = [await jobs.get(connection, each.id) for each in (queued, other, rendering)]
        held = await ledger.held_for(connection, queued.id)
    assert turn == [other.id]
    assert [job.state for job in left if job] == [JobState.CANCELLED, JobState.QUEUED, JobState.RENDERING]
    assert held == 0


async def test_the_rules_of_a_server_that_was_left_stay_until_its_last_clip_is_closed(
    equipment: Equipment, care: Care, clock: FixedClock
) -> None:
    database = equipment.database
    job = await a_job(database, JobState.RENDERING, guild_id=SERVER)
    await care.departures.note(SERVER, clock(), left=True)
    clock.tick(31 * DAY)

    await departures.clean(equipment)
    async with database.write() as connection:
        before = await servers.read(connection, SERVER, clock())
        done = {"state": JobState.FAILED, "ended_at": clock(), "closed_at": clock()}
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**done))
    await departures.clean(equipment)

    async with database.read() as connection:
        after = await servers.read(connection, SERVER, clock())
        forgotten = await jobs.get(connection, job.id)
    assert before.left_at is not None
    assert after.left_at is None
    assert forgotten is not None
    assert (forgotten.order.member.id, forgotten.order.member.name) == (0, "")


async def test_neither_export_nor_rows_name_a_moderator_who_took_a_clip_down_and_was_forgotten(
    equipment: Equipment, care: Care, me: int
) -> None:
    mine, own = await a_delivered(equipment), await a_delivered(equipment, member_id=me)
    queued = await a_job(equipment.database, JobState.QUEUED, member_id=ME, guild_id=SERVER)
    now, why = equipment.clock(), Because(actor="studio", reason="ordered")
    async with equipment.database.write() as connection:
        await admission.hold(connection, queued, 200_000, now=now, because=why, budget=None)
        await cancelling.cancel(connection, queued.id, by=me, now=now)
    await care.safety.take_down(await care.safety.job(SERVER, job_id=mine.id), by=me, reason="rude")
    await care.safety.take_down(await care.safety.job(SERVER, job_id=own.id), by=me, reason="")

    others, ones_own = await care.privacy.export(ME), await care.privacy.export(me)
    done = await care.privacy.forget(me)

    assert str(me).encode() not in others.content
    assert f"<@{me}>".encode() in ones_own.content
    assert done
    assert str(me) not in await everything(equipment.database)
