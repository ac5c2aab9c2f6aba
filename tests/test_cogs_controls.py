"""Buttons work for exactly those who may press them, also after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
from discord import ui

from studio.models import Job, JobState
from tests.bureau import Bureau, checking, open_bureau


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def press_cancel(bureau: Bureau, job: Job, who: str) -> str:
    """Press Cancel on the job's card and return what the presser was told, which only they can see."""
    member = getattr(bureau.world, who)
    card = bureau.posts(job.place.talk_id)[0]
    result = await bureau.world.click(member, card, f"v1:cancel:{job.id}")
    await bureau.world.eventually(lambda: result.followups)
    (followup,) = result.followups
    assert followup.ephemeral
    return str(followup.content)


@pytest.mark.parametrize("who", ["member", "moderator"])
async def test_requester_and_moderators_may_cancel(bureau: Bureau, who: str) -> None:
    job = await bureau.opened()

    told = await press_cancel(bureau, job, who)

    assert told == "Cancelled. Nothing was charged."
    assert (await bureau.job(job.id)).state is JobState.CANCELLED


async def test_a_stranger_may_not_cancel(bureau: Bureau) -> None:
    job = await bureau.opened()

    told = await press_cancel(bureau, job, "stranger")

    assert "Only the member who ordered this clip, or a moderator" in told
    assert (await bureau.job(job.id)).state is JobState.RECEIVED


async def test_cancel_works_after_a_restart(bureau: Bureau) -> None:
    job = await bureau.opened()
    await bureau.restart()

    told = await press_cancel(bureau, job, "member")

    assert told == "Cancelled. Nothing was charged."


async def test_a_second_press_is_answered_too(bureau: Bureau) -> None:
    job = await bureau.opened()
    await press_cancel(bureau, job, "member")

    told = await press_cancel(bureau, job, "member")

    assert "too late to cancel" in told


async def test_the_press_is_acknowledged_before_anything_else(bureau: Bureau) -> None:
    job = await bureau.opened()
    before = len(bureau.calls())

    await press_cancel(bureau, job, "member")

    assert bureau.calls()[before][1].endswith("/callback")


@pytest.mark.parametrize("custom_id", ["v0:retry:abc", "v1:cancel:", "v1:cancel:UPPER"])
async def test_a_button_that_nobody_knows_any_more_is_answered_politely(
    bureau: Bureau, custom_id: str
) -> None:
    view = ui.View(timeout=None)
    view.add_item(ui.Button(label="Old", custom_id=custom_id))
    view.stop()
    channel = bureau.client.get_partial_messageable(bureau.world.clips.id, guild_id=bureau.world.guild.id)
    message = await channel.send("an old message", view=view)

    result = await bureau.world.click(bureau.world.member, message, custom_id)

    assert result.response is not None
    assert result.response.ephemeral
    assert "no longer works" in result.response.content


async def test_a_button_of_a_job_that_is_not_known_is_answered_politely(bureau: Bureau) -> None:
    job = await bureau.opened()
    async with bureau.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM jobs")

    told = await press_cancel(bureau, job, "member")

    assert "I no longer know this clip." in told


async def test_trouble_behind_a_button_is_told_with_a_reference(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await bureau.opened()
    monkeypatch.setattr(bureau.studio, "_dispatcher", None)

    told = await press_cancel(bureau, job, "member")

    assert "Something went wrong on my side." in told
    assert "reference" in told


async def test_discord_py_keeps_nothing_of_the_cards(bureau: Bureau) -> None:
    job = await bureau.opened()

    for _ in range(3):
        await bureau.desk.show(job, checking(job), urgent=True)

    assert bureau.client.persistent_views == []
    assert isinstance(bureau.client.cached_messages, list | tuple | discord.utils.SequenceProxy)
    assert len(bureau.client.cached_messages) == 0
