"""`/quota` tells its member alone what is used and left, when it returns, and whose turn it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from simcord import InteractionResult

from studio.sharing.periods import Period
from studio.sharing.policy import Allowance, Policy, Share
from tests.bureau import Bureau, open_bureau
from tests.pool_world import set_rules


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


async def test_a_clip_that_is_under_way_or_paused_is_told(bureau: Bureau) -> None:
    await bureau.ordered()

    result = await quota(bureau)

    assert result.response is not None
    assert "⏳ Your clip: under way" in result.response.content


async def test_a_chart_that_cannot_be_drawn_leaves_the_words(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_shares(bureau)
    monkeypatch.setattr(bureau.studio._equipment.workshop, "_seconds", 0.01)

    result = await quota(bureau)

    assert result.response is not None
    assert "0 of 5 clips used" in result.response.content
    assert not result.response.message.attachments
