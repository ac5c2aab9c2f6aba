"""The operator's own commands and alarms, as the owner and as a stranger meet them."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
from simcord import MemberActor as Person
from structlog.testing import capture_logs

from cogs.moderation.operator import OperatorGroup
from cogs.owner import Owner
from studio import notes, queue, schema
from studio.alarms import Alarms
from studio.database import Database
from studio.errors import OperatorProblem
from studio.ledger import Because
from studio.moderation import audit
from studio.moderation.telling import sentence_of
from studio.operating import EVERYWHERE, Operating
from studio.sharing import admission, spending
from tests.builders import FixedClock, a_job
from tests.bureau import Bureau, new_client, open_bureau

OFFICE: dict[str, Person] = {}
"""The owner and an administrator of the same server who is not."""


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        client = new_client(bureau)
        everything = discord.Permissions(administrator=True)
        OFFICE["owner"] = bureau.world.add_member("ada", "Ada", permissions=everything)
        OFFICE["stranger"] = bureau.world.add_member("eve", "Eve", permissions=everything)
        client.owner_id = OFFICE["owner"].id
        operating = Operating(bureau.equipment, bureau.servers)
        client.install_for(bureau.world.guild.id, OperatorGroup(client, operating))
        await bureau.restart(client)
        yield bureau


async def operate(bureau: Bureau, command: str, *, stranger: bool = False, **options: Any) -> str:
    who = OFFICE["stranger" if stranger else "owner"]
    result = await bureau.world.slash(who, bureau.world.clips, f"operator {command}", **options)
    # Answered at once with "thinking…", and told a moment later.
    await bureau.world.eventually(lambda: result.response is not None and result.response.content)
    assert result.response is not None
    assert result.response.ephemeral
    return result.response.content


async def told(bureau: Bureau, guild_id: int) -> list[str]:
    """What the server's record says of the operator's decisions, after who made them."""
    async with bureau.database.read() as connection:
        sentences = [sentence_of(entry) for _, entry in await audit.newest(connection, guild_id)]
    return [re.split("bot's operator[,:]? ", sentence)[-1] for sentence in sentences]


async def recorded(bureau: Bureau, guild_id: int) -> list[str]:
    async with bureau.database.read() as connection:
        return [entry.action for _, entry in await audit.newest(connection, guild_id)]


async def test_a_paused_house_takes_no_orders_until_it_is_resumed(bureau: Bureau) -> None:
    await operate(bureau, "pause")
    refused = await bureau.order()
    status = await operate(bureau, "status")
    await operate(bureau, "resume")
    await bureau.ordered()

    assert refused.response is not None
    assert "paused all new clips" in refused.response.content
    assert "**Paused**" in status
    assert await recorded(bureau, EVERYWHERE) == ["house_resumed", "house_paused"]


async def test_resuming_also_ends_what_the_provider_held_up_and_tells_the_running_bots(
    bureau: Bureau,
) -> None:
    now = bureau.studio.now()
    async with bureau.database.write() as connection:
        await queue.pause(
            connection,
            now=now,
            claimed_at=now,
            seconds=lambda _strikes: 600.0,
            problem=OperatorProblem.BALANCE,
        )

    await operate(bureau, "resume")

    async with bureau.database.read() as connection:
        assert await queue.read_pause(connection) is None
        assert await notes.read(connection, "operator_summons") is not None


async def test_a_draining_house_says_that_an_update_is_near(bureau: Bureau) -> None:
    await operate(bureau, "drain")

    refused = await bureau.order()

    assert refused.response is not None
    assert "about to be updated" in refused.response.content


async def test_a_servers_cap_refuses_what_would_pass_it(bureau: Bureau) -> None:
    server = str(bureau.world.guild.id)
    await bureau.ordered()

    said = await operate(bureau, "cap", server=server, dollars=0.2)
    refused = await bureau.order()
    freed = await operate(bureau, "cap", server=server)
    await bureau.ordered()

    assert "Demo server may spend $0.20 a month." in said
    assert refused.response is not None
    assert (
        "The bot's operator allows this server $0.20 a month; $0.05 of it is left" in refused.response.content
    )
    assert "no cap of its own" in freed
    assert await told(bureau, bureau.world.guild.id) == [
        "took away this server's own monthly cap.",
        "let this server spend $0.20 a month at most.",
    ]


async def test_a_denied_server_and_one_that_is_not_on_the_list_may_not_order(bureau: Bureau) -> None:
    server = str(bureau.world.guild.id)
    heard = []

    for command, options in (
        ("access", {"server": server, "access": "denied"}),
        ("access", {"server": server, "access": "house"}),
        ("listed", {"only": True}),
        ("access", {"server": server, "access": "allowed"}),
    ):
        await operate(bureau, command, **options)
        result = await bureau.order()
        assert result.response is not None
        heard.append("not opened me for this server" in result.response.content)

    assert heard == [True, False, True, False]
    assert await told(bureau, bureau.world.guild.id) == [
        "this server may order clips.",
        "this server is treated like every other.",
        "this server may not order clips.",
    ]


async def test_the_status_names_what_was_spent_by_whom(bureau: Bureau) -> None:
    await bureau.ordered()
    await operate(bureau, "cap", server=str(bureau.world.guild.id), dollars=50)

    status = await operate(bureau, "status")

    assert "this month $0.15 for 1 clip." in status
    assert "Demo server: $0.15 for 1 clip, cap $50.00" in status
    assert "received 1" in status


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("status", {}),
        ("pause", {}),
        ("resume", {}),
        ("drain", {}),
        ("listed", {"only": True}),
        ("cap", {"server": "1", "dollars": 1}),
        ("access", {"server": "1", "access": "denied"}),
    ],
)
async def test_a_stranger_is_refused_with_nothing_changed(
    bureau: Bureau, command: str, options: dict[str, Any]
) -> None:
    with capture_logs() as logged:
        said = await operate(bureau, command, stranger=True, **options)

    assert "Only the bot's owner" in said
    assert any(line["event"] == "not_permitted" for line in logged)
    assert not await recorded(bureau, EVERYWHERE)
    assert not await recorded(bureau, 1)


async def test_an_unknown_server_is_told_so(bureau: Bureau) -> None:
    assert "I do not know that server" in await operate(bureau, "cap", server="my server", dollars=1)


# ── alarms ──────────────────────────────────────────────────────────────────────────────────────


class Inbox:
    """An owner's messages; `reachable` False: they do not arrive. Each takes `seconds`."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.heard: list[str] = []
        self.reachable = True
        self.seconds = seconds

    async def tell(self, subject: str, _text: str) -> bool:
        await asyncio.sleep(self.seconds)
        if self.reachable:
            self.heard.append(subject)
        return self.reachable


async def test_an_alarm_is_told_once_also_over_a_restart_and_again_when_it_was_settled(
    database: Database,
) -> None:
    inbox = Inbox()
    before, after = Alarms(database, inbox.tell), Alarms(database, inbox.tell)

    await before.alarm("provider: balance", "gone")
    await before.alarm("provider: balance", "gone")
    await after.alarm("provider: balance", "gone")
    await after.clear("provider: balance")
    await after.alarm("provider: balance", "gone")

    assert inbox.heard == ["provider: balance"] * 2


async def test_an_alarm_that_reached_nobody_is_told_with_the_next_one(database: Database) -> None:
    inbox = Inbox()
    alarms = Alarms(database, inbox.tell)
    inbox.reachable = False
    await alarms.alarm("disk", "full")
    inbox.reachable = True

    await alarms.alarm("disk", "full")
    await alarms.alarm("disk", "full")

    assert inbox.heard == ["disk"]


async def test_many_at_once_tell_the_same_alarm_once_in_all_processes_together(database: Database) -> None:
    inbox = Inbox(seconds=0.2)
    processes = [Alarms(database, inbox.tell) for _ in range(2)]

    await asyncio.gather(*(process.alarm("disk", "full") for process in processes * 5))
    await asyncio.gather(*(process.alarm("other", "matter") for process in processes))

    assert inbox.heard == ["disk", "other"]


async def test_what_is_settled_while_it_is_told_is_news_the_next_time(database: Database) -> None:
    inbox = Inbox(seconds=0.2)
    alarms = Alarms(database, inbox.tell)
    first = asyncio.create_task(alarms.alarm("disk", "full"))
    await asyncio.sleep(0.1)
    await alarms.clear("disk")
    await first

    await alarms.alarm("disk", "full")

    assert inbox.heard == ["disk", "disk"]


async def test_an_alarm_that_cannot_be_noted_is_told_all_the_same_and_once(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    database = Database(f"sqlite:///{path}")
    await schema.upgrade(database)
    inbox = Inbox()
    alarms = Alarms(database, inbox.tell)

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await alarms.alarm("disk", "full")
        await alarms.alarm("disk", "full")
        other.execute("ROLLBACK")
    await database.close()

    assert inbox.heard == ["disk"]


async def test_the_budget_is_told_of_at_80_and_at_100_percent_once_each(
    database: Database, clock: FixedClock, bureau: Bureau
) -> None:
    inbox = Inbox()
    terms = replace(bureau.equipment.terms, monthly_budget_usd_micros=1_000_000)
    equipment = replace(
        bureau.equipment,
        database=database,
        terms=terms,
        clock=clock,
        operator=Alarms(database, inbox.tell),
    )
    heard = []

    for spent in (700_000, 120_000, 100_000, 80_000):
        job = await a_job(database)
        async with database.write() as connection:
            why = Because(actor="test", reason="test")
            await admission.hold(connection, job, spent, now=clock(), because=why, budget=None)
        await spending.watch_budget(equipment)
        await spending.watch_budget(equipment)
        heard.append([subject.partition(": ")[2] for subject in inbox.heard])

    assert heard == [[], ["80 %"], ["80 %"], ["80 %", "100 %"]]


class OwnerOf(Owner):
    """The simulated Discord's application belongs to the bot itself; this one to a person."""

    def __init__(self, bureau: Bureau, owner_id: int) -> None:
        super().__init__(bureau.client)
        self._owner_id = owner_id

    async def _owner_ids(self) -> list[int]:
        return [self._owner_id]


async def test_the_owner_gets_a_direct_message(bureau: Bureau) -> None:
    owner = OwnerOf(bureau, OFFICE["owner"].id)

    reached = await owner.tell("provider: balance", "HTTP 402")

    method, path = bureau.calls()[-1]
    channel = int(path.split("/")[-2])
    assert reached
    assert method == "POST"
    assert "HTTP 402" in bureau.world.messages(channel)[-1]["content"]


async def test_an_owner_who_takes_no_messages_is_not_told(bureau: Bureau) -> None:
    assert not await Owner(bureau.client).tell("provider: balance", "HTTP 402")
