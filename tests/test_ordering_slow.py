"""Forms and presses are answered in time while the database is slow, for others or for everybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from studio.sharing.policy import Approval, Policy, Share
from tests.bureau import PICTURE, VIDEO, Bureau, open_bureau
from tests.finished import finished, result_of, told
from tests.hanging import hanging
from tests.motion_world import a_motion
from tests.ordering_world import ANIMATE, chosen, pressed, sent, states

IN_TIME = 2.7
"""Discord waits three seconds for an answer, some of which are on its way."""


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


@asynccontextmanager
async def nothing_written(bureau: Bureau) -> AsyncIterator[None]:
    """Have every write wait, as behind a slow one of another member."""
    async with bureau.database.write():
        yield


async def timed(acting: Awaitable[Any]) -> tuple[float, Any]:
    began = time.monotonic()
    result = await acting
    return time.monotonic() - began, result


async def test_a_form_does_not_wait_for_what_others_have_stored(bureau: Bureau) -> None:
    mine = await chosen(bureau, ANIMATE, PICTURE, VIDEO)
    await bureau.animate.taking.storing.finished()

    async with nothing_written(bureau):
        theirs = await chosen(bureau, ANIMATE, PICTURE, VIDEO, member=bureau.world.stranger)
        seconds, result = await timed(sent(bureau, mine))

    assert theirs._interaction.modal is not None
    assert "on its way" in result.response.content
    assert seconds < 1


async def test_a_form_that_cannot_be_stored_yet_is_told_so_in_time(bureau: Bureau) -> None:
    async with nothing_written(bureau):
        mine = await chosen(bureau, ANIMATE, PICTURE, VIDEO)
        seconds, result = await timed(sent(bureau, mine))

    assert "too busy to take your order" in await told(bureau, result)
    assert seconds < IN_TIME
    assert await states(bureau) == []


async def test_a_press_that_cannot_be_stored_yet_is_told_so_in_time(bureau: Bureau) -> None:
    await bureau.rule(Policy(pool=Share(clips=0), approval=Approval(channel_id=5)))
    async with nothing_written(bureau):
        refused = await bureau.order()
        seconds, result = await timed(pressed(bureau, refused, "v1:ask:"))

    assert "too busy to take your order" in await told(bureau, result)
    assert seconds < IN_TIME


@pytest.mark.parametrize("way", ["form", "reopened", "motion", "again", "change", "limited", "agree"])
async def test_every_way_is_answered_in_time_while_the_database_hangs(bureau: Bureau, way: str) -> None:
    acting = await prepared(bureau, way)

    async with hanging(bureau.folder / "bot.db"):
        seconds, result = await timed(acting())
        said = await told(bureau, result)

    assert "too busy" in said
    assert "Nothing was charged" in said
    assert seconds < IN_TIME


async def test_a_new_form_opens_in_time_while_the_database_hangs(bureau: Bureau) -> None:
    async with hanging(bureau.folder / "bot.db"):
        seconds, shown = await timed(chosen(bureau, ANIMATE, PICTURE, VIDEO))

    assert shown._interaction.modal is not None
    assert seconds < IN_TIME


async def test_no_reading_is_lost_with_whom_it_kept_waiting(bureau: Bureau) -> None:
    acting = await prepared(bureau, "form")
    async with hanging(bureau.folder / "bot.db"):
        await acting()

    result = await bureau.order()
    await bureau.world.eventually(lambda: bureau.database._pool.checkedout() == 0)

    assert "on its way" in result.response.content


async def prepared(bureau: Bureau, way: str) -> Callable[[], Awaitable[Any]]:
    """What a member does next on one of the ways to a clip."""
    world = bureau.world
    if way == "form":
        shown = await chosen(bureau, ANIMATE, PICTURE, VIDEO)
        await bureau.animate.taking.storing.finished()
        return lambda: sent(bureau, shown)
    if way == "reopened":
        missing = await bureau.order(video=None)
        await bureau.animate.taking.storing.finished()
        return lambda: pressed(bureau, missing, "v1:form:")
    if way == "motion":
        await a_motion(bureau.equipment, "Happy dance", guild_id=world.guild.id)
        return lambda: bureau.order(video=None, motion="Happy dance")
    if way in ("again", "change"):
        job = await finished(bureau)
        return lambda: world.click(world.member, result_of(bureau, job), f"v1:{way}:{job.id}")
    await bureau.rule(Policy(pool=Share(clips=3), consent=way == "agree"))
    if way == "limited":
        return bureau.order
    asked = await bureau.order()
    await bureau.animate.taking.storing.finished()
    return lambda: pressed(bureau, asked, "v1:agree:")


async def test_what_is_stored_in_time_is_waited_for(bureau: Bureau) -> None:
    async with nothing_written(bureau):
        mine = await chosen(bureau, ANIMATE, PICTURE, VIDEO)
        sending = asyncio.create_task(sent(bureau, mine))
        await asyncio.sleep(0.2)

    assert "on its way" in (await sending).response.content
