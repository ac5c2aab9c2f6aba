"""`/studio pause` and `resume`: saved, recorded, known at once, and refused to everybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.moderation import audit
from studio.moderation.audit import Entry
from tests.bureau import Bureau, open_bureau


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def recorded(bureau: Bureau) -> list[Entry]:
    async with bureau.database.read() as connection:
        return [entry for _, entry in await audit.newest(connection, bureau.world.guild.id)]


async def test_a_paused_server_takes_no_clips_at_once_and_resumes(bureau: Bureau) -> None:
    world = bureau.world

    paused = await world.slash(world.moderator, world.clips, "studio pause", reason="too loud")
    await world.eventually(lambda: bureau.servers.of(world.guild.id).policy.paused)
    refused = await bureau.order()
    await world.slash(world.moderator, world.clips, "studio resume")
    await world.eventually(lambda: not bureau.servers.of(world.guild.id).policy.paused)
    await bureau.ordered()

    assert paused.acknowledged
    assert refused.response is not None
    assert "moderators have paused new clips" in refused.response.content
    entries = await recorded(bureau)
    assert [(entry.action, entry.actor_id, entry.reason) for entry in entries] == [
        ("resumed", world.moderator.id, ""),
        ("paused", world.moderator.id, "too loud"),
    ]


async def test_pausing_twice_is_one_decision(bureau: Bureau) -> None:
    world = bureau.world

    for _ in range(2):
        told = await world.slash(world.moderator, world.clips, "studio pause")
        await world.eventually(lambda told=told: "paused" in (told.response.content or ""))

    assert len(await recorded(bureau)) == 1
