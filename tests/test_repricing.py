"""An estimate above what was agreed: the operator is told, and nothing is ordered before a new yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from providers.sandbox import Fate, Fault
from studio.database import Database
from studio.errors import DeskGone, DeskUnavailable
from studio.models import JobState
from studio.moderation.hearing import Heard
from studio.moderation.questions import Kind, Standing, needed
from studio.ordering import UPLOAD_TRIES
from studio.repricing import DEARER
from studio.sharing.periods import Period
from studio.sharing.policy import Approval, ApprovalMode, Policy, Share
from tests.bureau import open_bureau, texts_of, with_inputs
from tests.studio_world import CHARGE, World, studio_at_work
from tests.test_approvals import ASKED, MEMBER, answer, asked, confirm, held, no, prepared, rule, used, yes

DEAR = 5 * CHARGE
CONFIRMED = Policy(confirm_above_usd_micros=2 * CHARGE)
APPROVED = Policy(
    approval=Approval(mode=ApprovalMode.ABOVE_PRICE, above_usd_micros=2 * CHARGE, channel_id=500)
)


def make_dear(world: World, price: int = DEAR, *, times: int | None = None) -> None:
    world.sandbox.faults.add(
        Fault(on="estimate", merge={"estimatedCostMicroCents": price}, times=times),
        Fate(cost=price, times=times),
    )


async def test_a_price_that_rose_above_the_threshold_is_confirmed_before_anything_is_ordered(
    tmp_path: Path, database: Database
) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        make_dear(world)
        await rule(world, CONFIRMED)
        job_id = await prepared(world)
        question = await asked(world, job_id, Kind.PRICE)
        waiting = await world.job(job_id)

        assert (waiting.state, waiting.held_usd_micros) == (JobState.PENDING_APPROVAL, DEAR)
        assert (question.why, await held(world, job_id)) == ("dearer", DEAR)
        assert world.sandbox.seen("submit") == []
        assert await confirm(world, job_id) is Heard.CONFIRMED

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert world.sandbox.account.net == DEAR


async def test_who_declines_a_price_that_rose_is_charged_nothing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        make_dear(world)
        await rule(world, CONFIRMED)
        job_id = await prepared(world)
        await asked(world, job_id, Kind.PRICE)

        await confirm(world, job_id, yes=False)

        job = await world.until_closed(job_id)
        await world.check()
        assert (world.outcome(job_id), world.sandbox.account.net) == ("price_declined", 0)
        assert (await used(world, job)).clips == 0


async def test_moderators_are_asked_from_the_price_on_that_they_named(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        make_dear(world)
        await rule(world, APPROVED)
        job_id = await prepared(world)
        question = await asked(world, job_id)

        await answer(world, job_id, no())

        await world.until_closed(job_id)
        await world.check()
        assert (question.why, world.outcome(job_id)) == ("dearer", "approval_denied")
        assert world.sandbox.seen("submit") == []


async def test_a_yes_to_the_listed_price_is_none_to_a_higher_one(tmp_path: Path, database: Database) -> None:
    both = replace(ASKED, confirm_above_usd_micros=CHARGE - 1)
    async with studio_at_work(tmp_path, database=database) as world:
        make_dear(world, CHARGE + 1)
        await rule(world, both)
        job_id = await prepared(world)
        for price in (CHARGE, CHARGE + 1):
            member = await asked(world, job_id, Kind.PRICE)
            assert (await world.job(job_id)).held_usd_micros == price
            await confirm(world, job_id)
            moderators = await asked(world, job_id)
            await answer(world, job_id, yes())
            await world.until(job_id, lambda job: job.state is not JobState.PENDING_APPROVAL)
            await world.until(job_id, lambda job: job.state is not JobState.QUEUED)
            if price == CHARGE:
                await world.until_in(job_id, JobState.PENDING_APPROVAL)
                assert (member.state, moderators.state) == (Standing.OPEN, Standing.OPEN)

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("submit")) == 1


async def test_a_cancel_meets_the_job_on_its_way_back_to_the_question(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(
            Fault(on="estimate", merge={"estimatedCostMicroCents": DEAR}, delay=1.0, processed=True)
        )
        await rule(world, CONFIRMED)
        job_id = await prepared(world)
        await world.eventually(lambda: world.sandbox.seen("estimate"))

        await world.cancel(job_id)

        await world.check()
        assert (world.outcome(job_id), world.sandbox.account.net) == ("cancelled", 0)
        assert world.desk.asked(job_id) == []


async def test_a_limit_that_the_new_price_passes_refuses_it_for_nothing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        make_dear(world)
        await rule(world, replace(CONFIRMED, pool=Share(Period.DAY, usd_micros=DEAR - 1)))
        job_id = await prepared(world)

        await world.until_closed(job_id)

        await world.check()
        assert (await world.job(job_id)).state is JobState.REFUSED
        assert world.sandbox.account.net == 0


async def test_the_operator_hears_of_a_list_that_does_not_hold_once_a_day_at_most(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        for number in range(2):
            # Only some inputs are dearer.
            make_dear(world, times=1)
            for prompt in (f"dear {number}", f"listed {number}"):
                await world.until_closed(await world.order(prompt))
        told = dict(world.operator.alarms)

        world.ahead = timedelta(days=1)
        await world.until_closed(await world.order("a day later"))

        assert str(DEAR) in told[DEARER]
        assert world.operator.history == [DEARER]
        assert world.operator.alarms == {}
        make_dear(world, times=1)
        await world.until_closed(await world.order("news again"))
        assert world.operator.history == [DEARER, DEARER]
        await world.check()


async def test_discord_that_is_away_uses_up_none_of_an_uploads_tries(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        make_dear(world, CHARGE + 1)
        await rule(world, ASKED)
        job_id = await prepared(world)
        await asked(world, job_id)
        world.desk.shows_fail += [DeskUnavailable() for _ in range(UPLOAD_TRIES + 3)]

        await answer(world, job_id, yes())
        await world.eventually(lambda: len(world.desk.shows_fail) <= 1)
        world.sandbox.faults.add(Fault(on="put", status=403, times=2))

        await world.until(job_id, lambda job: job.held_usd_micros == CHARGE + 1)
        await asked(world, job_id)
        await answer(world, job_id, yes())
        await world.check()
        assert world.outcome(job_id) == "clip"


async def test_an_answer_that_could_not_be_shown_yet_is_shown_before_anybody_is_asked_again(
    tmp_path: Path,
) -> None:
    async with studio_at_work(tmp_path) as world:
        make_dear(world, CHARGE + 1)
        await rule(world, ASKED)
        job_id = await prepared(world)
        first = await asked(world, job_id)
        world.desk.shows_fail += [DeskUnavailable(), DeskUnavailable()]

        await answer(world, job_id, yes())

        await world.until(job_id, lambda job: job.held_usd_micros == CHARGE + 1)
        second = await asked(world, job_id)
        assert first.message_id != second.message_id
        await answer(world, job_id, yes())
        await world.check()


async def test_in_discord_a_second_message_asks_for_the_new_price(tmp_path: Path) -> None:
    async with open_bureau(tmp_path) as bureau:
        job = replace(with_inputs(await bureau.opened()), held_usd_micros=CHARGE)
        policy = replace(CONFIRMED, confirm_above_usd_micros=0)
        [question] = needed(policy, job.order, CHARGE, bureau.equipment.clock())
        question = replace(question, channel_id=job.place.talk_id)
        first = await bureau.desk.ask_member(job, question)
        again = await bureau.desk.ask_member(job, question)
        await bureau.desk.show_answer(job, replace(question, message_id=first, state=Standing.APPROVED))

        second = await bureau.desk.ask_member(
            replace(job, held_usd_micros=DEAR), replace(question, why="dearer")
        )

        assert first == again != second
        shown = {int(post["id"]): texts_of(post) for post in bureau.posts(job.place.talk_id)}
        assert "confirmed" in shown[first]
        assert "$1.00" in shown[second]
        assert "more than its listed price" in shown[second]


async def test_in_discord_buttons_that_stayed_ask_nothing_anew(tmp_path: Path) -> None:
    async with open_bureau(tmp_path) as bureau:
        job = replace(with_inputs(await bureau.opened()), held_usd_micros=CHARGE)
        policy, now = replace(CONFIRMED, confirm_above_usd_micros=0), bureau.equipment.clock()
        ids = []
        for price in (CHARGE, DEAR, DEAR):
            [question] = needed(policy, job.order, price, now)
            question = replace(question, channel_id=job.place.talk_id, why="dearer")
            ids.append(await bureau.desk.ask_member(replace(job, held_usd_micros=price), question))

        first, second, again = ids
        assert first != second == again
        shown = {int(post["id"]): texts_of(post) for post in bureau.posts(job.place.talk_id)}
        assert f"yes:{job.id}:{CHARGE:x}" in shown[first]
        assert f"yes:{job.id}:{DEAR:x}" in shown[second]


async def test_a_yes_to_the_price_of_before_changes_nothing(tmp_path: Path, database: Database) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        make_dear(world, CHARGE + 1)
        await rule(world, replace(CONFIRMED, confirm_above_usd_micros=CHARGE - 1))
        job_id = await prepared(world)
        await asked(world, job_id, Kind.PRICE)
        # Its message keeps its buttons.
        world.desk.shows_fail.append(DeskGone())
        await confirm(world, job_id)
        await world.until(job_id, lambda job: job.held_usd_micros == CHARGE + 1)
        await asked(world, job_id, Kind.PRICE)

        early = await world.engine.studio.hearings.confirm(
            job_id, guild_id=1, member_id=MEMBER, yes=True, is_moderator=False, price=CHARGE
        )

        assert (early.heard, await confirm(world, job_id)) == (Heard.DEARER, Heard.CONFIRMED)
        await world.check()
        assert world.outcome(job_id) == "clip"
