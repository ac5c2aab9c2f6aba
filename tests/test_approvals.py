"""Jobs wait for their member's and the moderators' yes, and every way that this can end."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from studio import jobs, ledger
from studio.database import Database
from studio.models import Inputs, Job, JobState, Orientation
from studio.moderation import approvals, audit
from studio.moderation.hearing import Answer, Heard
from studio.moderation.questions import Kind, Question, Standing, needed
from studio.sharing import servers, tallies
from studio.sharing.periods import Period, span_of
from studio.sharing.policy import Approval, ApprovalMode, Policy
from studio.sharing.quotas import Usage
from studio.sharing.tallies import Owner
from tests import sandbox_world
from tests.builders import an_order
from tests.studio_world import CHARGE, SECONDS, World, studio_at_work

MODERATOR, OTHER, MEMBER = 77, 78, 10
ASKED = Policy(approval=Approval(mode=ApprovalMode.EVERYONE, channel_id=500))
CONFIRMED = Policy(confirm_above_usd_micros=CHARGE - 1)


async def rule(world: World, policy: Policy, guild: int = 1) -> None:
    async with world.database.write() as connection:
        server = await servers.read(connection, guild, world.now())
        await servers.change(connection, server, policy=policy)


async def prepared(world: World, *, prompt: str = "a calm forest", overruled: bool = False) -> str:
    """An order whose files are ready and whose price is about to be held."""
    order = replace(world._an_order(prompt, 1, MEMBER, world.now()), overruled=overruled)
    folder = f"jobs/{order.job_id}/input"
    made = {"picture.jpg": sandbox_world.picture(), "motion.mp4": sandbox_world.clip()}
    for name, path in {**made, "p.jpg": made["picture.jpg"], "v.jpg": made["picture.jpg"]}.items():
        async with world.storage.workspace() as temporary:
            await world.storage.put(f"{folder}/{name}", Path(shutil.copy(path, temporary)))
    inputs = Inputs(
        picture_key=f"{folder}/picture.jpg",
        video_key=f"{folder}/motion.mp4",
        picture_thumbnail_key=f"{folder}/p.jpg",
        video_thumbnail_key=f"{folder}/v.jpg",
        seconds=SECONDS,
        has_sound=True,
        orientation=Orientation.VIDEO,
    )
    async with world.database.write() as connection:
        await jobs.insert(connection, order)
        job = await jobs.get(connection, order.job_id)
        assert job is not None
        await tallies.book(connection, job, clips=1)
        job = await jobs.move(connection, job, JobState.PREPARING, now=world.now(), card_id=1, answer_id=5)
        await jobs.amend(connection, job, inputs=inputs)
    world.ordered.append(order.job_id)
    await world.engine.studio.acknowledged(order.job_id, answer_id=5)
    return order.job_id


async def asked(world: World, job_id: str, kind: Kind = Kind.MODERATORS) -> Question:
    """The question, once it has been posted and noted."""

    async def read() -> Question | None:
        async with world.database.read() as connection:
            found = await approvals.of_job(connection, job_id)
        return next((one for one in found if one.kind is kind and one.message_id), None)

    async with asyncio.timeout(60):
        while (question := await read()) is None:  # noqa: ASYNC110 - another process could write it, too
            await asyncio.sleep(0.03)
    return question


def yes(by: int = MODERATOR) -> Answer:
    return Answer(guild_id=1, actor_id=by, state=Standing.APPROVED)


def no(by: int = MODERATOR, reason: str = "not here", **block: object) -> Answer:
    return Answer(guild_id=1, actor_id=by, state=Standing.DENIED, reason=reason, **block)  # type: ignore[arg-type]  # fields of Answer


async def confirm(world: World, job_id: str, member: int = MEMBER, *, yes: bool = True) -> Heard:
    hearing = await world.engine.studio.hearings.confirm(
        job_id,
        guild_id=1,
        member_id=member,
        yes=yes,
        is_moderator=member == MODERATOR,
        price=await price_of(world, job_id, Kind.PRICE),
    )
    return hearing.heard


async def price_of(world: World, job_id: str, kind: Kind) -> int | None:
    """What the newest message asks for."""
    async with world.database.read() as connection:
        found = await approvals.of_job(connection, job_id)
    return next((one.usd_micros for one in found if one.kind is kind), None)


async def answer(world: World, job_id: str, given: Answer) -> Heard:
    given = replace(given, price=await price_of(world, job_id, Kind.MODERATORS))
    return (await world.engine.studio.hearings.answer(job_id, given)).heard


async def held(world: World, job_id: str) -> int:
    async with world.database.read() as connection:
        return await ledger.held_for(connection, job_id)


async def recorded(world: World) -> list[str]:
    async with world.database.read() as connection:
        return [entry.action for _, entry in await audit.newest(connection, 1)]


# ── the moderators ──────────────────────────────────────────────────────────────────────────────


async def test_an_approved_clip_goes_on_on_both_databases(tmp_path: Path, database: Database) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        await rule(world, ASKED)
        job_id = await prepared(world)
        question = await asked(world, job_id)
        waiting = await world.job(job_id)
        money = await held(world, job_id)

        heard = await answer(world, job_id, yes())

        assert (waiting.state, money, question.channel_id) == (JobState.PENDING_APPROVAL, CHARGE, 500)
        assert heard is Heard.APPROVED
        await world.until_closed(job_id)
        await world.check()
        assert world.outcome(job_id) == "clip"
        [shown] = world.desk.asked(job_id)
        assert (shown.state, shown.decided_by) == (Standing.APPROVED, MODERATOR)
        assert "request_approved" in await recorded(world)


async def test_a_denied_clip_costs_nothing_and_its_member_hears_why(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        job_id = await prepared(world)
        await asked(world, job_id)

        await answer(world, job_id, no(reason="not of my sister"))

        job = await world.until_closed(job_id)
        await world.check()
        assert (job.state, world.sandbox.account.net) == (JobState.REFUSED, 0)
        assert job.ending is not None
        assert (job.ending.code, job.ending.facts) == ("approval_denied", {"reason": "not of my sister"})
        [shown] = world.desk.asked(job_id)
        assert (shown.state, shown.reason) == (Standing.DENIED, "not of my sister")


async def test_two_moderators_at_once_make_one_decision(tmp_path: Path, database: Database) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        await rule(world, ASKED)
        for round_number in range(4):
            job_id = await prepared(world, prompt=f"scene {round_number}")
            await asked(world, job_id)

            priced = replace(yes(), price=await price_of(world, job_id, Kind.MODERATORS))
            first, second = await asyncio.gather(
                world.engine.studio.hearings.answer(job_id, priced),
                world.engine.studio.hearings.answer(job_id, no(OTHER)),
            )

            loser = second if first.heard is Heard.APPROVED else first
            assert {first.heard, second.heard} in (
                {Heard.APPROVED, Heard.TOO_LATE},
                {Heard.DENIED, Heard.TOO_LATE},
            )
            assert loser.question is not None
            assert loser.question.decided_by == (MODERATOR if first.heard is Heard.APPROVED else OTHER)
            job = await world.until_closed(job_id)
            assert job.state is (JobState.DELIVERED if first.heard is Heard.APPROVED else JobState.REFUSED)
        await world.check()
        decided = [one for one in await recorded(world) if one in ("request_approved", "request_denied")]
        assert len(decided) == 4


async def test_a_request_survives_restarts_and_is_asked_once(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        job_id = await prepared(world)
        await asked(world, job_id)
        await world.restart()
        world.ahead = timedelta(days=2)
        await world.restart()

        await answer(world, job_id, yes())

        await world.until_closed(job_id)
        await world.check()
        assert len(world.desk.questions) == 1


async def test_nobody_answers_and_the_request_expires(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        job_id = await prepared(world)
        await asked(world, job_id)
        world.ahead = timedelta(days=3, minutes=1)
        await world.restart()

        job = await world.until_closed(job_id)

        assert (job.state, world.outcome(job_id)) == (JobState.EXPIRED, "approval_expired")
        await world.check()
        [shown] = world.desk.asked(job_id)
        assert shown.state is Standing.EXPIRED
        assert await answer(world, job_id, yes()) is Heard.OVER


async def test_cancelling_takes_the_request_back(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        job_id = await prepared(world)
        await asked(world, job_id)

        told = await world.cancel(job_id)
        late = await answer(world, job_id, yes())

        job = await world.until_closed(job_id)
        assert (told, late, job.state) == ("cancelled", Heard.OVER, JobState.CANCELLED)
        await world.check()
        [shown] = world.desk.asked(job_id)
        assert shown.state is Standing.WITHDRAWN


async def test_a_block_ends_all_that_waits_of_its_member(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        first, second = await prepared(world, prompt="one"), await prepared(world, prompt="two")
        await asked(world, first)
        await asked(world, second)

        heard = await answer(world, first, no(blocks=True, reason="enough"))

        ended = [await world.until_closed(job_id) for job_id in (first, second)]
        assert heard is Heard.BLOCKED
        assert [job.state for job in ended] == [JobState.REFUSED, JobState.REFUSED]
        assert world.outcome(second) == "member_blocked"
        await world.check()
        assert "blocked" in await recorded(world)
        async with world.database.read() as connection:
            server = await servers.read(connection, 1, world.now())
        assert server.is_blocked(MEMBER, world.now())


async def test_a_member_who_was_blocked_meanwhile_cannot_be_approved(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        job_id = await prepared(world)
        await asked(world, job_id)
        async with world.database.write() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO blocks (id, at, guild_id, member_id, actor_id, reason)"
                f" VALUES ('b', 0, 1, {MEMBER}, 1, '')"
            )

        heard = await answer(world, job_id, yes())

        job = await world.until_closed(job_id)
        assert (heard, job.state) == (Heard.MEMBER_BLOCKED, JobState.REFUSED)
        await world.check()


async def test_a_channel_that_is_gone_loses_no_job_and_is_told_once(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        world.desk.closed_to_us = True
        job_id = await prepared(world)
        await world.eventually(lambda: "moderators_out_of_reach" in world.desk.holdups.get(job_id, []))
        for _ in range(2):
            world.ahead += timedelta(minutes=6)
            await world.restart()
            await world.until(job_id, lambda job: job.wake_at and job.wake_at > world.now())
        told = (await recorded(world)).count("approvals_unreachable")
        world.desk.closed_to_us = False
        world.ahead += timedelta(minutes=6)
        await world.restart()
        await asked(world, job_id)

        await answer(world, job_id, yes())

        await world.until_closed(job_id)
        await world.check()
        assert told == 1


async def test_a_request_that_somebody_deleted_is_posted_again(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        job_id = await prepared(world)
        first = await asked(world, job_id)
        world.desk.questions.clear()
        world.ahead = timedelta(hours=2)
        await world.restart()

        await world.eventually(lambda: world.desk.questions)

        [again] = world.desk.asked(job_id)
        assert again.expires_at == first.expires_at
        await answer(world, job_id, no())
        await world.check()


async def test_a_video_that_is_too_large_is_shown_as_a_still(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        still = sandbox_world.picture().stat().st_size
        world.desk.limit = 2 * still + 100
        job_id = await prepared(world)

        await asked(world, job_id)

        history, suffix = world.desk.exhibits[job_id]
        assert suffix == (".mp4" if sandbox_world.clip().stat().st_size <= still else ".jpg")
        assert (history.made, history.blocks) == (0, 0)
        await answer(world, job_id, no())
        await world.check()


# ── the price ───────────────────────────────────────────────────────────────────────────────────


async def test_a_price_is_confirmed_before_the_moderators_are_asked(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, replace(ASKED, confirm_above_usd_micros=CHARGE - 1))
        job_id = await prepared(world)
        await asked(world, job_id, Kind.PRICE)
        first = [question.kind for question in world.desk.asked(job_id)]

        heard = await confirm(world, job_id)

        await asked(world, job_id)
        assert (first, heard) == ([Kind.PRICE], Heard.CONFIRMED)
        await answer(world, job_id, yes())
        await world.until_closed(job_id)
        await world.check()


@pytest.mark.parametrize(
    ("who", "says_yes", "heard"),
    [
        (MEMBER, False, Heard.DECLINED),
        (MODERATOR, False, Heard.DECLINED),
        (MODERATOR, True, Heard.NOT_YOURS),
        (OTHER, False, Heard.NOT_YOURS),
    ],
)
async def test_only_the_member_says_yes_to_a_price(
    tmp_path: Path, who: int, says_yes: bool, heard: Heard
) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, CONFIRMED)
        job_id = await prepared(world)
        await asked(world, job_id, Kind.PRICE)

        told = await confirm(world, job_id, who, yes=says_yes)

        assert told is heard
        if heard is Heard.NOT_YOURS:
            assert (await world.job(job_id)).state is JobState.PENDING_APPROVAL
            await confirm(world, job_id, yes=False)
        job = await world.until_closed(job_id)
        assert (job.state, world.outcome(job_id)) == (JobState.CANCELLED, "price_declined")
        await world.check()


async def test_a_price_that_nobody_confirms_expires_after_a_day(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, CONFIRMED)
        job_id = await prepared(world)
        await asked(world, job_id, Kind.PRICE)
        world.ahead = timedelta(days=1, minutes=1)
        await world.restart()

        job = await world.until_closed(job_id)

        assert (job.state, world.outcome(job_id)) == (JobState.EXPIRED, "price_expired")
        await world.check()


# ── shares ──────────────────────────────────────────────────────────────────────────────────────


async def used(world: World, job: Job) -> Usage:
    span = span_of(Period.DAY, job.order.ordered_at, Policy().zone)
    async with world.database.read() as connection:
        [usage] = await tallies.used(connection, [(Owner(1, MEMBER), span)])
    return usage


async def test_the_hold_counts_while_the_clip_waits_and_is_given_back(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await rule(world, ASKED)
        job_id = await prepared(world)
        await asked(world, job_id)
        waiting = await used(world, await world.job(job_id))

        await answer(world, job_id, no())

        job = await world.until_closed(job_id)
        assert (waiting.clips, waiting.usd_micros) == (1, CHARGE)
        assert await used(world, job) == Usage(0, 0)


# ── who has to be asked ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("approval", "roles", "overruled", "why"),
    [
        (Approval(), (), False, None),
        (Approval(), (), True, "over_limit"),
        (Approval(mode=ApprovalMode.EVERYONE), (5,), False, "everyone"),
        (Approval(mode=ApprovalMode.WITHOUT_ROLES, exempt_role_ids=(5,)), (4, 5), False, None),
        (Approval(mode=ApprovalMode.WITHOUT_ROLES, exempt_role_ids=(5,)), (4,), False, "without_roles"),
        (Approval(mode=ApprovalMode.ABOVE_PRICE, above_usd_micros=99), (), False, "above_price"),
        (Approval(mode=ApprovalMode.ABOVE_PRICE, above_usd_micros=100), (), False, None),
        (Approval(mode=ApprovalMode.OVER_LIMIT), (), False, None),
        (Approval(mode=ApprovalMode.OVER_LIMIT), (), True, "over_limit"),
    ],
)
def test_the_policy_says_whose_clips_need_a_yes(
    approval: Approval, roles: tuple[int, ...], overruled: bool, why: str | None
) -> None:
    order = an_order()
    order = replace(order, member=replace(order.member, role_ids=roles), overruled=overruled)

    found = needed(Policy(approval=approval), order, 100, order.ordered_at)

    assert [(question.kind, question.why) for question in found] == ([(Kind.MODERATORS, why)] if why else [])
