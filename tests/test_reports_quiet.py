"""Reports name nobody where others read along, reach somebody in any case, and the person shown is heard."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cogs.budget import Budget
from cogs.herald import DiscordHerald
from studio.database import Database
from studio.errors import OrderRefused
from studio.moderation.chronicle import Chronicle
from studio.moderation.reports import ReportState
from studio.moderation.safety import Complaint, Safety
from studio.sharing import blocks
from studio.sharing.policy import Approval, Policy
from tests.builders import FixedClock, a_job
from tests.bureau import Bells, Bureau, texts_of
from tests.pool_world import equipment_on, set_rules
from tests.test_moderation_databases import MODERATOR, SERVER
from tests.test_reports import a_posted_clip, a_report, bureau, decide, filed, recorded, report

__all__ = ["bureau"]

WORDS = "I am Anna Meier"


async def tell(bureau: Bureau, now: datetime) -> None:
    await Chronicle(bureau.database, DiscordHerald(bureau.client, Budget()), lambda: now).tell()


async def test_the_log_channel_learns_neither_reporter_nor_words(bureau: Bureau) -> None:
    channel = bureau.world.guild.create_text_channel("public-log")
    await bureau.rule(Policy(log_channel_id=channel.id))
    job = await a_posted_clip(bureau)

    told = await report(bureau, job, bureau.world.stranger, WORDS)
    await tell(bureau, bureau.equipment.clock())

    said = "\n".join(texts_of(post) for post in bureau.posts(channel.id))
    assert "/studio reports" in told
    assert job.id in said
    assert "/studio reports" in said
    assert "Anna" not in said
    assert str(bureau.world.stranger.id) not in said


@pytest.mark.parametrize("what", ["dismiss", "delete", "block"])
async def test_the_record_keeps_a_decision_without_the_reporters_words(bureau: Bureau, what: str) -> None:
    job, channel, message = await a_report(bureau)

    await decide(bureau, bureau.world.moderator, message, what)
    await bureau.world.eventually(lambda: not bureau.posts(channel.id)[0]["components"])

    assert [entry.reason for entry in await recorded(bureau)] == ["", ""]
    async with bureau.database.read() as connection:
        made = await blocks.history(connection, job.place.guild_id, job.order.member.id)
    assert [block.reason for block in made] == ([""] if what == "block" else [])


@pytest.mark.parametrize("closed", [True, False])
async def test_a_report_that_cannot_be_shown_is_told_somebody_once(bureau: Bureau, closed: bool) -> None:
    world, now = bureau.world, bureau.equipment.clock()
    if closed:
        channel = world.guild.create_text_channel("moderators")
        world.deny(channel, "view_channel", "send_messages")
        await bureau.rule(Policy(approval=Approval(channel_id=channel.id)))
    job = await a_posted_clip(bureau)

    def sent() -> list[str]:
        posts = [str(call.json) for call in world.env.http_requests if call.method == "POST"]
        return [each for each in posts if "A report waits for moderators" in each]

    def warnings() -> int:
        return len(sent())

    await report(bureau, job, world.stranger, WORDS)
    for _ in range(3):
        await bureau.care.safety.look_after()
        await tell(bureau, now)
    first_day = warnings()
    await report(bureau, job, world.member, WORDS)
    await tell(bureau, now)
    same_day = warnings()
    await report(bureau, job, world.moderator, WORDS)
    await tell(bureau, now + timedelta(days=1))

    actions = [entry.action for entry in await recorded(bureau)]
    assert (first_day, same_day, warnings()) == (1, 1, 2)
    assert actions == ["report_unseen", "clip_reported"] * 3
    assert WORDS not in str(await recorded(bureau))
    # Where there is no channel for moderators, everybody reads it.
    assert not any(job.id in each for each in sent())


# ── the person shown ────────────────────────────────────────────────────────────────────────────


async def a_complaint(database: Database, clock: FixedClock) -> tuple[Safety, Complaint]:
    """One that was filed as any other."""
    safety, job = Safety(equipment_on(database, clock=clock), Bells()), await a_job(database)
    await set_rules(database, Policy())
    calm = Complaint(guild_id=SERVER, job_id=job.id, reporter_id=5, reason="dull")
    await safety.report(calm)
    clock.tick(1)
    return safety, calm


async def test_whoever_is_shown_is_heard_urgently_though_they_had_pressed_report(
    database: Database, clock: FixedClock
) -> None:
    safety, calm = await a_complaint(database, clock)
    urgent = replace(calm, urgent=True, reason="it is me")

    tries = await asyncio.gather(*(safety.report(urgent) for _ in range(4)), return_exceptions=True)

    refusals = [each.code for each in tries if isinstance(each, OrderRefused)]
    assert refusals == ["reported_already"] * 3
    listed = [(each.state, each.reason) for each, _ in await safety.undecided(SERVER)]
    assert listed == [(ReportState.URGENT, "it is me"), (ReportState.OPEN, "dull")]
    [first, _] = await safety.undecided(SERVER)
    await safety.decide(first[0].id, ReportState.DISMISSED, guild_id=SERVER, by=MODERATOR)
    assert await safety.undecided(SERVER) == []


async def test_after_a_dismissal_one_urgent_report_is_taken_and_the_refusal_is_true(
    database: Database, clock: FixedClock
) -> None:
    safety, calm = await a_complaint(database, clock)
    urgent = replace(calm, urgent=True, reason="it is me")
    [(first, _)] = await safety.undecided(SERVER)
    await safety.decide(first.id, ReportState.DISMISSED, guild_id=SERVER, by=MODERATOR)

    with pytest.raises(OrderRefused) as plain:
        await safety.report(calm)
    await safety.report(urgent)
    [(second, _)] = await safety.undecided(SERVER)
    await safety.decide(second.id, ReportState.DISMISSED, guild_id=SERVER, by=MODERATOR)
    with pytest.raises(OrderRefused) as last:
        await safety.report(urgent)

    assert second.state is ReportState.URGENT
    assert (plain.value.code, last.value.code) == ("reported_decided", "reported_decided")


async def test_an_urgent_report_of_ones_own_is_shown_anew_and_settles_the_first(bureau: Bureau) -> None:
    job, channel, _ = await a_report(bureau)
    complaint = Complaint(
        guild_id=job.place.guild_id, job_id=job.id, reporter_id=bureau.world.stranger.id, reason="me",
        urgent=True,
    )  # fmt: skip

    shown = await bureau.care.safety.report(complaint)
    posts = bureau.posts(channel.id)
    urgent = next(post for post in posts if "Urgent" in post["content"])
    await decide(bureau, bureau.world.moderator, urgent, "dismiss")
    await bureau.world.eventually(
        lambda: all("Dismissed" in post["content"] for post in bureau.posts(channel.id))
    )

    assert shown
    assert len(posts) == 2
    assert {each.state for each in await filed(bureau, job)} == {ReportState.DISMISSED}
