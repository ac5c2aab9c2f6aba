"""Verifications that wait together: one child for several clips, and a child of its own for each odd one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from media.errors import MediaRefused, Reason
from media.facts import ClipFacts
from media.rounds import Rounds
from media.workshop import Workshop
from tests.media_files import Shelf


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.getbasetemp() / "media-files")


class Bakery:
    """Work that takes a while, and remembers what went into the oven together."""

    def __init__(self, *, slots: int = 1) -> None:
        self.batches: list[list[int]] = []
        self.oven = asyncio.Event()
        self.rounds: Rounds[int, int] = Rounds(self._bake, slots=asyncio.Semaphore(slots), most=3)

    async def _bake(self, pieces: Sequence[int]) -> Sequence[int | None]:
        self.batches.append(list(pieces))
        await self.oven.wait()
        return [None if piece < 0 else 10 * piece for piece in pieces]


async def test_the_first_goes_at_once_and_the_others_share_the_next_rounds() -> None:
    bakery = Bakery()
    asking = [asyncio.create_task(bakery.rounds.ask(number)) for number in (1, 2, -3, 4, 5)]
    await asyncio.sleep(0)

    bakery.oven.set()
    made = await asyncio.gather(*asking)

    assert bakery.batches == [[1], [2, -3, 4], [5]]
    assert made == [10, 20, None, 40, 50]


async def test_a_cancelled_round_comes_to_nothing_for_all_in_it_and_blocks_nobody() -> None:
    bakery = Bakery()
    first, second, third = (asyncio.create_task(bakery.rounds.ask(number)) for number in (1, 2, 3))
    await asyncio.sleep(0)
    first.cancel()
    while len(bakery.batches) < 2:  # noqa: ASYNC110 - the round begins by itself, and tells nobody
        await asyncio.sleep(0)

    second.cancel()
    bakery.oven.set()
    made = await asyncio.gather(first, second, third, bakery.rounds.ask(4), return_exceptions=True)

    assert bakery.batches == [[1], [2, 3], [4]]
    assert [type(each) for each in made[:2]] == [asyncio.CancelledError, asyncio.CancelledError]
    assert made[2:] == [None, 40]


async def test_clips_that_are_verified_together_are_told_apart(shelf: Shelf, tmp_path: Path) -> None:
    workshop = Workshop(slots=1)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(shelf("clip.mp4").read_bytes()[:2000])
    sources = [shelf("clip.mp4"), shelf("hevc.mov"), broken, shelf("clip.mp4")]

    facts = await asyncio.gather(
        *(workshop.verify_clip(source) for source in sources),
        return_exceptions=True,
    )

    assert isinstance(facts[2], MediaRefused)
    assert facts[2].reason is Reason.BROKEN
    assert [each.codec for each in facts if isinstance(each, ClipFacts)] == ["h264", "hevc", "h264"]
    assert facts[0] == facts[3]
