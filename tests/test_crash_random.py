"""The real bot is killed at random moments while orders come in; afterwards the books must be right.

`CRASH_STORM=full` runs the long one: 21 kills over 210 orders (also `python -m tests.bench.bench_crashes`).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crash_storm import Storm, rage
from tests.crash_world import crash_world

FULL = os.environ.get("CRASH_STORM") == "full"
STORMS = [Storm(seed=20_260_731, orders=210, kills=21)] if FULL else [Storm(seed=7, orders=8, kills=4)]


@pytest.mark.parametrize("storm", STORMS, ids=lambda storm: f"seed {storm.seed}")
async def test_no_order_is_lost_or_paid_twice_however_often_the_bot_is_killed(
    tmp_path: Path, storm: Storm
) -> None:
    async with crash_world(tmp_path, f"sqlite:///{tmp_path / 'bot.db'}") as world:
        await rage(world, storm, patience=900 if FULL else 120)

        world.check()
        assert len(world.discord.clips()) >= 1
