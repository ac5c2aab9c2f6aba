"""Consent, "Ask a moderator" and the moderators' answers, through the simulated Discord."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from studio import jobs
from studio.database import Database
from studio.database import jobs as rows
from studio.errors import LimitReached
from studio.models import Job, JobState
from studio.moderation import approvals, audit, consents, reports
from studio.moderation.questions import Exhibit, History, Kind, Standing, needed
from studio.moderation.reports import ReportState
from studio.moderation.safety import Complaint
from studio.moderation.telling import sentence_of
from studio.overruling import ask_or_refuse
from studio.sharing import servers
from studio.sharing.policy import Approval, ApprovalMode, Policy, Share
from studio.sharing.tables import approvals as approval_rows
from tests.bureau import Bureau, a_button, open_bureau, texts_of, with_inputs
from tests.sandbox_world import clip, picture

PRICE = 250_000

NOTHING_LEFT = Policy(pool=Share(clips=0))


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


def button_of(message: Any, prefix: str) -> str:
    """The id of the button of a private answer."""
    ids = [item.custom_id for row in message.components for item in row.children]
    return next(custom_id for custom_id in ids if custom_id.startswith(prefix))


async def pressed_on(bureau: Bureau, result: Any, prefix: str) -> Any:
    message = result.response.message
    return await bureau.world.click(bureau.world.member, message, button_of(message, prefix))


async def test_consent_is_asked_once_and_the_order_goes_on_by_the_press(bureau: Bureau) -> None:
    await bureau.rule(Policy(consent=True))
    first = await bureau.order(prompt="a forest")
    await bureau.restart()

    agreed = await pressed_on(bureau, first, "v1:agree:")
    await bureau.world.eventually(lambda: bureau.bells.woken)
    job = await bureau.job()
    second = await bureau.order()

    assert first.response is not None
    assert first.response.ephemeral
    assert "likeness" in first.response.content
    assert "on its way" in agreed.response.content
    assert not agreed.response.ephemeral
    assert (job.order.wishes.prompt, job.order.picture.filename) == ("a forest", "me.jpg")
    assert second.response is not None
    assert "on its way" in second.response.content


@pytest.mark.parametrize(
    ("account", "named", "other"),
    [("pixelbyte", "go to PixelByte,", "trial"), ("sandbox", "go to nobody", "PixelByte")],
)
async def test_consent_names_who_gets_the_files(tmp_path: Path, account: str, named: str, other: str) -> None:
    async with open_bureau(tmp_path, account=account) as bureau:
        await bureau.rule(Policy(consent=True))

        asked = await bureau.order()
        told = await bureau.world.slash(bureau.world.member, bureau.world.clips, "privacy")

        await pressed_on(bureau, asked, "v1:agree:")
        await bureau.world.eventually(lambda: bureau.bells.woken)
        # The word was stored: this order is taken without a question.
        await bureau.ordered()

    assert named in asked.response.content
    assert other not in asked.response.content
    assert ("PixelByte" in told.response.content) is (account == "pixelbyte")


async def test_a_word_for_trials_covers_no_files_that_leave_the_house(database: Database) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    async with database.write() as connection:
        for member, trial in ((1, True), (2, False)):
            await consents.add(connection, guild_id=9, member_id=member, now=now, trial=trial)

    async with database.read() as connection:
        found = [
            await consents.given(connection, guild_id=9, member_id=member, trial=trial)
            for member in (1, 2)
            for trial in (True, False)
        ]

    assert found == [True, False, True, True]


async def test_a_member_over_a_limit_asks_the_moderators_by_a_press_that_counts_once(bureau: Bureau) -> None:
    await bureau.rule(replace(NOTHING_LEFT, approval=Approval(channel_id=5)))
    refused = await bureau.order(prompt="a forest")
    await bureau.restart()

    asked = await pressed_on(bureau, refused, "v1:ask:")
    await bureau.world.eventually(lambda: bureau.bells.woken)
    job = await bureau.job()
    again = await pressed_on(bureau, refused, "v1:ask:")

    assert refused.response is not None
    assert refused.response.ephemeral
    assert "on its way" in asked.response.content
    assert (job.order.overruled, job.order.wishes.prompt) == (True, "a forest")
    assert again.response.ephemeral
    assert "has been used" in again.response.content


async def test_a_press_that_comes_before_its_order_is_kept_waits_for_it(bureau: Bureau) -> None:
    await bureau.rule(replace(NOTHING_LEFT, approval=Approval(channel_id=5)))

    async with bureau.database.write():
        refused = await bureau.order()
        pressing = asyncio.create_task(pressed_on(bureau, refused, "v1:ask:"))
        await asyncio.sleep(0.2)
    asked = await pressing

    assert "on its way" in asked.response.content
    await bureau.world.eventually(lambda: bureau.bells.woken)


async def test_a_price_over_a_limit_is_asked_for_below_the_report_also_after_a_restart(
    bureau: Bureau,
) -> None:
    await bureau.rule(Policy(pool=Share(usd_micros=200_000), approval=Approval(channel_id=5)))
    job = with_inputs(await bureau.opened(prompt="a forest"))
    longer = replace(job, state=JobState.PREPARING, version=1)
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).values(state=JobState.PREPARING, version=1))
    met = LimitReached("pool_money_used", can_ask=True, limit=200_000, left=50_000)
    await ask_or_refuse(bureau.equipment, longer, 250_000, met, bureau.studio.now())
    ended = await bureau.job(job.id)
    assert ended.ending is not None
    await bureau.desk.report(job, ended.ending)
    report = bureau.posts(job.place.talk_id)[-1]
    await bureau.restart()

    seen = await bureau.world.click(bureau.world.stranger, report, f"v1:ask:{job.id}")
    await bureau.world.click(bureau.world.member, report, f"v1:ask:{job.id}")
    await bureau.world.eventually(lambda: len(bureau.bells.woken) > 1)
    asked = await bureau.job(bureau.bells.woken[-1])

    assert "waiting does not help" in report["content"]
    assert "Only the member who ordered this clip" in seen.response.content
    assert asked.id != job.id
    assert (asked.order.overruled, asked.order.wishes.prompt) == (True, "a forest")


async def test_without_a_channel_for_moderators_there_is_no_button(bureau: Bureau) -> None:
    await bureau.rule(NOTHING_LEFT)

    refused = await bureau.order()

    assert refused.response is not None
    assert refused.response.message.components == []
    assert "let yours through" in refused.response.content


async def waiting(bureau: Bureau, **options: Any) -> Job:
    """A job whose request stands in the channel, posted by the real desk."""
    policy = Policy(approval=Approval(mode=ApprovalMode.EVERYONE, channel_id=bureau.world.clips.id))
    job = with_inputs(await bureau.opened(prompt="**a forest** @everyone", **options))
    async with bureau.database.write() as connection:
        stored = await jobs.get(connection, job.id)
        assert stored is not None
        stored = await jobs.move(connection, stored, JobState.PREPARING, now=job.order.ordered_at)
        await jobs.move(connection, stored, JobState.PENDING_APPROVAL, now=job.order.ordered_at)
        questions = needed(policy, job.order, PRICE, job.order.ordered_at)
        await approvals.put(connection, questions)
    exhibit = Exhibit(history=History(made=3, failed=1, blocks=0, reports=0), picture=picture(), video=clip())
    question = replace(questions[0], channel_id=bureau.world.clips.id)
    first = await bureau.desk.ask_moderators(job, question, exhibit)
    assert await bureau.desk.ask_moderators(job, question, exhibit) == first
    return job


def request_of(bureau: Bureau, job: Job) -> dict[str, Any]:
    found = [one for one in bureau.posts(bureau.world.clips.id) if f"approve:{job.id}" in texts_of(one)]
    assert len(found) == 1
    return found[0]


def press_of(press: str, job: Job, price: int = PRICE) -> str:
    """A button's id; only a yes is one to a price."""
    return f"v1:approval:{press}:{job.id}" + (f":{price:x}" if press == "approve" else "")


async def state_of(bureau: Bureau, job: Job) -> Standing:
    async with bureau.database.read() as connection:
        [question] = await approvals.of_job(connection, job.id)
    assert question.kind is Kind.MODERATORS
    return question.state


async def test_a_moderator_approves_after_a_restart(bureau: Bureau) -> None:
    job = await waiting(bureau)
    await bureau.restart()
    message = request_of(bureau, job)

    result = await bureau.world.click(bureau.world.moderator, message, press_of("approve", job))
    await bureau.world.eventually(lambda: result.followups)

    assert "Approved" in result.followups[0].content
    assert await state_of(bureau, job) is Standing.APPROVED
    assert len(message["attachments"]) == 2
    assert "clips made: 3" in texts_of(message)
    assert "**a forest**" not in texts_of(message)


async def asked_anew(bureau: Bureau, job: Job, price: int) -> None:
    policy = Policy(approval=Approval(mode=ApprovalMode.EVERYONE, channel_id=bureau.world.clips.id))
    [question] = needed(policy, job.order, price, job.order.ordered_at)
    async with bureau.database.write() as connection:
        await approvals.put_anew(connection, question)
    exhibit = Exhibit(history=History(made=3, failed=1, blocks=0, reports=0), picture=picture(), video=clip())
    question = replace(question, channel_id=bureau.world.clips.id)
    await bureau.desk.ask_moderators(replace(job, held_usd_micros=price), question, exhibit)


async def test_a_yes_to_an_earlier_price_whose_buttons_stayed_is_none(bureau: Bureau) -> None:
    job, moderator = await waiting(bureau), bureau.world.moderator
    message = request_of(bureau, job)
    await asked_anew(bureau, job, 2 * PRICE)

    early = await bureau.world.click(moderator, message, press_of("approve", job))
    await bureau.world.eventually(lambda: early.followups)
    before = await state_of(bureau, job)
    newest = bureau.posts(bureau.world.clips.id)[-1]
    late = await bureau.world.click(moderator, newest, press_of("approve", job, 2 * PRICE))
    await bureau.world.eventually(lambda: late.followups)

    assert "The price has changed" in early.followups[0].content
    assert before is Standing.OPEN
    assert "Approved" in late.followups[0].content
    assert await state_of(bureau, job) is Standing.APPROVED


@pytest.mark.parametrize(("known", "said"), [(None, "Approved"), (PRICE, "The price has changed")])
async def test_a_button_of_an_earlier_version_holds_for_a_question_that_was_not_asked_anew(
    bureau: Bureau, known: int | None, said: str
) -> None:
    job = await waiting(bureau)
    async with bureau.database.write() as connection:
        await connection.execute(update(approval_rows).values(usd_micros=known))
    old = f"v1:approval:approve:{job.id}"
    message = await a_button(bureau, old)

    result = await bureau.world.click(bureau.world.moderator, message, old)
    await bureau.world.eventually(lambda: result.followups)

    assert said in result.followups[0].content


@pytest.mark.parametrize("press", ["approve", "deny", "block"])
@pytest.mark.parametrize("who", ["member", "stranger"])
async def test_nobody_else_decides(bureau: Bureau, who: str, press: str) -> None:
    job = await waiting(bureau)

    result = await bureau.world.click(
        getattr(bureau.world, who), request_of(bureau, job), press_of(press, job)
    )

    assert result.response is not None
    assert "Only moderators" in result.response.content
    assert await state_of(bureau, job) is Standing.OPEN


@pytest.mark.parametrize(
    ("press", "said"), [("deny", "Denied"), ("block", "can make no clips here until <t:")]
)
async def test_a_moderator_denies_or_blocks_with_a_reason(bureau: Bureau, press: str, said: str) -> None:
    job = await waiting(bureau)
    moderator = bureau.world.moderator
    shown = await bureau.world.click(moderator, request_of(bureau, job), press_of(press, job))
    values: dict[str, Any] = {"reason": "not of her"}
    if press == "block":
        values["days"] = ["7"]

    result = await bureau.world.submit_modal(moderator, shown, values)
    await bureau.world.eventually(lambda: result.followups)

    async with bureau.database.read() as connection:
        [question] = await approvals.of_job(connection, job.id)
        server = await servers.read(connection, job.place.guild_id, bureau.studio.now())
    assert said in result.followups[0].content
    assert (question.state, question.reason) == (Standing.DENIED, "not of her")
    assert server.is_blocked(job.order.member.id, bureau.studio.now()) is (press == "block")


async def test_a_block_reads_the_same_from_the_command_a_request_and_a_report(bureau: Bureau) -> None:
    world, job = bureau.world, await waiting(bureau)
    about = Complaint(guild_id=world.guild.id, job_id=job.id, reporter_id=world.stranger.id, reason="rude")
    await bureau.care.safety.report(about)
    async with bureau.database.read() as connection:
        [filed] = await reports.of_job(connection, job.id)

    command = await world.slash(
        world.moderator, world.clips, "studio block", member=world.member, reason="rude"
    )
    await world.eventually(lambda: "can make no clips here" in (command.response.content or ""))
    shown = await world.click(world.moderator, request_of(bureau, job), f"v1:approval:block:{job.id}")
    pressed = await world.submit_modal(world.moderator, shown, {"reason": "rude", "days": ["0"]})
    await world.eventually(lambda: pressed.followups)
    await bureau.care.safety.decide(
        filed.id, ReportState.BLOCKED, guild_id=world.guild.id, by=world.moderator.id
    )

    async with bureau.database.read() as connection:
        found = [entry for _, entry in await audit.newest(connection, world.guild.id)]
    told = [sentence_of(entry) for entry in found if entry.action == "blocked"]
    assert told == [f"<@{world.moderator.id}> blocked <@{world.member.id}>."] * 3
    # What a reporter wrote is nobody's to read in the record.
    assert sorted(entry.reason for entry in found if entry.action == "blocked") == ["", "rude", "rude"]
    line = command.response.content.splitlines()[0]
    assert line.startswith(f"<@{world.member.id}> can make no clips here. What waits for a yes ends")
    assert line in pressed.followups[0].content
    # The clip that waited for a yes was roused by the command already.
    assert job.id in bureau.bells.woken


async def test_moderators_cannot_block_themselves_from_their_own_request(bureau: Bureau) -> None:
    moderator = bureau.world.moderator
    job = await waiting(bureau, member=moderator)
    shown = await bureau.world.click(moderator, request_of(bureau, job), f"v1:approval:block:{job.id}")

    refused = await bureau.world.submit_modal(moderator, shown, {"reason": "me", "days": ["1"]})
    await bureau.world.eventually(lambda: refused.followups)

    assert "You cannot block yourself" in refused.followups[0].content
    assert await state_of(bureau, job) is Standing.OPEN
