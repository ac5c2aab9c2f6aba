"""The picture check in a working studio: hits go to moderators, results are covered, and no order is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from media import nudity
from media.facts import Sign
from studio.models import Job, JobState
from studio.moderation import reports
from studio.moderation.findings import UNCHECKED, reason_of
from studio.moderation.reports import THE_STUDIO, Report
from studio.sharing.policy import Approval, Policy
from tests import sandbox_world
from tests.photographs import FACES, portrait, portrait_clip
from tests.studio_world import Memory, World, studio_at_work
from tests.test_approvals import answer, asked, held, no, recorded, rule, yes

pytestmark = pytest.mark.skipif(
    not nudity.is_installed(), reason="nudenet is not installed (requirements-safety.txt)"
)

CHECKED = Policy(check_pictures=True, approval=Approval(channel_id=500))
BLINK = 0.02
"""Seconds in which no check can be done."""


async def checking(world: World, policy: Policy = CHECKED, **options: Any) -> None:
    """Have the studio look for faces, by these rules."""
    given: dict[str, Any] = {"signs": FACES} | options
    world.workshop = Memory(**given)
    await world.restart()
    await rule(world, policy)


async def filed(world: World, job_id: str) -> Sequence[Report]:
    async with world.database.read() as connection:
        return await reports.of_job(connection, job_id)


async def a_drawn_order(world: World) -> str:
    return await world.order_from_scratch(sandbox_world.picture(), sandbox_world.clip())


async def test_a_hit_waits_for_moderators_and_its_result_is_covered_and_reported(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await checking(world)
        picture = portrait(tmp_path / "portrait.jpg")
        job_id = await world.order_from_scratch(picture, sandbox_world.clip())
        question = await asked(world, job_id)
        waiting, money = await world.job(job_id), await held(world, job_id)

        await answer(world, job_id, yes())

        job = await world.until_closed(job_id)
        assert (waiting.state, question.why, question.channel_id) == (
            JobState.PENDING_APPROVAL, "picture:breasts", 500
        )  # fmt: skip
        assert money > 0
        assert job_id not in world.desk.illustrated
        assert job.clip is not None
        assert job.clip.found == "result:breasts"
        assert world.desk.covered == [job_id]
        (report,) = await filed(world, job_id)
        assert (report.reporter_id, report.state.is_open) == (THE_STUDIO, True)
        assert "bare breasts in the clip" in reason_of(report)
        assert "clip_covered" in await recorded(world)
        await world.check()


async def test_a_hit_in_the_video_is_denied_and_costs_nothing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await checking(world)
        video = portrait_clip(tmp_path / "late.mp4", from_second=2)
        job_id = await world.order_from_scratch(sandbox_world.picture(), video)
        question = await asked(world, job_id)

        await answer(world, job_id, no())

        job = await world.until_closed(job_id)
        assert question.why == "video:breasts"
        assert (job.state, world.sandbox.account.net) == (JobState.REFUSED, 0)
        await world.check()


async def test_what_shows_nothing_is_made_without_asking(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await checking(world, signs=nudity.NUDITY)
        picture = portrait(tmp_path / "portrait.jpg")

        job_id = await world.order_from_scratch(picture, sandbox_world.clip())

        job = await world.until_closed(job_id)
        assert job.inputs is not None
        assert job.clip is not None
        assert (job.state, job.inputs.found, job.clip.found) == (JobState.DELIVERED, None, None)
        assert world.desk.illustrated == [job_id]
        assert await filed(world, job_id) == []
        await world.check()


@pytest.mark.parametrize("why_not", ["switched off", "age-restricted"])
async def test_nothing_is_looked_for_where_it_is_not_wanted_or_allowed(tmp_path: Path, why_not: str) -> None:
    async with studio_at_work(tmp_path) as world:
        # A check that was made would fail, and ask.
        policy = CHECKED if why_not == "age-restricted" else replace(CHECKED, check_pictures=False)
        await checking(world, policy, look_seconds=BLINK)
        order = world._an_order(
            "", 1, 10, world.now(), picture=portrait(tmp_path / "p.jpg"), video=sandbox_world.clip()
        )
        adults = replace(order.wishes, adult=why_not == "age-restricted")

        await world.engine.studio.register.take(replace(order, wishes=adults))
        world.ordered.append(order.job_id)
        await world.engine.studio.acknowledged(order.job_id, answer_id=5)

        await world.until_closed(order.job_id)
        assert (world.outcome(order.job_id), world.desk.covered) == ("clip", [])
        await world.check()


async def test_a_check_that_fails_lets_people_look_at_order_and_result(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await checking(world, look_seconds=BLINK)
        job_id = await a_drawn_order(world)
        question = await asked(world, job_id)

        await answer(world, job_id, yes())

        job = await world.until_closed(job_id)
        assert question.why == UNCHECKED
        assert job.clip is not None
        assert (world.outcome(job_id), job.clip.found) == ("clip", UNCHECKED)
        assert [report.reporter_id for report in await filed(world, job_id)] == [THE_STUDIO]
        await world.check()


async def test_without_a_moderators_channel_a_hit_waits_until_there_is_one(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await checking(world, replace(CHECKED, approval=Approval()))
        picture = portrait(tmp_path / "portrait.jpg")
        job_id = await world.order_from_scratch(picture, sandbox_world.clip())
        await world.until(job_id, lambda job: job.state is JobState.PENDING_APPROVAL and job.wake_at)
        told = await recorded(world)

        await rule(world, CHECKED)
        world.ahead += timedelta(minutes=6)
        await world.restart()

        question = await asked(world, job_id)
        assert told.count("approvals_nowhere") == 1
        assert (question.channel_id, question.why) == (500, "picture:breasts")
        await answer(world, job_id, no())
        await world.check()


async def test_a_killed_order_is_asked_about_once_with_what_was_found(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await checking(world)
        job_id = await world.order_from_scratch(portrait(tmp_path / "p.jpg"), sandbox_world.clip())

        def found(job: Job) -> Any:
            return job.inputs is not None

        await world.until(job_id, found)
        await world.restart()

        question = await asked(world, job_id)
        assert (question.why, len(world.desk.asked(job_id))) == ("picture:breasts", 1)
        await answer(world, job_id, no())
        await world.check()


def test_the_real_signs_are_of_bare_parts_only() -> None:
    labels = [sign.label for sign in nudity.NUDITY]

    assert all(label.endswith("_EXPOSED") for label in labels)
    assert {sign.part for sign in nudity.NUDITY} == {"breasts", "buttocks", "genitals"}
    assert all(isinstance(sign, Sign) and 0.2 <= sign.least < 1 for sign in nudity.NUDITY)
