"""The log: told once, without pings; of a closed channel somebody learns who can mend it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cogs.budget import Budget
from cogs.herald import DiscordHerald
from studio.moderation import audit
from studio.moderation.audit import Entry
from studio.moderation.chronicle import Chronicle
from studio.moderation.council import Council
from tests.bureau import Bureau, open_bureau, texts_of

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


def chronicle(bureau: Bureau) -> Chronicle:
    return Chronicle(bureau.database, DiscordHerald(bureau.client, Budget()), lambda: NOW)


async def logs_into(bureau: Bureau, channel_id: int) -> None:
    council = Council(bureau.database, bureau.servers, lambda: NOW)
    entry = Entry(at=NOW, guild_id=bureau.world.guild.id, actor_id=None, action="log_set_up")
    await council.amend(lambda policy: replace(policy, log_channel_id=channel_id), entry)
    async with bureau.database.write() as connection:
        for entry_id, _ in await audit.untold(connection):
            await audit.mark_told(connection, entry_id, NOW)


async def decide(bureau: Bureau, number: int = 1) -> None:
    async with bureau.database.write() as connection:
        for index in range(number):
            entry = Entry(
                at=NOW + timedelta(seconds=index),
                guild_id=bureau.world.guild.id,
                actor_id=bureau.world.moderator.id,
                action="paused",
                reason="<@1> was rude " + "x" * 200 if number > 1 else "<@1> was rude",
            )
            await audit.add(connection, entry)


async def untold(bureau: Bureau) -> int:
    async with bureau.database.read() as connection:
        return len(await audit.untold(connection))


async def test_a_decision_is_told_in_the_log_channel_once_without_a_ping(bureau: Bureau) -> None:
    world = bureau.world
    channel = world.guild.create_text_channel("log")
    await logs_into(bureau, channel.id)
    await decide(bureau)

    for _ in range(2):
        await chronicle(bureau).tell()

    (message,) = bureau.posts(channel.id)
    assert f"<@{world.moderator.id}> paused new clips." in message["content"]
    assert "Reason: <@1> was rude" in message["content"]
    assert not world.was_pinged(world.moderator, message)
    assert await untold(bureau) == 0


async def test_many_decisions_come_in_few_messages_and_in_order(bureau: Bureau) -> None:
    channel = bureau.world.guild.create_text_channel("log")
    await logs_into(bureau, channel.id)
    await decide(bureau, 20)

    await chronicle(bureau).tell()

    messages = bureau.posts(channel.id)
    assert 1 < len(messages) <= 5
    told = "".join(message["content"] for message in messages)
    assert told.count("paused new clips") == 20
    moments = [f"<t:{int((NOW + timedelta(seconds=index)).timestamp())}:f>" for index in range(20)]
    assert [told.index(moment) for moment in moments] == sorted(told.index(moment) for moment in moments)


async def test_without_a_log_channel_entries_count_as_told(bureau: Bureau) -> None:
    await decide(bureau)

    await chronicle(bureau).tell()

    assert await untold(bureau) == 0


@pytest.mark.parametrize("trouble", ["deleted", "forbidden"])
async def test_a_closed_log_channel_is_told_once_to_somebody_who_can_mend_it(
    bureau: Bureau, trouble: str
) -> None:
    world = bureau.world
    channel = world.guild.create_text_channel("log")
    await logs_into(bureau, channel.id if trouble == "forbidden" else 12345)
    if trouble == "forbidden":
        world.deny(channel, "send_messages")

    for _ in range(3):
        await decide(bureau)
        await chronicle(bureau).tell()

    warnings = [
        call for call in bureau.world.env.http_requests if "no longer write" in str(_content(call.json))
    ]
    assert len(warnings) == 1
    assert await untold(bureau) == 0


async def test_the_log_goes_on_by_itself_when_the_channel_is_open_again(bureau: Bureau) -> None:
    world = bureau.world
    channel = world.guild.create_text_channel("log")
    await logs_into(bureau, channel.id)
    world.env.inject_error("POST", f"/channels/{channel.id}/messages", status=403, code=50013, times=1)
    await decide(bureau)
    await chronicle(bureau).tell()
    await decide(bureau)

    await chronicle(bureau).tell()

    assert len(bureau.posts(channel.id)) == 1


async def test_while_discord_is_away_nothing_counts_as_told(bureau: Bureau) -> None:
    world = bureau.world
    channel = world.guild.create_text_channel("log")
    await logs_into(bureau, channel.id)
    world.env.inject_error("POST", f"/channels/{channel.id}/messages", status=401, code=0, times=1)
    await decide(bureau)

    await chronicle(bureau).tell()
    left = await untold(bureau)
    await chronicle(bureau).tell()

    assert left == 1
    assert await untold(bureau) == 0


async def test_the_record_is_shown_page_by_page_and_after_a_restart(bureau: Bureau) -> None:
    world = bureau.world
    await decide(bureau, 15)

    await world.slash(world.moderator, world.clips, "studio audit")
    message = await shown(bureau, "Older")
    await bureau.restart()
    older = next(text for text in texts_of(message).split("\n") if text.startswith("v1:audit:"))
    await world.click(world.moderator, message, older)
    message = await shown(bureau, "Newest")

    assert texts_of(message).count("paused new clips") == 5


async def shown(bureau: Bureau, words: str) -> dict[str, Any]:
    world = bureau.world

    def find() -> dict[str, Any] | None:
        messages = world.messages(world.clips.id, viewer=world.moderator)
        return next((message for message in messages if words in texts_of(message)), None)

    found: dict[str, Any] = await world.eventually(find)
    return found


def _content(body: Any) -> Any:
    return body.get("content", "") if isinstance(body, dict) else ""
