"""What a member reads when a limit stops an order: which one, what is left, when it returns, the way on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simcord import InteractionResult

from studio.sharing.periods import Period, span_of
from studio.sharing.policy import Allowance, Approval, Policy, Share
from studio.texts import moment
from tests.bureau import Bureau, open_bureau
from tests.pool_world import LEAST, set_rules

MODERATORS = Approval(channel_id=5)
EVERYONE = 0
"""Stands for the server's own role until the server is there."""


def for_each(**share: Any) -> Policy:
    return Policy(allowances=(Allowance(role_id=EVERYONE, share=Share(Period.WEEK, **share)),))


def shared(**share: Any) -> Policy:
    return Policy(pool=Share(Period.DAY, **share))


async def rule(bureau: Bureau, policy: Policy, *, cap: int | None = None) -> None:
    guild = bureau.world.guild.id
    everyone = tuple(replace(each, role_id=guild) for each in policy.allowances)
    policy = replace(policy, approval=MODERATORS, allowances=everyone)
    await set_rules(bureau.database, policy, guild_id=guild, cap=cap)
    await bureau.servers.refresh(bureau.studio.now())


def said(result: InteractionResult) -> str:
    """What only the member reads."""
    assert result.response is not None
    assert result.response.ephemeral
    return str(result.response.content)


def buttons(result: InteractionResult) -> list[str]:
    assert result.response is not None
    rows = result.response.message.components
    return [str(button.label) for row in rows for button in row.children]


@pytest.mark.parametrize(
    ("policy", "period", "which", "left"),
    [
        (shared(clips=1), Period.DAY, "This server has too few clips left", "0 of 1, which all members"),
        (
            shared(usd_micros=LEAST + 50_000), Period.DAY, "that all members share",
            "$0.05 left of the $0.20",
        ),
        (for_each(clips=1), Period.WEEK, "You have too few clips left", "0 of 1."),
        (
            for_each(usd_micros=LEAST + 40_000), Period.WEEK, "too little for this clip",
            "$0.04 left of your own $0.19",
        ),
    ],
    ids=["pool-clips", "pool-money", "member-clips", "member-money"],
)  # fmt: skip
async def test_a_limit_of_the_moderators_is_named_with_its_rest_its_return_and_a_way_to_ask_them(
    tmp_path: Path, policy: Policy, period: Period, which: str, left: str
) -> None:
    async with open_bureau(tmp_path) as bureau:
        await rule(bureau, policy)
        await bureau.ordered()

        refused = await bureau.order()

        end = span_of(period, bureau.studio.now(), policy.zone).end
    assert which in said(refused)
    assert left in said(refused)
    assert moment(end) in said(refused)
    assert "Nothing was charged." in said(refused)
    assert buttons(refused) == ["Ask a moderator"]


@pytest.mark.parametrize(
    ("terms", "cap", "left"),
    [
        ({"monthly_budget_usd_micros": LEAST + 10_000}, None, "monthly limit; $0.01 of it is left"),
        ({}, LEAST + 20_000, "allows this server $0.17 a month; $0.02 of it is left"),
    ],
    ids=["budget", "cap"],
)
async def test_a_limit_of_the_operator_says_when_it_returns_and_offers_no_moderator(
    tmp_path: Path, terms: dict[str, int], cap: int | None, left: str
) -> None:
    async with open_bureau(tmp_path, **terms) as bureau:
        await rule(bureau, Policy(), cap=cap)
        await bureau.ordered()

        refused = await bureau.order()

        end = span_of(Period.MONTH, bureau.studio.now(), Policy().zone).end
    assert left in said(refused)
    assert moment(end) in said(refused)
    assert buttons(refused) == []


@pytest.mark.parametrize(
    ("policy", "which"),
    [
        (shared(clips=0), "all members together is 0 clips"),
        (shared(usd_micros=LEAST - 1), "all members together is $0.15, which is below the price"),
        (for_each(clips=0), "Your own limit is 0 clips"),
        (for_each(usd_micros=10_000), "Your own limit is $0.01, which is below the price"),
    ],
    ids=["pool-clips", "pool-money", "member-clips", "member-money"],
)
async def test_a_limit_that_no_waiting_ends_names_no_moment(
    tmp_path: Path, policy: Policy, which: str
) -> None:
    async with open_bureau(tmp_path) as bureau:
        await rule(bureau, policy)

        refused = await bureau.order()

    assert which in said(refused)
    assert "waiting does not help" in said(refused)
    assert "<t:" not in said(refused)
    assert buttons(refused) == ["Ask a moderator"]


async def test_as_many_unfinished_clips_as_allowed_are_told_with_where_to_look(tmp_path: Path) -> None:
    async with open_bureau(tmp_path, max_jobs_per_member=1) as bureau:
        await bureau.ordered()

        refused = await bureau.order()

    assert "You already have 1 unfinished clips" in said(refused)
    assert "/quota shows them" in said(refused)
