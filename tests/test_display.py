"""Members who wait see their place and when it starts, and both follow the queue."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from studio import display
from studio.progress import DEFAULT_RENDER_SECONDS
from tests.studio_world import studio_at_work


async def test_a_waiting_card_says_its_place_and_its_start_and_follows_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "TICK_SECONDS", 0.2)
    async with studio_at_work(tmp_path, seconds=2, max_concurrent_jobs=1) as world:
        first = await world.order("first")
        await world.until(first, lambda job: job.submitted_at)
        began = world.now()
        second, third = await world.order("second"), await world.order("third")
        cards = world.desk.cards
        await world.eventually(lambda: third in cards and cards[third].position == 2)
        behind = cards[third]

        await world.eventually(lambda: cards[third].position == 1)

        assert behind.starts_at is not None
        # Not before the one render that is ahead of it in the queue has had the usual time.
        assert behind.starts_at - began >= timedelta(seconds=DEFAULT_RENDER_SECONDS)
        assert cards[second].position is None
        await world.check()


async def test_who_waits_is_told_no_start_while_only_the_operator_can_let_it_go_on(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.key = "another"

        job_id = await world.order()

        await world.eventually(lambda: "waiting_for_operator" in world.desk.holdups.get(job_id, ()))
        assert world.desk.cards[job_id].starts_at is None
        world.sandbox.key = world.key
        await world.check()
