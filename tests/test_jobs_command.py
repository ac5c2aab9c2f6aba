"""`/jobs`: a member's own clips, on a page that fits a phone, seen by nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from studio import jobs
from studio.database import jobs as rows
from studio.keeping import NOWHERE
from studio.models import Ending, Job, JobState
from studio.moderation import reports
from tests.bureau import Bureau, open_bureau, texts_of
from tests.finished import finished, told


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path, max_jobs_per_member=20) as bureau:
        yield bureau


async def listed(bureau: Bureau, who: Any = None, channel: Any = None) -> dict[str, Any]:
    """The page as its member sees it."""
    who, channel = who or bureau.world.member, channel or bureau.world.clips
    answer = await bureau.world.slash(who, channel, "jobs")
    return await shown(bureau, who, channel.id, answer.response.id)


async def shown(bureau: Bureau, who: Any, channel_id: int, message_id: int) -> dict[str, Any]:
    def page() -> dict[str, Any] | None:
        messages = bureau.world.messages(channel_id, viewer=who)
        found = next(each for each in messages if int(each["id"]) == message_id)
        return found if found["components"] else None

    return dict(await bureau.world.eventually(page))


async def ordered_many(bureau: Bureau, number: int) -> list[str]:
    """Ended clips of the member, oldest first, as the database has them."""
    job = await bureau.ordered()
    async with bureau.database.write() as connection:
        row = dict((await connection.execute(rows.select())).mappings().one())
        ended = {"state": JobState.DELIVERED, "ended_at": row["created_at"], "closed_at": row["created_at"]}
        await connection.execute(update(rows).values(**ended))
        for index in range(1, number):
            copied = row | ended | {"id": f"{job.id[:-2]}{index:02}", "answer_id": None}
            await connection.execute(rows.insert().values(copied))
        ids = (await connection.execute(rows.select().order_by(rows.c.id))).mappings()
        return [row["id"] for row in ids]


async def test_running_clips_say_how_far_they_are_and_can_be_cancelled(bureau: Bureau) -> None:
    job = await bureau.opened()

    page = await listed(bureau)

    said = texts_of(page)
    assert page["flags"] & (1 << 6)
    assert "Under way" in said
    assert "happy dance" in said
    assert "Checking your files" in said
    assert f"v1:cancel:{job.id}" in said


async def test_a_waiting_clip_says_its_place(bureau: Bureau) -> None:
    await bureau.ordered()
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).values(state=JobState.QUEUED, answer_id=1))

    said = texts_of(await listed(bureau))

    assert "Waiting in the queue, place 1" in said


async def test_finished_clips_have_their_link_and_a_way_back(bureau: Bureau) -> None:
    job = await finished(bureau)

    said = texts_of(await listed(bureau))

    assert f"/{job.place.talk_id}/{job.place.outcome_id}" in said
    assert "$0.25" in said
    assert f"v1:show:{job.id}" in said


async def test_removed_failed_and_old_clips_are_told_without_a_button(bureau: Bureau) -> None:
    job = await finished(bureau)
    told = []
    for values in (
        {"removed_at": bureau.studio.now()},
        {"removed_at": None, "purged_at": bureau.studio.now()},
        {"purged_at": None, "state": JobState.FAILED},
    ):
        async with bureau.database.write() as connection:
            await connection.execute(update(rows).values(**values))

        told.append(texts_of(await listed(bureau)))

    assert ["was removed" in told[0], "no longer kept" in told[1], "could not be made" in told[2]] == [
        True
    ] * 3
    assert not any(f"v1:show:{job.id}" in said for said in told)


async def unposted(bureau: Bureau) -> Job:
    """A clip that was made and stored, but could be posted nowhere."""
    job = await finished(bureau)
    bureau.world.discord.delete_message(job.place.talk_id, job.place.outcome_id)
    ending = asdict(Ending(NOWHERE, {"reason": "discord_gone"}, 250_000))
    values = {"state": JobState.FAILED, "outcome_id": None, "ending": ending, "counts": False}
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**values))
    return await bureau.job(job.id)


async def test_a_clip_that_could_be_posted_nowhere_is_told_so_and_brought_back(bureau: Bureau) -> None:
    job = await unposted(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")

    said = texts_of(await listed(bureau, channel=other))
    offered = await bureau.studio.results.mine.shown_again(
        bureau.world.guild.id, bureau.world.member.id, limit=25
    )
    told_so = await told(bureau, await bureau.world.slash(bureau.world.member, other, "jobs", show=job.id))

    assert "$0.25, but it could not be posted" in said
    assert f"v1:show:{job.id}" in said
    assert [each.id for each in offered] == [job.id]
    assert "Here it is" in told_so
    assert any(post["attachments"] for post in bureau.posts(other.id))


async def test_what_is_no_longer_kept_of_it_is_not_offered(bureau: Bureau) -> None:
    job = await unposted(bureau)
    async with bureau.database.write() as connection:
        await jobs.mark_purged(connection, job.id, now=bureau.studio.now())

    said = texts_of(await listed(bureau))

    assert "could not be posted, and is no longer kept" in said
    assert f"v1:show:{job.id}" not in said


async def test_a_clip_that_was_not_made_is_not_offered_and_says_so(bureau: Bureau) -> None:
    job = await finished(bureau)
    lost = {"state": JobState.FAILED, "ending": asdict(Ending("result_missing", {}, 250_000))}
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).values(**lost))

    offered = await bureau.studio.results.mine.shown_again(
        bureau.world.guild.id, bureau.world.member.id, limit=25
    )
    answer = await bureau.world.slash(bureau.world.member, bureau.world.clips, "jobs", show=job.id)

    assert offered == []
    assert "This clip was not made" in await told(bureau, answer)


async def test_a_brought_back_clip_that_was_never_posted_goes_with_a_takedown(bureau: Bureau) -> None:
    job = await unposted(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")
    await told(bureau, await bureau.world.slash(bureau.world.member, other, "jobs", show=job.id))

    gone = await bureau.world.slash(
        bureau.world.moderator, bureau.world.clips, "studio takedown", clip=job.id, reason="rude"
    )
    await told(bureau, gone)

    assert not any(post["attachments"] for post in bureau.posts(other.id))
    assert (await bureau.job(job.id)).clip is None
    assert await bureau.equipment.storage.keys(f"jobs/{job.id}") == []


async def test_one_with_a_hit_is_brought_back_covered_and_reported_once(bureau: Bureau) -> None:
    job = await unposted(bureau)
    assert job.clip is not None
    async with bureau.database.write() as connection:
        found = asdict(replace(job.clip, found="result:breasts"))
        await connection.execute(update(rows).values(clip=found))

    for name in ("elsewhere", "further"):
        other = bureau.world.guild.create_text_channel(name)
        await told(bureau, await bureau.world.slash(bureau.world.member, other, "jobs", show=job.id))
        (shown_again,) = bureau.posts(other.id)
        assert shown_again["attachments"][0]["filename"].startswith("SPOILER_")

    async with bureau.database.read() as connection:
        assert len(await reports.of_job(connection, job.id)) == 1


async def test_the_button_brings_the_clip_to_where_it_is_pressed(bureau: Bureau) -> None:
    job = await finished(bureau)
    other = bureau.world.guild.create_text_channel("elsewhere")
    page = await listed(bureau, channel=other)
    await bureau.restart()

    await bureau.world.click(bureau.world.member, page, f"v1:show:{job.id}")

    await bureau.world.eventually(lambda: any(post["attachments"] for post in bureau.posts(other.id)))


async def test_pages_are_turned_to_the_oldest_also_after_a_restart(bureau: Bureau) -> None:
    ids = await ordered_many(bureau, 8)
    first = await listed(bureau)
    await bureau.restart()
    (older,) = [text for text in texts_of(first).split("\n") if text.startswith("v1:mine:") and text[8:]]

    await bureau.world.click(bureau.world.member, first, older)
    channel_id, message_id = bureau.world.clips.id, int(first["id"])
    await bureau.world.eventually(lambda: "Older ones**" in texts_of(_now(bureau, channel_id, message_id)))

    second = texts_of(_now(bureau, channel_id, message_id))
    assert older == f"v1:mine:{ids[3]}"
    assert second.count("ready") == 3
    assert "Refresh" in second


def _now(bureau: Bureau, channel_id: int, message_id: int) -> dict[str, Any]:
    messages = bureau.world.messages(channel_id, viewer=bureau.world.member)
    return next(each for each in messages if int(each["id"]) == message_id)


async def test_others_clips_are_not_in_the_list(bureau: Bureau) -> None:
    await finished(bureau)

    said = texts_of(await listed(bureau, bureau.world.stranger))

    assert "no clip here yet" in said
    assert "/animate" in said


async def test_the_option_offers_ones_own_clips_by_name(bureau: Bureau) -> None:
    job = await finished(bureau)
    mine = bureau.studio.results.mine

    found = await mine.shown_again(bureau.world.guild.id, bureau.world.member.id, limit=25)
    others = await mine.shown_again(bureau.world.guild.id, bureau.world.stranger.id, limit=25)

    assert [each.id for each in found] == [job.id]
    assert others == []


async def test_old_clips_are_found_by_an_index(bureau: Bureau) -> None:
    where = "member_id = 1 AND guild_id = 2 AND ended_at IS NOT NULL"
    query = f"SELECT id FROM jobs WHERE {where} ORDER BY id DESC LIMIT 6"

    async with bureau.database.read() as connection:
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")).all()

    assert "ix_jobs_of_member" in str(plan)
    assert "TEMP B-TREE" not in str(plan)
