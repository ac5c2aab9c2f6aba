"""Reporting a clip, what moderators decide about it, and taking clips down, as people press it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from studio.database import jobs as rows
from studio.errors import OrderRefused
from studio.models import Clip, Job, JobState, Place
from studio.moderation import audit, reports
from studio.moderation.audit import Entry
from studio.moderation.reports import Report, ReportState
from studio.moderation.safety import Complaint
from studio.moderation.telling import sentence_of
from studio.sharing import servers
from studio.sharing.policy import Approval
from tests.bureau import Bureau, a_clip, open_bureau, texts_of


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def a_posted_clip(bureau: Bureau, **options: Any) -> Job:
    """A clip that stands in its thread and is delivered by the books; its file is in storage."""
    job = await bureau.opened(**options)
    async with bureau.equipment.storage.workspace() as folder:
        (folder / "clip.mp4").write_bytes(b"a clip")
        clip: Clip = a_clip(key=f"jobs/{job.id}/clip.mp4", source_url="https://video.example.org/o.mp4")
        outcome_id = await bureau.desk.deliver(job, clip, folder / "clip.mp4")
        await bureau.equipment.storage.put(clip.key, folder / "clip.mp4")
    place: Place = replace(job.place, outcome_id=outcome_id)
    now = bureau.equipment.clock()
    async with bureau.database.write() as connection:
        values = {
            "state": JobState.DELIVERED, "outcome_id": outcome_id, "thread_id": place.thread_id,
            "card_id": place.card_id, "answer_id": place.answer_id, "ended_at": now, "closed_at": now,
            "cost_usd_micros": 250_000, "clip": {name: getattr(clip, name) for name in Clip.__slots__},
        }  # fmt: skip
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**values))
    return await bureau.job(job.id)


async def tell_channel(bureau: Bureau) -> Any:
    """Give the server a moderators' channel."""
    channel = bureau.world.guild.create_text_channel("moderators")
    now = bureau.equipment.clock()
    async with bureau.database.write() as connection:
        server = await servers.read(connection, bureau.world.guild.id, now)
        policy = replace(server.policy, approval=Approval(channel_id=channel.id))
        await servers.change(connection, server, policy=policy)
    await bureau.servers.refresh(now)
    return channel


async def report(bureau: Bureau, job: Job, who: Any, reason: str = "not funny") -> str:
    """Press Report, fill in the form, and return what the reporter is told."""
    message = next(
        post for post in bureau.posts(job.place.talk_id) if int(post["id"]) == job.place.outcome_id
    )
    form = await bureau.world.click(who, message, f"v1:report:{job.id}")
    sent = await bureau.world.submit_modal(who, form, {"reason": reason})
    await bureau.world.eventually(lambda: sent.response is not None and sent.response.content)
    assert sent.response.ephemeral
    return str(sent.response.content)


async def filed(bureau: Bureau, job: Job) -> list[Report]:
    async with bureau.database.read() as connection:
        return await reports.of_job(connection, job.id)


async def recorded(bureau: Bureau) -> list[Entry]:
    async with bureau.database.read() as connection:
        return [entry for _, entry in await audit.newest(connection, bureau.world.guild.id)]


async def a_report(bureau: Bureau) -> tuple[Job, Any, dict[str, Any]]:
    """A reported clip, the moderators' channel, and the message there."""
    channel = await tell_channel(bureau)
    job = await a_posted_clip(bureau, prompt="a *calm* forest")
    await report(bureau, job, bureau.world.stranger)
    (message,) = bureau.posts(channel.id)
    return job, channel, message


async def decide(bureau: Bureau, who: Any, message: dict[str, Any], what: str) -> Any:
    (one,) = [button for button in message["components"][0]["components"] if what in button["custom_id"]]
    return await bureau.world.click(who, message, one["custom_id"])


async def test_a_report_reaches_the_moderators_with_all_they_need(bureau: Bureau) -> None:
    channel = await tell_channel(bureau)
    job = await a_posted_clip(bureau, prompt="a *calm* forest")

    told = await report(bureau, job, bureau.world.stranger, "that is **my** face")

    assert "moderators have it in front of them" in told
    (message,) = bureau.posts(channel.id)
    said = texts_of(message)
    assert f"<@{bureau.world.stranger.id}>" in said
    assert f"<@{bureau.world.member.id}>" in said
    assert f"/{job.place.outcome_id}" in said
    assert r"my\*\* face" in said
    assert r"a \*calm\* forest" in said
    assert [button["label"] for button in message["components"][0]["components"]] == [
        "Delete the clip", "Block its maker", "Dismiss"
    ]  # fmt: skip
    (entry,) = await recorded(bureau)
    assert (entry.action, entry.actor_id, entry.job_id) == ("clip_reported", None, job.id)
    assert str(bureau.world.stranger.id) not in str(entry)


async def test_a_member_reports_a_clip_once_however_often_they_press(bureau: Bureau) -> None:
    channel = await tell_channel(bureau)
    job = await a_posted_clip(bureau)
    await report(bureau, job, bureau.world.stranger)

    told = await report(bureau, job, bureau.world.stranger)
    await report(bureau, job, bureau.world.member)

    assert "reported this clip already" in told
    assert len(await filed(bureau, job)) == 2
    assert len(bureau.posts(channel.id)) == 2


async def test_without_a_channel_the_report_is_kept_and_listed(bureau: Bureau) -> None:
    job = await a_posted_clip(bureau)

    told = await report(bureau, job, bureau.world.stranger)
    listed = await bureau.world.slash(bureau.world.moderator, bureau.world.clips, "studio reports")
    await bureau.world.eventually(lambda: listed.followups)

    assert "/studio reports" in told
    assert "not funny" in listed.followups[0].content
    assert listed.followups[0].ephemeral
    channel = await tell_channel(bureau)
    await bureau.care.safety.look_after()
    await bureau.care.safety.look_after()
    assert len(bureau.posts(channel.id)) == 1


async def test_a_report_that_was_posted_before_a_crash_is_not_posted_again(bureau: Bureau) -> None:
    job, channel, message = await a_report(bureau)
    async with bureau.database.write() as connection:
        await connection.exec_driver_sql("UPDATE reports SET message_id = NULL, channel_id = NULL")

    await bureau.restart()
    await bureau.care.safety.look_after()

    assert len(bureau.posts(channel.id)) == 1
    (kept,) = await filed(bureau, job)
    assert kept.message_id == int(message["id"])


async def test_a_channel_closed_to_the_bot_loses_no_report(bureau: Bureau) -> None:
    channel = await tell_channel(bureau)
    bureau.world.deny(channel, "view_channel", "send_messages")
    job = await a_posted_clip(bureau)

    told = await report(bureau, job, bureau.world.stranger)

    assert "write to one of them" in told
    (kept,) = await filed(bureau, job)
    assert kept.state is ReportState.OPEN
    assert kept.message_id is None


async def test_delete_takes_away_messages_files_and_link_also_after_a_restart(bureau: Bureau) -> None:
    job, channel, message = await a_report(bureau)
    await bureau.restart()

    await decide(bureau, bureau.world.moderator, message, "delete")
    await bureau.world.eventually(lambda: "taken down" in bureau.posts(channel.id)[0]["content"])

    assert bureau.posts(job.place.talk_id) == []
    assert await bureau.equipment.storage.keys(f"jobs/{job.id}") == []
    removed = await bureau.job(job.id)
    assert removed.removed_at is not None
    assert (removed.clip, removed.source_url) == (None, None)
    answer = next(post for post in bureau.posts(bureau.world.clips.id))
    assert answer["content"] == f"Mira's clip was removed by <@{bureau.world.moderator.id}>."
    assert bureau.posts(channel.id)[0]["components"] == []
    assert [entry.action for entry in await recorded(bureau)] == ["clip_deleted", "clip_reported"]
    deleted = sentence_of((await recorded(bureau))[0])
    assert deleted.endswith(f"took clip {job.id} of <@{bureau.world.member.id}> down.")


async def test_block_stops_the_maker_and_leaves_the_clip(bureau: Bureau) -> None:
    job, channel, message = await a_report(bureau)

    await decide(bureau, bureau.world.moderator, message, "block")
    await bureau.world.eventually(lambda: "blocked" in bureau.posts(channel.id)[0]["content"])
    await bureau.servers.refresh(bureau.equipment.clock())
    refused = await bureau.order()

    assert refused.response is not None
    assert "do not let you make clips" in refused.response.content
    assert len(bureau.posts(job.place.talk_id)) == 2
    entry = (await recorded(bureau))[0]
    assert (entry.action, entry.subject) == ("blocked", f"<@{bureau.world.member.id}>")


async def test_two_moderators_make_one_decision(bureau: Bureau) -> None:
    job, channel, message = await a_report(bureau)
    world = bureau.world
    listed = await world.slash(world.moderator, world.clips, "studio reports")
    await world.eventually(lambda: listed.followups)
    (report_id,) = [each.id for each in await filed(bureau, job)]

    await decide(bureau, world.moderator, message, "dismiss")
    await world.eventually(lambda: "Dismissed" in bureau.posts(channel.id)[0]["content"])
    # The other one still has the buttons of a list that was made before.
    stale = (world.clips.id, listed.followups[0].id)
    second = await world.click(world.moderator, stale, f"v1:rep-delete:{report_id}")
    await world.eventually(lambda: second.followups)

    assert "quicker" in second.followups[0].content
    assert (await bureau.job(job.id)).removed_at is None
    assert [entry.action for entry in await recorded(bureau)] == ["report_dismissed", "clip_reported"]
    dismissed = sentence_of((await recorded(bureau))[0])
    assert dismissed.endswith(f"a report about clip {job.id} of <@{world.member.id}>.")


@pytest.mark.parametrize("what", ["delete", "block", "dismiss"])
@pytest.mark.parametrize("who", ["member", "stranger"])
async def test_nobody_but_moderators_decides(bureau: Bureau, who: str, what: str) -> None:
    job, _, message = await a_report(bureau)

    refused = await decide(bureau, getattr(bureau.world, who), message, what)

    assert refused.response is not None
    assert "Only moderators" in refused.response.content
    (kept,) = await filed(bureau, job)
    assert kept.state is ReportState.OPEN
    assert [entry.action for entry in await recorded(bureau)] == ["clip_reported"]


@pytest.mark.parametrize("by", ["link", "number", "file"])
async def test_moderators_take_a_clip_down_by_link_or_number(bureau: Bureau, by: str) -> None:
    job = await a_posted_clip(bureau)
    where = f"{bureau.world.guild.id}/{job.place.talk_id}/{job.place.outcome_id}"
    named = {"link": f"https://discord.com/channels/{where}", "number": job.id, "file": f"clip-{job.id}.mp4"}
    world = bureau.world

    told = await world.slash(world.moderator, world.clips, "studio takedown", clip=named[by], reason="rude")
    await world.eventually(lambda: "taken down" in (told.response.content or ""))

    assert bureau.posts(job.place.talk_id) == []
    (entry,) = await recorded(bureau)
    assert (entry.action, entry.reason, entry.actor_id) == ("clip_deleted", "rude", world.moderator.id)


async def test_a_clip_of_another_server_cannot_be_taken_down_here(bureau: Bureau) -> None:
    job = await a_posted_clip(bureau)
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).values(guild_id=1))
    world = bureau.world

    for named in (job.id, f"https://discord.com/channels/1/2/{job.place.outcome_id}"):
        told = await world.slash(world.moderator, world.clips, "studio takedown", clip=named, reason="x")
        await world.eventually(lambda told=told: told.followups or told.response.content)
        said = (told.response.content or "") + "".join(each.content for each in told.followups)
        assert "know no such clip" in said

    assert (await bureau.job(job.id)).removed_at is None


async def test_whoever_is_shown_reaches_the_moderators_with_an_urgent_request(bureau: Bureau) -> None:
    channel = await tell_channel(bureau)
    job = await a_posted_clip(bureau)
    world = bureau.world
    told = await world.slash(world.stranger, world.clips, "privacy")
    form = await world.click(world.stranger, (world.clips.id, told.response.id), "v1:privacy:shown")
    link = f"https://discord.com/channels/{world.guild.id}/{job.place.talk_id}/{job.place.outcome_id}"

    sent = await world.submit_modal(world.stranger, form, {"link": link, "reason": "I never agreed"})
    await world.eventually(lambda: bureau.posts(channel.id))

    assert sent.response.ephemeral
    assert "Urgent" in bureau.posts(channel.id)[0]["content"]
    assert "I never agreed" in bureau.posts(channel.id)[0]["content"]


async def test_several_reports_of_one_clip_are_settled_together(bureau: Bureau) -> None:
    job, channel, message = await a_report(bureau)
    await report(bureau, job, bureau.world.member, "mine too")

    await decide(bureau, bureau.world.moderator, message, "delete")
    await bureau.world.eventually(
        lambda: all("taken down" in post["content"] for post in bureau.posts(channel.id))
    )

    assert {each.state for each in await filed(bureau, job)} == {ReportState.DELETED}
    assert len(bureau.posts(channel.id)) == 2


async def test_at_once_two_presses_of_a_member_file_one_report(bureau: Bureau) -> None:
    job = await a_posted_clip(bureau)
    complaint = Complaint(guild_id=job.place.guild_id, job_id=job.id, reporter_id=5, reason="x")

    results = await asyncio.gather(
        *(bureau.care.safety.report(complaint) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(result, OrderRefused) for result in results) == 4
    assert len(await filed(bureau, job)) == 1
