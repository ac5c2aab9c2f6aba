"""A clip whose exact price passes its server's limit: refused, or put to moderators who want to be asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio.models import JobState
from studio.moderation import petitions
from studio.moderation.petitions import Want
from studio.moderation.questions import Why
from studio.sharing.policy import Approval, ApprovalMode, Policy, Share
from tests.studio_world import CHARGE, studio_at_work
from tests.test_approvals import answer, asked, held, prepared, rule, yes

TOO_LITTLE = Policy(pool=Share(usd_micros=CHARGE - 1))
ASKING = replace(TOO_LITTLE, approval=Approval(mode=ApprovalMode.OVER_LIMIT, channel_id=900))


async def test_moderators_who_want_to_be_asked_let_a_dear_clip_pass(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKING)

        job_id = await prepared(world)
        question = await asked(world, job_id)
        waiting = await held(world, job_id)
        await answer(world, job_id, yes())

        await world.until_closed(job_id)
        job = await world.job(job_id)
    assert question.why == Why.OVER_LIMIT
    assert waiting == CHARGE
    assert job.state is JobState.DELIVERED


async def test_without_such_moderators_a_dear_clip_is_refused_at_no_cost(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, TOO_LITTLE)

        job_id = await prepared(world)

        await world.until_closed(job_id)
        job = await world.job(job_id)
        assert await held(world, job_id) == 0
    assert job.state is JobState.REFUSED
    assert job.ending is not None
    assert job.ending.code == "pool_money_used"


async def test_where_moderators_can_be_asked_the_refused_order_is_kept_for_its_members_press(
    tmp_path: Path,
) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, replace(TOO_LITTLE, approval=Approval(channel_id=900)))

        job_id = await prepared(world)

        await world.until_closed(job_id)
        job = await world.job(job_id)
        async with world.database.read() as connection:
            kept = await petitions.read(connection, job_id)
    assert job.ending is not None
    assert job.ending.facts["can_ask"]
    assert kept is not None
    assert (kept.wants, kept.wanted.overruled) == (Want.MODERATOR, True)
    assert kept.is_open_to(job.order.member.id, job.place.guild_id, kept.at)
    assert (kept.wanted.picture, kept.wanted.wishes) == (job.order.picture, job.order.wishes)


async def test_nobody_lets_a_clip_pass_the_operators_budget(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, monthly_budget_usd_micros=CHARGE - 1) as world:
        await rule(world, ASKING)

        job_id = await prepared(world)

        await world.until_closed(job_id)
        job = await world.job(job_id)
    assert job.ending is not None
    assert job.ending.code == "budget_exhausted"
