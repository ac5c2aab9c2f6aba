"""The picture check as people see it: its switch on the panel, requests, covered clips, reports, warnings."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cogs.budget import Budget
from cogs.herald import DiscordHerald
from media import nudity
from studio import jobs
from studio.models import Job
from studio.moderation import audit, findings, reports
from studio.moderation.audit import Entry
from studio.moderation.chronicle import Chronicle
from studio.moderation.questions import Exhibit, History, needed
from studio.moderation.telling import sentence_of
from studio.sharing import servers
from studio.sharing.policy import Approval, Policy
from tests.bureau import Bureau, a_clip, delivered, open_bureau, texts_of, with_inputs
from tests.finished import finished, press
from tests.sandbox_world import clip, picture

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def rule(bureau: Bureau, **rules: Any) -> None:
    now = bureau.equipment.clock()
    async with bureau.database.write() as connection:
        server = await servers.read(connection, bureau.world.guild.id, now)
        await servers.change(connection, server, policy=replace(server.policy, **rules))
    await bureau.servers.refresh(now)


def rules(bureau: Bureau) -> Policy:
    return bureau.servers.of(bureau.world.guild.id).policy


def panel(bureau: Bureau) -> dict[str, Any]:
    return bureau.world.messages(bureau.world.clips.id, viewer=bureau.world.moderator)[-1]


async def approval_page(bureau: Bureau) -> dict[str, Any]:
    world = bureau.world
    await world.slash(world.moderator, world.clips, "studio setup")
    await world.eventually(lambda: "Set up the studio" in texts_of(panel(bureau)))
    await world.click(world.moderator, panel(bureau), "v1:setup:page:approval")
    await world.eventually(lambda: "looks for nudity" in texts_of(panel(bureau)))
    return panel(bureau)


def count(component: dict[str, Any]) -> int:
    return 1 + sum(count(each) for each in component.get("components") or [])


# ── the panel ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not nudity.is_installed(), reason="nudenet is not installed (requirements-safety.txt)")
async def test_the_check_is_switched_on_and_the_panel_says_what_it_still_lacks(bureau: Bureau) -> None:
    world = bureau.world
    message = await approval_page(bureau)
    before = rules(bureau).check_pictures

    await world.click(world.moderator, message, "v1:setup:set:check_pictures:on")
    await world.eventually(lambda: rules(bureau).check_pictures)
    await world.eventually(lambda: "no channel for approvals yet" in texts_of(panel(bureau)))

    async with bureau.database.read() as connection:
        (_, entry) = (await audit.newest(connection, world.guild.id))[0]
    assert before is False
    assert "switched the picture check on" in sentence_of(entry)
    assert sum(map(count, panel(bureau)["components"])) <= 40


async def test_without_the_package_the_switch_says_so_and_changes_nothing(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    message = await approval_page(bureau)

    refused = await bureau.world.click(bureau.world.moderator, message, "v1:setup:set:check_pictures:on")

    await bureau.world.eventually(
        lambda: "requirements-safety.txt" in str(refused.followups or refused.response)
    )
    assert not rules(bureau).check_pictures


async def test_a_switch_that_lost_its_package_can_be_switched_off(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rule(bureau, check_pictures=True, approval=Approval(channel_id=bureau.world.clips.id))
    monkeypatch.setitem(sys.modules, "nudenet", None)
    message = await approval_page(bureau)
    said = texts_of(message)

    await bureau.world.click(bureau.world.moderator, message, "v1:setup:set:check_pictures:off")

    await bureau.world.eventually(lambda: not rules(bureau).check_pictures)
    assert "no longer installed here" in said


# ── requests and clips ──────────────────────────────────────────────────────────────────────────


async def a_request(bureau: Bureau, found: str, **changes: Any) -> dict[str, Any]:
    channel = bureau.world.guild.create_text_channel("moderators")
    job = with_inputs(await bureau.opened())
    assert job.inputs is not None
    order = replace(job.order, **changes)
    job = replace(job, order=order, inputs=replace(job.inputs, found=found))
    (question,) = needed(Policy(), order, 250_000, NOW, found=found)
    exhibit = Exhibit(history=History(made=0, failed=0, blocks=0, reports=0), picture=picture(), video=clip())
    await bureau.desk.ask_moderators(job, replace(question, channel_id=channel.id), exhibit)
    (message,) = bureau.posts(channel.id)
    return message


async def test_a_request_says_what_was_found_and_covers_the_files(bureau: Bureau) -> None:
    message = await a_request(bureau, "video:genitals")

    said = texts_of(message)
    gallery = next(each for each in message["components"][0]["components"] if each.get("items"))
    assert "The picture check found bare genitals in the video." in said
    assert [item["spoiler"] for item in gallery["items"]] == [True, True]


async def test_a_request_that_is_over_a_limit_besides_says_both(bureau: Bureau) -> None:
    message = await a_request(bureau, findings.UNCHECKED, overruled=True)

    said = texts_of(message)
    assert "The picture check broke down" in said
    assert "over a limit" in said


async def a_found_clip(bureau: Bureau, tmp_path: Path) -> tuple[Job, dict[str, Any]]:
    (tmp_path / "clip.mp4").write_bytes(b"clip")
    job, found = await bureau.opened(), a_clip(found="result:breasts")
    outcome_id = await bureau.desk.deliver(job, found, tmp_path / "clip.mp4")
    (message,) = [each for each in bureau.posts(job.place.talk_id) if int(each["id"]) == outcome_id]
    return delivered(job, outcome_id), message


async def test_a_clip_with_a_hit_is_covered_and_says_why(bureau: Bureau, tmp_path: Path) -> None:
    job, message = await a_found_clip(bureau, tmp_path)

    assert message["attachments"][0]["filename"] == f"SPOILER_clip-{job.id}.mp4"
    assert "Hidden until you press it" in message["content"]


async def test_it_stays_covered_where_it_is_shared(bureau: Bureau) -> None:
    job = await finished(bureau)
    assert job.clip is not None
    async with bureau.database.write() as connection:
        await jobs.amend(connection, await bureau.job(job.id), clip=replace(job.clip, found="result:breasts"))

    await press(bureau, bureau.world.member, job, "share")

    (shared,) = [each for each in bureau.posts(bureau.world.clips.id) if each["attachments"]]
    assert shared["attachments"][0]["filename"].startswith("SPOILER_")


async def test_its_report_reaches_moderators_once_and_says_that_it_is_the_studios(
    bureau: Bureau, tmp_path: Path
) -> None:
    channel = bureau.world.guild.create_text_channel("moderators")
    await rule(bureau, approval=Approval(channel_id=channel.id))
    job, _ = await a_found_clip(bureau, tmp_path)
    for _ in range(2):
        async with bureau.database.write() as connection:
            await findings.report(connection, job, "result:breasts", NOW)

    for _ in range(2):
        await bureau.care.safety.look_after()

    (message,) = bureau.posts(channel.id)
    assert "my own check" in message["content"]
    assert "found bare breasts in the clip" in message["content"]
    async with bureau.database.read() as connection:
        told = [sentence_of(entry) for _, entry in await audit.newest(connection, bureau.world.guild.id)]
    assert told == [f"The studio posted clip {job.id} behind a spoiler and reported it."]


async def test_reports_of_a_server_without_a_channel_keep_no_others_back(
    bureau: Bureau, tmp_path: Path
) -> None:
    channel = bureau.world.guild.create_text_channel("moderators")
    await rule(bureau, approval=Approval(channel_id=channel.id))
    job, _ = await a_found_clip(bureau, tmp_path)
    async with bureau.database.write() as connection:
        for number in range(60):
            report = reports.Report(
                id=f"0{number:04}",
                at=NOW,
                guild_id=5,
                job_id=f"other{number}",
                reporter_id=0,
                reason="unchecked",
            )
            await reports.file(connection, report)
        await findings.report(connection, job, "result:breasts", NOW)

    await bureau.care.safety.look_after()

    assert len(bureau.posts(channel.id)) == 1


async def test_the_log_tells_of_reports(bureau: Bureau) -> None:
    entry = Entry(at=NOW, guild_id=1, actor_id=None, action="clip_reported", job_id="01abc")

    assert sentence_of(entry) == "Clip 01abc was reported."


# ── nobody to ask ───────────────────────────────────────────────────────────────────────────────


async def test_without_log_and_channel_somebody_is_warned_once_a_day(bureau: Bureau) -> None:
    world, today = bureau.world, NOW

    async def wait_in_vain() -> None:
        entry = Entry(at=today, guild_id=world.guild.id, actor_id=None, action="approvals_nowhere")
        async with bureau.database.write() as connection:
            await audit.add(connection, entry)
        await Chronicle(bureau.database, DiscordHerald(bureau.client, Budget()), lambda: today).tell()

    def warnings() -> int:
        sent = [str(call.json) for call in world.env.http_requests if call.method == "POST"]
        return sum("no channel is chosen" in each for each in sent)

    await wait_in_vain()
    await wait_in_vain()
    first_day = warnings()
    today += timedelta(days=1)
    await wait_in_vain()

    assert (first_day, warnings()) == (1, 2)
