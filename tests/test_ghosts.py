"""A render that appears only when the search for it is over: found all the same, and booked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import Fault
from providers.sandbox.faults import Reset
from studio import explaining, ghosts, twins
from studio.database import Database
from studio.explaining import Explained
from studio.models import JobState
from tests.studio_world import CHARGE, QUICK, World, studio_at_work

LOST = Fault(on="submit", reset=Reset.AFTER, processed=True)


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(ghosts, "LOOK_SECONDS", 0.1)


def without(render: str) -> Callable[[Any], Any]:
    """Have the list leave out a render."""

    def change(body: Any) -> Any:
        shown = dict(body.get("data", body))
        return {**shown, "jobs": [line for line in shown["jobs"] if line["jobId"] != render]}

    return change


async def until_ordered(world: World, prompt: str) -> str:
    await world.eventually(lambda: world.renders_of(prompt))
    return world.renders_of(prompt)[0]


async def test_f14_a_ghost_that_appears_after_the_second_order_is_booked_to_the_operator(
    tmp_path: Path, database: Database
) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        world.sandbox.faults.add(LOST, Fault(on="list", times=1, code="INVALID_INPUT"))
        job_id = await world.order("lost")
        ghost = await until_ordered(world, "lost")
        world.sandbox.faults.add(Fault(on="list", times=None, change=without(ghost)))
        await world.until_closed(job_id)
        assert await world.ledger_sum() == CHARGE

        world.sandbox.faults.clear()

        await world.eventually(lambda: world.operator.about(f"{ghost} is nobody's"))
        await world.check(renders_more=1)
        assert world.outcome(job_id) == "clip"
        assert await world.ledger_sum() == 2 * CHARGE


async def test_a_render_that_could_not_be_looked_for_is_booked_and_can_still_be_explained(
    tmp_path: Path,
) -> None:
    async with studio_at_work(tmp_path, waits=replace(QUICK, give_up_render=2.5)) as world:
        world.sandbox.faults.add(LOST, Fault(on="list", times=None, code="INVALID_INPUT"))
        job_id = await world.order("lost")
        await world.until_closed(job_id)
        told, booked = world.outcome(job_id), await world.ledger_sum()

        world.sandbox.faults.clear()
        await world.check()
        [question] = await explaining.questions(world.database, now=world.now())
        outcome = await explaining.adopt(world.database, job_id, question.candidates[0], now=world.now())
        await world.until_in(job_id, JobState.DELIVERED)

        assert (told, booked, outcome) == ("order_unexplained", 0, Explained.LATE)
        await world.check(messages=2, inputs_kept=False)
        assert await world.ledger_sum() == CHARGE


async def test_a_render_that_is_somebodys_is_no_ghost(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=4) as world:
        world.sandbox.faults.add(Fault(on="submit", code="INTERNAL_ERROR"))
        await world.order("lost")

        for number in range(3):
            await world.order(f"other {number}", member=20 + number)
            world.sandbox.faults.add(LOST)

        await world.check()
        assert not world.operator.about("nobody's")
