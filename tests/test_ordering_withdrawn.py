"""A form, a press or a picked file whose order came to nothing can be used again, for one clip."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from studio.intake import Intake
from studio.models import JobState
from studio.sharing.policy import Approval, Policy, Share
from studio.wishing.preparation import Owner
from tests.bureau import PICTURE, VIDEO, Bureau, open_bureau
from tests.ordering_world import ANIMATE, AS_MOTION, chosen, custom_ids, pressed, sent, states, taken, words


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def unseen(bureau: Bureau, doing: Any, *, status: int = 404, code: int = 10062) -> None:
    """Have an interaction's answer not arrive, and wait for what becomes of its order."""
    patience, bureau.world._answer_seconds = bureau.world._answer_seconds, 0.2
    bureau.world.env.inject_error("POST", "/interactions/*/callback", status=status, code=code, times=1)
    await doing
    bureau.world._answer_seconds = patience
    await bureau.animate.taking.finish_answers()


async def picked_motion(bureau: Bureau) -> str | None:
    owner = Owner(bureau.world.guild.id, bureau.world.member.id)
    kept = await bureau.studio.preparation.kept(owner)
    return kept.motion and kept.motion.file.filename


async def test_a_form_that_was_sent_too_late_can_be_sent_again_for_one_clip(bureau: Bureau) -> None:
    shown = await chosen(bureau, ANIMATE, PICTURE, VIDEO)
    await unseen(bureau, sent(bureau, shown))
    first = await bureau.job()
    shown._interaction.modal_consumed = False

    again = await sent(bureau, shown, prompt="a forest")
    job = await taken(bureau, 1)
    # A process that was slow to notice: the form is the second order's by now.
    await bureau.studio.abandon(first.id)
    shown._interaction.modal_consumed = False
    third = await sent(bureau, shown)

    assert "on its way" in again.response.content
    assert job.order.wishes.prompt == "a forest"
    assert "has been sent before" in words(third)
    assert sorted(await states(bureau)) == ["cancelled", "received"]


async def test_a_form_whose_answer_is_not_found_later_can_be_sent_again(bureau: Bureau) -> None:
    shown = await chosen(bureau, ANIMATE, PICTURE, VIDEO)
    await unseen(bureau, sent(bureau, shown), status=503, code=0)
    job = await bureau.job()
    waiting = replace(job, state_since=job.state_since - timedelta(minutes=2))
    await Intake(bureau.equipment).open(waiting)
    ended = await bureau.job(job.id)
    await bureau.studio._census.refresh()
    shown._interaction.modal_consumed = False

    again = await sent(bureau, shown)
    await bureau.animate.taking.finish_answers()

    assert (ended.state, ended.ending and ended.ending.code) == (JobState.EXPIRED, "interrupted")
    assert "on its way" in again.response.content


async def test_a_picked_file_is_still_kept_after_an_order_that_nobody_saw(bureau: Bureau) -> None:
    told = await chosen(bureau, AS_MOTION, VIDEO)
    await bureau.world.eventually(lambda: custom_ids(told))

    await unseen(bureau, bureau.order(video=None))
    after = await picked_motion(bureau)
    again = await bureau.order(video=None)
    await taken(bureau, 1)

    assert after == VIDEO[0]
    assert "on its way" in again.response.content
    assert await picked_motion(bureau) is None


async def test_a_file_that_was_picked_since_stays_in_the_place_of_the_earlier_one(bureau: Bureau) -> None:
    told = await chosen(bureau, AS_MOTION, VIDEO)
    await bureau.world.eventually(lambda: custom_ids(told))
    job = await bureau.ordered(video=None)
    told = await chosen(bureau, AS_MOTION, ("other.mp4", b"another video"))
    await bureau.world.eventually(lambda: custom_ids(told))

    await bureau.studio.abandon(job.id)

    assert await picked_motion(bureau) == "other.mp4"


@pytest.mark.parametrize(
    ("policy", "prefix"),
    [
        (Policy(consent=True), "v1:agree:"),
        (Policy(pool=Share(clips=0), approval=Approval(channel_id=5)), "v1:ask:"),
    ],
)
async def test_a_press_that_nobody_saw_answered_counts_again(
    bureau: Bureau, policy: Policy, prefix: str
) -> None:
    await bureau.rule(policy)
    refused = await bureau.order()
    await unseen(bureau, pressed(bureau, refused, prefix))

    again = await pressed(bureau, refused, prefix)
    await bureau.animate.taking.finish_answers()

    assert "on its way" in again.response.content
    assert sorted(await states(bureau)) == ["cancelled", "received"]
