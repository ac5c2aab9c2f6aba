"""`/quota` tells its member alone what is used and left, when it returns, and whose turn it is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from simcord import InteractionResult
from sqlalchemy import update

from studio.database import jobs
from studio.models import Job, JobState
from studio.sharing.periods import Period
from studio.sharing.policy import Allowance, Policy, Share
from tests.bureau import Bureau, open_bureau
from tests.pool_world import LEAST, set_rules


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def quota(bureau: Bureau) -> InteractionResult:
    """Use `/quota`; return the answer when it has come."""
    result = await bureau.world.slash(bureau.world.member, bureau.world.clips, "quota")
    await bureau.world.eventually(lambda: result.response is not None and result.response.content)
    return result


async def set_shares(bureau: Bureau) -> None:
    guild = bureau.world.guild.id
    policy = Policy(
        pool=Share(Period.MONTH, usd_micros=25_000_000),
        allowances=(Allowance(role_id=guild, share=Share(Period.WEEK, clips=5)),),
    )
    await set_rules(bureau.database, policy, guild_id=guild)


async def test_what_is_used_and_left_is_told_privately_in_clips_and_dollars_with_a_chart(
    bureau: Bureau,
) -> None:
    await set_shares(bureau)
    await bureau.ordered()

    result = await quota(bureau)

    assert result.response is not None
    assert result.response.ephemeral
    said = result.response.content
    assert "1 of 5 clips used, 4 left; begins anew <t:" in said
    assert "$0.15 of $25.00 used, $24.85 left; begins anew <t:" in said
    assert "your clips: 1, $0.15 · this server's: 1, $0.15" in said
    (chart,) = result.response.message.attachments
    picture = Image.open(BytesIO(await chart.read()))
    assert (picture.format, picture.width) == ("PNG", 780)
    assert chart.description == ("Bars of what is used: You: 1 of 5 clips; This server: $0.15 of $25.00")


async def test_where_nobody_has_set_limits_it_says_so_without_a_chart(bureau: Bureau) -> None:
    result = await quota(bureau)

    assert result.response is not None
    assert "Nobody has set you a limit here" in result.response.content
    assert not result.response.message.attachments


async def said(bureau: Bureau) -> list[str]:
    """The lines of the answer."""
    result = await quota(bureau)
    assert result.response is not None
    return result.response.content.splitlines()


async def queue(bureau: Bureau, job: Job, **values: Any) -> None:
    async with bureau.database.write() as connection:
        changed = update(jobs).where(jobs.c.id == job.id).values(state=JobState.QUEUED, **values)
        await connection.execute(changed)


async def test_a_clip_that_is_under_way_is_told_with_the_way_to_it(bureau: Bureau) -> None:
    job = await bureau.opened()

    before = (await said(bureau))[-1]
    async with bureau.database.write() as connection:
        await connection.execute(update(jobs).values(thread_id=job.place.thread_id))
    after = (await said(bureau))[-1]

    link = f"https://discord.com/channels/{bureau.world.guild.id}/{job.place.thread_id}"
    assert before == "⏳ Your clip: under way"
    assert after == f"⏳ [Your clip]({link}): under way"


async def test_clips_in_the_queue_are_told_with_their_places_and_the_starts(bureau: Bureau) -> None:
    for _ in range(2):
        await queue(bureau, await bureau.ordered())

    first, second = (await said(bureau))[-2:]

    assert re.fullmatch(r"⏳ Your clip: place 1 in the queue, expected start: <t:\d+:R>", first)
    assert re.fullmatch(r"⏳ Your clip: place 2 in the queue, expected start: <t:\d+:R>", second)


async def test_clips_that_wait_for_a_pause_to_end_say_so(bureau: Bureau) -> None:
    await queue(bureau, await bureau.ordered())
    await set_rules(bureau.database, Policy(paused=True), guild_id=bureau.world.guild.id)

    lines = await said(bureau)

    assert lines[-1] == "⏸ Your clip: waits until new clips are open again"


async def test_only_ones_own_clips_are_told_and_no_more_than_fit(tmp_path: Path) -> None:
    async with open_bureau(tmp_path, max_jobs_per_member=20, max_jobs_per_server=20) as bureau:
        await bureau.ordered(member=bureau.world.moderator)
        nobodys = await said(bureau)
        for _ in range(11):
            await bureau.ordered()

        lines = await said(bureau)

    assert not any("Your clip:" in line for line in nobodys)
    assert sum("Your clip:" in line for line in lines) == 10


async def test_shares_in_dollars_and_of_the_server_in_clips_are_told_too(bureau: Bureau) -> None:
    guild = bureau.world.guild.id
    policy = Policy(
        pool=Share(Period.DAY, clips=7),
        allowances=(Allowance(role_id=guild, share=Share(Period.DAY, usd_micros=1_000_000)),),
    )
    await set_rules(bureau.database, policy, guild_id=guild)
    await bureau.ordered()

    title, mine, everybodys, month, *_ = await said(bureau)

    assert title == "### Your clips"
    end = r"begins anew <t:\d+:R>"
    assert re.fullmatch(rf"\*\*You\*\* · \$0.15 of \$1.00 used, \$0.85 left; {end}", mine)
    assert re.fullmatch(rf"\*\*This server\*\* · 1 of 7 clips used, 6 left; {end}", everybodys)
    assert month == "This month so far · your clips: 1, $0.15 · this server's: 1, $0.15"


@pytest.mark.parametrize("whose", ["budget", "cap"])
async def test_an_operators_limit_that_is_used_up_is_told_with_its_end(tmp_path: Path, whose: str) -> None:
    terms = {"monthly_budget_usd_micros": LEAST} if whose == "budget" else {}
    async with open_bureau(tmp_path, **terms) as bureau:
        guild = bureau.world.guild.id
        if whose == "cap":
            await set_rules(bureau.database, Policy(), guild_id=guild, cap=LEAST)
        before = await said(bureau)
        await bureau.ordered()

        after = await said(bureau)

    assert not any("operator" in line for line in before)
    [told] = [line for line in after if "operator pays for clips only up to a monthly limit" in line]
    assert re.search(r"which is used up. It begins anew <t:\d+:R>\.$", told)


async def test_a_chart_that_cannot_be_drawn_leaves_the_words(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_shares(bureau)
    monkeypatch.setattr(bureau.studio._equipment.workshop, "_seconds", 0.01)

    result = await quota(bureau)

    assert result.response is not None
    assert "0 of 5 clips used" in result.response.content
    assert not result.response.message.attachments
