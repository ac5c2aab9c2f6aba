"""Forms and presses are answered in time while the database is slow, for others or for everybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from studio.sharing.policy import Approval, Policy, Share
from tests.bureau import PICTURE, VIDEO, Bureau, open_bureau
from tests.finished import told
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


async def test_what_is_stored_in_time_is_waited_for(bureau: Bureau) -> None:
    async with nothing_written(bureau):
        mine = await chosen(bureau, ANIMATE, PICTURE, VIDEO)
        sending = asyncio.create_task(sent(bureau, mine))
        await asyncio.sleep(0.2)

    assert "on its way" in (await sending).response.content
