"""Share, and bringing a lost clip back: posted once, from storage, by who may, where they may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from studio import jobs
from studio.database import jobs as rows
from studio.errors import OrderRefused
from studio.results import copies
from studio.results.encores import Stage
from studio.sharing.policy import Policy
from studio.sharing.tables import copies as copy_rows
from tests.bureau import Bureau, open_bureau, texts_of
from tests.finished import finished, press, told


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


def clips_in(bureau: Bureau, channel_id: int) -> list[dict[str, Any]]:
    """The bot's messages there that have a clip attached."""
    return [post for post in bureau.posts(channel_id) if post["attachments"]]


async def show(bureau: Bureau, who: Any, channel: Any, named: str) -> str:
    return await told(bureau, await bureau.world.slash(who, channel, "jobs", show=named))


async def number_of_copies(bureau: Bureau) -> int:
    async with bureau.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(copy_rows))).scalar_one())


# ── sharing ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_shared_clip_stands_in_the_channel_above_and_rings_nobody(bureau: Bureau) -> None:
    job = await finished(bureau)
    await bureau.restart()

    said = await press(bureau, bureau.world.member, job, "share")

    (shared,) = clips_in(bureau, bureau.world.clips.id)
    assert f"/{bureau.world.clips.id}/{shared['id']}" in said
    assert "Mira shares a clip" in shared["content"]
    assert f"/{job.place.talk_id}/{job.place.outcome_id}" in shared["content"]
    assert "AI-generated" in shared["content"]
    assert shared["attachments"][0]["description"].startswith("AI-generated clip")
    assert shared["flags"] & (1 << 12)
    assert not shared["mentions"]
    assert shared["embeds"] == []


async def test_shared_twice_it_stands_there_once_and_the_second_press_says_where(bureau: Bureau) -> None:
    job = await finished(bureau)
    await press(bureau, bureau.world.member, job, "share")
    await bureau.restart()

    said = await press(bureau, bureau.world.member, job, "share")

    (shared,) = clips_in(bureau, bureau.world.clips.id)
    assert "already" in said
    assert shared["id"] in said


async def test_presses_at_the_same_moment_share_once(bureau: Bureau) -> None:
    job = await finished(bureau)
    stage = Stage(guild_id=job.place.guild_id, channel_id=bureau.world.clips.id, covered=False, shared=True)

    shown = await asyncio.gather(*(bureau.studio.results.encores.show(job, stage) for _ in range(4)))

    assert len({each.link for each in shown}) == 1
    assert sum(each.anew for each in shown) == 1
    assert len(clips_in(bureau, bureau.world.clips.id)) == 1


async def test_a_share_whose_end_was_lost_in_a_crash_is_found_again(bureau: Bureau) -> None:
    job = await finished(bureau)
    await press(bureau, bureau.world.member, job, "share")
    async with bureau.database.write() as connection:
        await connection.execute(update(copy_rows).values(message_id=None))
    await bureau.restart()
    bureau.world.discord._nonces.clear()

    said = await press(bureau, bureau.world.member, job, "share")

    (shared,) = clips_in(bureau, bureau.world.clips.id)
    assert shared["id"] in said


@pytest.mark.parametrize("who", ["stranger", "moderator"])
async def test_nobody_shares_somebody_elses_clip(bureau: Bureau, who: str) -> None:
    job = await finished(bureau)

    said = await press(bureau, getattr(bureau.world, who), job, "share")

    assert "Only the member who ordered this clip" in said
    assert clips_in(bureau, bureau.world.clips.id) == []


async def test_who_may_not_post_there_does_not_post_through_the_bot(bureau: Bureau) -> None:
    job = await finished(bureau)
    bureau.world.deny(bureau.world.clips, "attach_files", member_id=bureau.world.member.id)

    said = await press(bureau, bureau.world.member, job, "share")

    assert "You may not post files" in said
    assert clips_in(bureau, bureau.world.clips.id) == []


async def test_where_the_bot_may_not_post_it_says_what_it_needs(bureau: Bureau) -> None:
    job = await finished(bureau)
    bureau.world.deny(bureau.world.clips, "send_messages")

    said = await press(bureau, bureau.world.member, job, "share")

    assert "I may not post files" in said
    assert "Send Messages" in said
    assert await number_of_copies(bureau) == 0


async def test_a_blocked_channel_stays_free_of_clips(bureau: Bureau) -> None:
    job = await finished(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")
    await bureau.rule(Policy(channel_ids=(other.id,)))

    said = await press(bureau, bureau.world.member, job, "share")

    assert f"<#{other.id}>" in said
    assert clips_in(bureau, bureau.world.clips.id) == []


async def test_a_clip_from_a_spoiler_channel_stays_covered(bureau: Bureau) -> None:
    await bureau.rule(Policy(spoiler_channel_ids=(bureau.world.clips.id,)))
    job = await finished(bureau)

    await press(bureau, bureau.world.member, job, "share")

    (shared,) = clips_in(bureau, bureau.world.clips.id)
    assert shared["attachments"][0]["filename"].startswith("SPOILER_")


async def test_a_clip_made_among_adults_stays_among_them(bureau: Bureau) -> None:
    channel: Any = bureau.client.get_channel(bureau.world.clips.id)
    channel.nsfw = True
    job = await finished(bureau)
    channel.nsfw = False

    said = await press(bureau, bureau.world.member, job, "share")

    assert "age-restricted" in said
    assert clips_in(bureau, bureau.world.clips.id) == []


@pytest.mark.parametrize(
    ("kind", "expected"), [("forum", "no channel that takes messages"), ("voice", "in the channel itself")]
)
async def test_where_there_is_no_channel_above_it_says_so(bureau: Bureau, kind: str, expected: str) -> None:
    world = bureau.world
    if kind == "voice":
        channel = world.guild.create_voice_channel("lounge")
    else:
        channel = world.open_thread(world.guild.create_forum_channel("ideas"), "mine", by=world.member)
    job = await finished(bureau, channel)

    said = await press(bureau, world.member, job, "share")

    assert expected in said
    assert await number_of_copies(bureau) == 0


async def test_a_removed_clip_takes_its_shared_copy_with_it(bureau: Bureau) -> None:
    job = await finished(bureau)
    await press(bureau, bureau.world.member, job, "share")
    (shared,) = clips_in(bureau, bureau.world.clips.id)
    link = f"https://discord.com/channels/{job.place.guild_id}/{bureau.world.clips.id}/{shared['id']}"
    world = bureau.world

    done = await world.slash(world.moderator, world.clips, "studio takedown", clip=link, reason="rude")
    await told(bureau, done)

    assert clips_in(bureau, world.clips.id) == []
    assert bureau.posts(job.place.talk_id) == []
    assert await number_of_copies(bureau) == 0


async def test_a_clip_that_is_removed_while_it_is_posted_does_not_stay(bureau: Bureau) -> None:
    job = await finished(bureau)
    stage = Stage(guild_id=job.place.guild_id, channel_id=bureau.world.clips.id, covered=False, shared=False)
    async with bureau.database.write() as connection:
        now = bureau.studio.now()
        copy = copies.Copy(
            id="0000000000000001",
            at=now,
            job_id=job.id,
            guild_id=job.place.guild_id,
            channel_id=bureau.world.clips.id,
        )
        await copies.add(connection, copy)
        await connection.execute(update(rows).values(removed_at=now))

    with pytest.raises(OrderRefused, match="result_removed"):
        await bureau.studio.results.encores._post(job, copy, covered=stage.covered, begun=True)

    assert clips_in(bureau, bureau.world.clips.id) == []
    assert await number_of_copies(bureau) == 0


async def test_a_shared_copy_can_be_reported(bureau: Bureau) -> None:
    job = await finished(bureau)
    await press(bureau, bureau.world.member, job, "share")
    (shared,) = clips_in(bureau, bureau.world.clips.id)
    ids = [
        one["custom_id"] for row in shared["components"] for one in row["components"] if "custom_id" in one
    ]
    world = bureau.world

    form = await world.click(world.stranger, shared, ids[0])
    sent = await world.submit_modal(world.stranger, form, {"reason": "not funny"})

    assert "Thank you" in await told(bureau, sent)


# ── bringing back ───────────────────────────────────────────────────────────────────────────────


async def test_a_clip_whose_message_is_gone_comes_back_from_storage(bureau: Bureau) -> None:
    job = await finished(bureau)
    bureau.world.discord.delete_message(job.place.talk_id, job.place.outcome_id)
    other = bureau.world.guild.create_text_channel("elsewhere")

    said = await show(bureau, bureau.world.member, other, job.id)

    (shown,) = clips_in(bureau, other.id)
    assert shown["id"] in said
    assert "Mira brings back a clip" in shown["content"]


async def test_shown_twice_in_one_place_it_stands_there_once_until_it_is_deleted(bureau: Bureau) -> None:
    job = await finished(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")
    await show(bureau, bureau.world.member, other, job.id)
    (first,) = clips_in(bureau, other.id)

    again = await show(bureau, bureau.world.member, other, job.id)
    bureau.world.discord.delete_message(other.id, int(first["id"]))
    await show(bureau, bureau.world.member, other, job.id)

    assert first["id"] in again
    (second,) = clips_in(bureau, other.id)
    assert second["id"] != first["id"]
    assert await number_of_copies(bureau) == 1


@pytest.mark.parametrize("kind", ["thread", "forum", "voice"])
async def test_it_comes_back_wherever_its_member_may_post(bureau: Bureau, kind: str) -> None:
    world = bureau.world
    job = await finished(bureau)
    if kind == "voice":
        channel = world.guild.create_voice_channel("lounge")
    elif kind == "forum":
        channel = world.open_thread(world.guild.create_forum_channel("ideas"), "mine", by=world.member)
    else:
        channel = world.open_thread(world.clips, "talk", by=world.member)

    await show(bureau, world.member, channel, job.id)

    assert len(clips_in(bureau, channel.id)) == 1


@pytest.mark.parametrize("who", ["stranger", "moderator"])
async def test_nobody_brings_back_somebody_elses_clip(bureau: Bureau, who: str) -> None:
    job = await finished(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")

    said = await show(bureau, getattr(bureau.world, who), other, job.id)

    assert "Only the member who ordered this clip" in said
    assert clips_in(bureau, other.id) == []


async def test_a_member_who_may_not_write_there_brings_nothing(bureau: Bureau) -> None:
    job = await finished(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")
    bureau.world.deny(other, "send_messages", member_id=bureau.world.member.id)

    said = await show(bureau, bureau.world.member, other, job.id)

    assert "You may not post" in said
    assert clips_in(bureau, other.id) == []


@pytest.mark.parametrize("why", ["removed", "purged", "missing"])
async def test_what_is_removed_or_no_longer_kept_is_never_shown(bureau: Bureau, why: str) -> None:
    job = await finished(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")
    async with bureau.database.write() as connection:
        if why == "removed":
            await connection.execute(update(rows).values(removed_at=bureau.studio.now()))
        elif why == "purged":
            await jobs.mark_purged(connection, job.id, now=bureau.studio.now())
    if why == "missing":
        await bureau.equipment.storage.delete_tree(f"jobs/{job.id}")

    said = await show(bureau, bureau.world.member, other, job.id)

    assert ("was removed" if why == "removed" else "no longer keep this clip") in said
    assert clips_in(bureau, other.id) == []
    assert await number_of_copies(bureau) == 0


@pytest.mark.parametrize("by", ["link", "file"])
async def test_a_clip_is_named_by_its_link_or_its_file(bureau: Bureau, by: str) -> None:
    job = await finished(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")
    where = f"{job.place.guild_id}/{job.place.talk_id}/{job.place.outcome_id}"
    named = {"link": f"https://discord.com/channels/{where}", "file": f"clip-{job.id}.mp4"}

    await show(bureau, bureau.world.member, other, named[by])

    assert len(clips_in(bureau, other.id)) == 1


async def test_a_clip_that_discord_does_not_take_comes_by_its_link(bureau: Bureau) -> None:
    job = await finished(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")
    bureau.world.env.inject_error("POST", f"/channels/{other.id}/messages", status=400, code=50046, times=1)

    await show(bureau, bureau.world.member, other, job.id)

    (shown,) = bureau.posts(other.id)
    assert "Discord does not take its file here" in shown["content"]
    assert "https://video.example.org/output_0.mp4" in texts_of(shown)
