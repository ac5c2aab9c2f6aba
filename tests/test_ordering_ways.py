"""Picked files, what was chosen last time, and `/animate` with less than both files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from cogs.ordering.buttons import HELP_NAME
from studio.database import jobs
from studio.models import Orientation, ShotType
from studio.moderation import privacy
from studio.sharing.policy import Defaults, Policy
from studio.wishing.preparation import Kept, Owner
from studio.wishing.tables import habits, picks
from tests.bureau import PICTURE, VIDEO, Bureau, checking, open_bureau, texts_of
from tests.ordering_world import (
    ANIMATE,
    AS_MOTION,
    AS_PICTURE,
    alt_texts,
    chosen,
    custom_ids,
    fields,
    message_of,
    pressed,
    sent,
    states,
    taken,
    words,
)


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path, max_jobs_per_member=5) as bureau:
        yield bureau


async def kept(bureau: Bureau, member: Any = None) -> Kept:
    owner = Owner(bureau.world.guild.id, (member or bureau.world.member).id)
    return await bureau.studio.preparation.kept(owner)


async def age(bureau: Bureau, **by: Any) -> None:
    """Have everything that is kept be older than it is."""
    past = bureau.studio.now() - timedelta(**by)
    async with bureau.database.write() as connection:
        await connection.execute(update(picks).values(at=past))
        await connection.execute(update(habits).values(picture_at=past))


async def picked(bureau: Bureau, menu: str, *files: Any) -> Any:
    """A file that the member has picked, once they were told so."""
    told = await chosen(bureau, menu, *files)
    await bureau.world.eventually(lambda: custom_ids(told))
    return told


async def animate(bureau: Bureau, member: Any = None, **options: Any) -> Any:
    """`/animate` with nothing but these options."""
    return await bureau.world.slash(member or bureau.world.member, bureau.world.clips, "animate", **options)


# ── picked files ────────────────────────────────────────────────────────────────────────────────


async def test_a_picked_motion_waits_in_the_form_also_after_a_restart(bureau: Bureau) -> None:
    told = await picked(bureau, AS_MOTION, VIDEO)
    await bureau.restart()

    shown = await pressed(bureau, told, "v1:form:")
    await sent(bureau, shown, picture=[PICTURE])

    job = await taken(bureau)
    assert told.response.ephemeral
    assert "Kept as the motion of your next clip" in words(told)
    assert "Nothing was charged" in words(told)
    assert "happy\\_dance.mp4" in fields(shown)["text"]["content"]
    assert job.order.video.filename == VIDEO[0]
    assert await kept(bureau) == Kept(habits=(await kept(bureau)).habits)


async def test_a_picked_picture_and_a_picked_motion_make_a_clip_by_two_presses(bureau: Bureau) -> None:
    await picked(bureau, AS_MOTION, VIDEO)
    told = await picked(bureau, AS_PICTURE, ("notes.txt", b"words"), PICTURE)

    shown = await pressed(bureau, told, "v1:form:")
    await sent(bureau, shown)

    job = await taken(bureau)
    assert "Kept: the picture" in words(told)
    assert set(fields(shown)) == {"text", "prompt", "orientation", "sound"}
    assert (job.order.picture.filename, job.order.video.filename) == (PICTURE[0], VIDEO[0])


async def test_a_picked_motion_is_for_the_next_animate_with_a_picture(bureau: Bureau) -> None:
    await picked(bureau, AS_MOTION, VIDEO)

    result = await animate(bureau, image=PICTURE)

    assert "on its way" in result.response.content
    assert (await taken(bureau)).order.video.filename == VIDEO[0]


async def test_what_was_picked_is_the_members_own_and_for_a_quarter_of_an_hour(bureau: Bureau) -> None:
    await picked(bureau, AS_MOTION, VIDEO)
    mine, theirs = await kept(bureau), await kept(bureau, bureau.world.stranger)
    await age(bureau, minutes=15)
    later = await kept(bureau)

    refused = await animate(bureau, image=PICTURE)

    assert mine.motion is not None
    assert (theirs.motion, later.motion) == (None, None)
    assert refused.response.ephemeral
    assert await states(bureau) == []


async def test_a_message_without_the_right_file_picks_nothing(bureau: Bureau) -> None:
    no_video = await chosen(bureau, AS_MOTION, PICTURE)
    no_picture = await chosen(bureau, AS_PICTURE, VIDEO)

    assert "There is no video in this message" in words(no_video)
    assert "There is no picture in this message" in words(no_picture)
    assert await kept(bureau) == Kept()


async def test_a_paused_server_keeps_nothing_for_a_next_clip(bureau: Bureau) -> None:
    await bureau.rule(Policy(paused=True))

    refused = await chosen(bureau, AS_MOTION, VIDEO, member=bureau.world.stranger)

    assert "paused new clips" in words(refused)
    assert await kept(bureau, bureau.world.stranger) == Kept()


async def test_what_is_kept_of_a_member_is_handed_over_and_deleted(bureau: Bureau) -> None:
    await bureau.ordered(orientation="image")
    await picked(bureau, AS_MOTION, VIDEO)
    member_id = bureau.world.member.id
    async with bureau.database.read() as connection:
        told = await privacy.export(connection, member_id, now=bureau.studio.now())

    await bureau.care.privacy.forget(member_id)

    assert [row["filename"] for row in told["picks"]] == [VIDEO[0]]
    assert [row["orientation"] for row in told["habits"]] == ["image"]
    assert await kept(bureau) == Kept()


# ── as last time ────────────────────────────────────────────────────────────────────────────────


async def test_what_is_left_out_is_as_last_time_and_the_card_says_so(bureau: Bureau) -> None:
    await bureau.ordered(orientation="image", keep_sound=False, shot_type="intelligent")

    job = await bureau.ordered(prompt="a forest")
    place = await bureau.desk.open(job, checking(job))

    wishes = job.order.wishes
    assert (wishes.orientation, wishes.keep_sound) == (Orientation.IMAGE, False)
    assert wishes.shot_type is ShotType.INTELLIGENT
    assert wishes.left_out == ()
    card = "\n".join(texts_of(post) for post in bureau.posts(place.talk_id))
    assert "As last time: the figure faces like the picture." in card
    assert "As last time: without sound." in card


async def test_a_choice_goes_before_what_was_chosen_last_time(bureau: Bureau) -> None:
    await bureau.ordered(orientation="image", keep_sound=False)

    chosen_now = (await bureau.ordered(orientation="auto", keep_sound=True)).order.wishes
    after = (await bureau.ordered()).order.wishes

    assert (chosen_now.orientation, chosen_now.keep_sound) == (None, True)
    assert (after.orientation, after.keep_sound, after.as_last_time) == (None, True, ())


async def test_what_was_chosen_goes_before_the_servers_default(bureau: Bureau) -> None:
    await bureau.ordered(orientation="image")
    await bureau.rule(Policy(defaults=Defaults(orientation="video", keep_sound=False)))

    mine = (await bureau.ordered()).order.wishes
    theirs = (await bureau.ordered(member=bureau.world.stranger)).order.wishes

    assert (mine.orientation, mine.keep_sound) == (Orientation.IMAGE, False)
    assert (theirs.orientation, theirs.as_last_time) == (Orientation.VIDEO, ())


async def test_the_form_shows_what_was_chosen_last_time(bureau: Bureau) -> None:
    await bureau.ordered(orientation="image", keep_sound=False)

    shown = await chosen(bureau, ANIMATE, PICTURE, VIDEO)
    await sent(bureau, shown, sound=True)

    job = await taken(bureau, 1)
    defaults = [each["value"] for each in fields(shown)["orientation"]["options"] if each.get("default")]
    assert (defaults, fields(shown)["sound"]["default"]) == (["image"], False)
    assert (job.order.wishes.orientation, job.order.wishes.keep_sound) == (Orientation.IMAGE, True)
    assert job.order.wishes.as_last_time == ("orientation",)


# ── less than both files ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["member", "stranger"])
async def test_animate_alone_explains_itself_and_its_button_asks_for_both(bureau: Bureau, who: str) -> None:
    member = getattr(bureau.world, who)
    before = len(bureau.calls())

    told = await animate(bureau, member=member)
    first = bureau.calls()[before]
    await bureau.restart()
    shown = await pressed(bureau, told, "v1:form:", member=member)
    await sent(bureau, shown, member=member, picture=[PICTURE], video=[VIDEO])

    job = await taken(bureau)
    assert first[1].endswith("/callback")
    assert told.response.ephemeral
    assert [file.filename for file in message_of(told).attachments] == [HELP_NAME]
    assert all(alt_texts(told))
    assert "Ways to a clip" in words(told)
    assert set(fields(shown)) == {"picture", "video", "prompt", "orientation", "sound"}
    assert job.order.member.id == member.id


async def test_words_without_files_are_still_there_in_the_form(bureau: Bureau) -> None:
    told = await animate(bureau, prompt="a forest", notify=False)

    shown = await pressed(bureau, told, "v1:form:")
    await sent(bureau, shown, picture=[PICTURE], video=[VIDEO])

    wishes = (await taken(bureau)).order.wishes
    assert (wishes.prompt, wishes.notify) == ("a forest", False)


async def test_a_picture_alone_is_kept_until_its_video_comes(bureau: Bureau) -> None:
    told = await animate(bureau, image=PICTURE)

    shown = await pressed(bureau, told, "v1:form:")
    await sent(bureau, shown, video=[VIDEO])

    job = await taken(bureau)
    assert told.response.ephemeral
    assert "I need to know which motion" in words(told)
    assert "me.jpg is still there" in words(told)
    assert (job.order.picture.filename, job.order.video.filename) == (PICTURE[0], VIDEO[0])


async def test_the_last_picture_is_offered_for_an_hour_and_shown(bureau: Bureau) -> None:
    await bureau.ordered()
    told = await animate(bureau, video=VIDEO)

    again = await pressed(bureau, told, "v1:same:")
    job = await taken(bureau, 1)
    await age(bureau, hours=1)
    later = await animate(bureau, video=VIDEO)

    assert "Your last picture: **me.jpg**" in words(told)
    assert alt_texts(told) == ["The picture of your last clip, me.jpg"]
    assert "on its way" in again.response.content
    assert job.order.picture.filename == PICTURE[0]
    assert not [each for each in custom_ids(later) if each.startswith("v1:same:")]


async def test_the_button_for_the_last_picture_ends_with_its_hour(bureau: Bureau) -> None:
    await bureau.ordered()
    told = await animate(bureau, video=VIDEO)
    await age(bureau, hours=1)

    late = await pressed(bureau, told, "v1:same:")

    assert late.response.ephemeral
    assert "no longer kept" in words(late)
    assert len(await states(bureau)) == 1


async def test_the_picture_of_a_clip_that_was_taken_down_is_not_offered(bureau: Bureau) -> None:
    job = await bureau.ordered()
    async with bureau.database.write() as connection:
        removed = update(jobs).where(jobs.c.id == job.id).values(removed_at=bureau.studio.now())
        await connection.execute(removed)

    assert (await kept(bureau)).habits.picture is None
