"""What a message holds: attachments, embeds and what was forwarded, from Discord's own hosts alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cogs.ordering.found import PROXIES, pair_of, picture_of, video_of
from providers.addresses import parse
from providers.attachments import attachment_hosts
from studio.database import Database
from studio.lineage import Parent
from studio.models import SourceFile
from studio.moderation import petitions
from studio.wishing import drafts, habits, picks
from studio.wishing.drafts import Draft
from studio.wishing.giving_back import give_back
from studio.wishing.picks import Pick, Slot
from tests.builders import an_order
from tests.bureau import PICTURE, VIDEO, Bureau, open_bureau
from tests.ordering_world import ANIMATE, fields, sent, taken

PROXY = "https://images-ext-1.discordapp.net/external/x1/https/example.org"


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


def posted(bureau: Bureau, *embeds: dict[str, Any], files: Any = ()) -> Any:
    """A message with these embeds."""
    world = bureau.world
    stored = world.discord.create_message(
        world.clips.id, world.stranger.id, "look", embeds=list(embeds), attachments=list(files)
    )
    return world._discord_message((world.clips.id, stored.id))


def media(url: str) -> dict[str, Any]:
    return {"url": "https://example.org/theirs", "proxy_url": url}


async def test_an_embed_shows_what_discord_serves_and_not_what_its_author_wrote(bureau: Bureau) -> None:
    message = posted(
        bureau,
        {"type": "rich", "image": {"url": "https://evil.example.org/a.jpg"}},
        {"type": "rich", "image": media("https://evil.example.org/b.jpg")},
        {"type": "image", "thumbnail": media(f"{PROXY}/portrait.jpg")},
        {"type": "gifv", "thumbnail": media(f"{PROXY}/still.png"), "video": media(f"{PROXY}/dance.mp4")},
    )

    pair = pair_of(message)

    assert pair.picture == SourceFile(f"{PROXY}/portrait.jpg", "portrait.jpg", 0)
    assert pair.video == SourceFile(f"{PROXY}/dance.mp4", "dance.mp4", 0)


async def test_a_mere_link_to_a_video_elsewhere_is_nothing(bureau: Bureau) -> None:
    player = {"url": "https://www.youtube.com/embed/x"}
    message = posted(bureau, {"type": "video", "video": player, "thumbnail": media(f"{PROXY}/still.jpg")})

    assert (picture_of(message), video_of(message)) == (None, None)


@pytest.mark.parametrize("host", sorted(PROXIES))
def test_whatever_is_found_may_be_fetched(host: str) -> None:
    attachment_hosts().check(parse(f"https://{host}/external/a.jpg"))


async def test_a_forwarded_message_is_taken_for_what_was_forwarded(bureau: Bureau) -> None:
    world = bureau.world
    original = await world.say(world.stranger, world.clips, "look", PICTURE, VIDEO)
    source = world._discord_message((world.clips.id, original))
    forwarded = await world._alone(lambda: world.moderator.forward(source, world.clips))
    world.discord.delete_message(world.clips.id, original)

    shown = await world.message_command(world.member, ANIMATE, forwarded)
    await sent(bureau, shown)

    job = await taken(bureau)
    assert set(fields(shown)) == {"text", "prompt", "orientation", "sound"}
    assert (job.order.picture.filename, job.order.video.filename) == (PICTURE[0], VIDEO[0])


@pytest.mark.parametrize(
    ("names", "picture", "video"),
    [
        (["a.gif"], None, "a.gif"),
        (["a.gif", "b.jpg"], "b.jpg", "a.gif"),
        (["a.gif", "b.mp4"], "a.gif", "b.mp4"),
        (["IMG_1.HEIC", "IMG_2.MOV"], "IMG_1.HEIC", "IMG_2.MOV"),
        (["a.jpg", "b.jpg", "c.mp4", "d.mp4"], "a.jpg", "c.mp4"),
        (["words.txt"], None, None),
    ],
)
async def test_the_first_of_each_kind_is_taken_and_a_gif_for_what_is_missing(
    bureau: Bureau, names: list[str], picture: str | None, video: str | None
) -> None:
    world = bureau.world
    message = await world.say(world.member, world.clips, "", *((name, b"x") for name in names))

    pair = pair_of(world._discord_message((world.clips.id, message)))

    found = [None if file is None else file.filename for file in (pair.picture, pair.video)]
    assert found == [picture, video]


# ── what is kept, in both databases ─────────────────────────────────────────────────────────────


NOW = datetime.fromisoformat("2026-11-22T12:00:00+00:00")


async def test_a_pick_is_kept_for_its_time_in_the_place_of_an_earlier_one(database: Database) -> None:
    first = Pick(file=SourceFile("https://a/1", "1.mp4", 5, "video/mp4"), spoiler=False, at=NOW)
    second = Pick(file=SourceFile("https://a/2", "2.mp4", 6), spoiler=True, at=NOW + timedelta(minutes=1))
    async with database.write() as connection:
        for pick in (first, second):
            await picks.put(connection, 1, 10, Slot.MOTION, pick)

    async with database.write() as connection:
        there = await picks.read(connection, 1, 10, second.until - timedelta(seconds=1))
        over = await picks.read(connection, 1, 10, second.until)
        elsewhere = await picks.read(connection, 2, 10, NOW)
        await picks.sweep(connection, second.until)
        swept = await picks.read(connection, 1, 10, NOW)

    assert there == {Slot.MOTION: second}
    assert over == elsewhere == swept == {}


async def test_what_an_order_used_is_given_back_by_that_order_alone(database: Database) -> None:
    order = an_order(at=NOW)
    guild_id, member_id = order.place.guild_id, order.member.id
    pick = Pick(file=order.video, spoiler=False, at=NOW)
    whose = {"guild_id": guild_id, "member_id": member_id}
    async with database.write() as connection:
        await drafts.add(connection, "draft1", Draft(picture=order.picture), **whose, now=NOW)
        await picks.put(connection, guild_id, member_id, Slot.MOTION, pick)
        await petitions.use(connection, "draft1", order.job_id, NOW)
        await picks.use(connection, order)

    found = []
    for job_id in ("another", order.job_id):
        async with database.write() as connection:
            await give_back(connection, job_id)
        async with database.read() as connection:
            stored = await drafts.read(connection, "draft1", **whose)
            found.append((stored and stored.used, await picks.read(connection, guild_id, member_id, NOW)))

    assert found == [(True, {}), (False, {Slot.MOTION: pick})]


async def test_the_last_picture_goes_after_an_hour_and_the_choices_stay(database: Database) -> None:
    order = an_order(at=NOW)
    hour = timedelta(hours=1)
    async with database.write() as connection:
        await habits.remember(connection, order)
        fresh = await habits.read(connection, 1, 10, NOW + hour - timedelta(seconds=1))
        over = await habits.read(connection, 1, 10, NOW + hour)
        await habits.sweep(connection, NOW + hour)
        swept = await habits.read(connection, 1, 10, NOW)

    assert fresh.picture == order.picture
    assert over.picture is swept.picture is None
    assert swept.choices == {"orientation": None, "keep_sound": True, "shot_type": "customize"}


async def test_a_draft_comes_back_as_it_was_revised_until_it_is_used(database: Database) -> None:
    order = an_order(at=NOW)
    kept = replace(order.video, url="", kept="jobs/job1/input/motion.mp4")
    first = Draft(picture=order.picture, wishes=replace(order.wishes, left_out=("shot_type",)))
    revised = replace(first, video=kept, replaceable=True, parent=Parent("job1", 5, 6))
    whose = {"guild_id": 1, "member_id": 10}
    async with database.write() as connection:
        await drafts.add(connection, "draft1", first, **whose, now=NOW)
        as_it_was = await drafts.read(connection, "draft1", **whose)
        await drafts.revise(connection, "draft1", revised)
        open_one = await drafts.read(connection, "draft1", **whose)
        anothers = await drafts.read(connection, "draft1", guild_id=1, member_id=11)
        no_petition = await petitions.read(connection, "draft1")

        used = [await petitions.use(connection, "draft1", "job1", NOW) for _ in range(2)]
        await drafts.revise(connection, "draft1", first)
        used_one = await drafts.read(connection, "draft1", **whose)

    assert as_it_was is not None
    assert open_one is not None
    assert used_one is not None
    assert (as_it_was.draft, open_one.draft, used_one.draft) == (first, revised, revised)
    assert (open_one.is_open(NOW), open_one.is_open(NOW + petitions.KEPT)) == (True, False)
    assert (used, used_one.is_open(NOW)) == ([True, False], False)
    assert anothers is no_petition is None
