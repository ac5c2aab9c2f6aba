"""Limits, grants, blocks and filters: what moderators set holds for the next order, and is on the record."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.errors import OrderRefused
from studio.moderation import audit, filters
from studio.moderation.audit import Entry
from studio.moderation.telling import sentence_of
from studio.sharing import servers
from studio.sharing.periods import Period
from studio.sharing.policy import Allowance, Policy, Share
from tests.bureau import Bureau, open_bureau, texts_of


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def told(bureau: Bureau, command: str, /, **options: Any) -> str:
    """Have the moderator run a command, and return what only they read in the end."""
    world = bureau.world
    await world.slash(world.moderator, world.clips, f"studio {command}", **options)

    def answer() -> str:
        message = world.messages(world.clips.id, viewer=world.moderator)[-1]
        assert message["flags"] & 64
        return texts_of(message).strip() if not message["flags"] & 128 else ""

    text: str = await world.eventually(answer)
    return text


async def refused(bureau: Bureau, **options: Any) -> str:
    """What the member reads when `/animate` is refused."""
    result = await bureau.order(**options)
    assert result.response is not None
    assert result.response.ephemeral
    return str(result.response.content)


def rules(bureau: Bureau) -> Policy:
    return bureau.servers.of(bureau.world.guild.id).policy


async def recorded(bureau: Bureau) -> list[Entry]:
    async with bureau.database.read() as connection:
        return [entry for _, entry in await audit.newest(connection, bureau.world.guild.id)]


async def test_a_pool_holds_at_once_and_is_shown(bureau: Bureau) -> None:
    shown = await told(bureau, "limits pool", period="week", clips=0, dollars="2.50")

    assert "0 clips and $2.50 per week" in shown
    assert rules(bureau).pool == Share(Period.WEEK, 0, 2_500_000)
    assert "This server's limit for all members together is 0 clips" in await refused(bureau)


async def test_allowances_are_set_replaced_and_removed_also_for_deleted_roles(bureau: Bureau) -> None:
    world = bureau.world
    role = world.guild.create_role("Regulars")
    await told(bureau, "limits role", role=role, period="day", clips=3)
    shown = await told(
        bureau, "limits role", role=role, period="month", clips=1, at_once=2, longest=10.0, priority=4
    )
    world.discord.delete_role(world.guild.id, role.id)
    again = await told(bureau, "limits show")
    message = world.messages(world.clips.id, viewer=world.moderator)[-1]
    await bureau.restart()
    await world.select(world.moderator, message, "v1:limits:drop", [str(role.id)])
    await world.eventually(lambda: not rules(bureau).allowances)

    assert f"<@&{role.id}>: 1 clip per month each · 2 at once · videos up to 10 s · priority 4" in shown
    assert again.count(f"<@&{role.id}>") == 1
    assert f"Deleted role {role.id}" in str(message["components"])
    assert [entry.action for entry in await recorded(bureau)] == [
        "allowance_removed",
        "allowance_set",
        "allowance_set",
    ]


async def test_a_role_without_a_number_is_warned_of_where_other_roles_have_one(bureau: Bureau) -> None:
    world = bureau.world
    first, fast = world.guild.create_role("Regulars"), world.guild.create_role("Fast lane")

    alone = await told(bureau, "limits role", role=fast, period="month", priority=5)
    both = await told(bureau, "limits role", role=first, period="month", clips=3)
    panel = await told(bureau, "setup")
    mended = await told(bureau, "limits role", role=fast, period="month", clips=3, priority=5)

    assert "neither clips nor dollars" not in alone
    for warned in (both, panel):
        assert f"For <@&{fast.id}> neither clips nor dollars are set." in warned
    assert "neither clips nor dollars" not in mended


async def test_limits_that_leave_everyone_else_free_are_warned_of(bureau: Bureau) -> None:
    world = bureau.world
    boosters = world.guild.create_role("Boosters")
    everyone = Allowance(role_id=world.guild.id, share=Share(clips=1))

    alone = await told(bureau, "limits role", role=boosters, period="month", clips=3)
    panel = await told(bureau, "setup")
    await bureau.rule(replace(rules(bureau), role_ids=(boosters.id,)))
    admitted_only = await told(bureau, "limits show")
    await bureau.rule(replace(rules(bureau), role_ids=()).with_allowance(everyone))
    mended = await told(bureau, "limits show")

    for warned in (alone, panel):
        assert "Members without any of these roles have no limit of their own." in warned
    for quiet in (admitted_only, mended):
        assert "no limit of their own" not in quiet


async def test_a_grant_that_changes_nothing_says_so(bureau: Bureau) -> None:
    world = bureau.world
    await bureau.rule(Policy(pool=Share(usd_micros=0)))
    everyone = world.guild.default_role

    idle = [
        await told(bureau, "grant", clips=5, member=world.member),
        await told(bureau, "take", clips=5, member=world.member),
        await told(bureau, "grant", clips=5, role=everyone),
    ]
    await bureau_rules(bureau, Allowance(role_id=world.guild.id, share=Share(clips=3)))
    counted = [
        await told(bureau, "grant", clips=5, member=world.member),
        await told(bureau, "grant", clips=5, role=everyone),
    ]

    for text in idle:
        assert "⚠ That changes nothing for now" in text
    for text in counted:
        assert text.endswith("may use 5 clips more in each period.")


async def test_a_grant_lets_a_member_pass_and_take_brings_it_back(bureau: Bureau) -> None:
    world = bureau.world
    everyone = Allowance(role_id=world.guild.id, share=Share(Period.MONTH, 0))
    await bureau_rules(bureau, everyone)

    before = await refused(bureau)
    given = await told(bureau, "grant", clips=1, member=world.member, **{"for": "7d"}, reason="birthday")
    await bureau.ordered()
    taken = await told(bureau, "take", clips=1, member=world.member)

    assert "Your own limit is 0 clips, so waiting does not help" in before
    assert f"<@{world.member.id}> may use 1 clip more in each period, until <t:" in given
    assert "1 clip less" in taken
    entries = await recorded(bureau)
    assert [(entry.action, entry.reason) for entry in entries[:2]] == [("taken", ""), ("granted", "birthday")]
    assert "until <t:" in sentence_of(entries[1])


async def test_a_grant_needs_a_member_or_a_role_and_a_readable_length(bureau: Bureau) -> None:
    world = bureau.world

    nobody = await told(bureau, "grant", clips=1)
    unclear = await told(bureau, "grant", clips=1, member=world.member, **{"for": "a while"})

    assert "either a member or a role" in nobody
    assert "I cannot read “a while”" in unclear
    assert await recorded(bureau) == []


async def test_a_personal_limit_replaces_an_earlier_one_and_goes_again(bureau: Bureau) -> None:
    world = bureau.world

    await told(bureau, "limits member", member=world.member, clips=0)
    strict = await refused(bureau)
    await told(bureau, "limits member", member=world.member, clips=5, **{"for": "4w"})
    shown = await told(bureau, "limits show")
    await told(bureau, "limits member", member=world.member)
    again = await told(bureau, "limits show")
    await bureau.ordered()

    assert "Your own limit is 0 clips, so waiting does not help" in strict
    assert shown.count("personal limit") == 1
    assert "personal limit of 5 clips, until" in shown
    assert "personal limit" not in again


async def test_a_block_holds_until_it_is_lifted_and_its_history_stays(bureau: Bureau) -> None:
    world = bureau.world

    blocked = await told(bureau, "block", member=world.member, reason="spam", **{"for": "2d"})
    reason = await refused(bureau)
    lifted = await told(bureau, "unblock", member=world.member, reason="sorry")
    nothing = await told(bureau, "unblock", member=world.member)
    await bureau.ordered()

    assert "can make no clips here until <t:" in blocked
    assert "spam" in blocked
    assert "moderators do not let you make clips for now" in reason
    assert "lifted" in lifted
    assert f"by <@{world.moderator.id}>" in lifted
    assert "is not blocked. Nothing was changed." in nothing
    assert [entry.action for entry in await recorded(bureau)] == ["unblocked", "blocked"]


async def test_a_filter_refuses_both_prompts_before_the_answer_without_repeating_the_word(
    bureau: Bureau,
) -> None:
    added = await told(bureau, "filter add", rule="Slur*", example="you SLURPER")

    in_prompt = await refused(bureau, prompt="a ｓｌｕｒ\u200bs here")
    in_negative = await refused(bureau, negative_prompt="slur")
    await bureau.ordered(prompt="no insult at all")
    tested = await told(bureau, "filter test", text="what a slur")
    removed = await told(bureau, "filter remove", rule="SLUR*")
    await bureau.ordered(prompt="slur")

    assert "||slur*||" in added
    for text in (in_prompt, in_negative):
        assert "contains a word that this server's moderators do not want. Nothing was charged." in text
        assert "slur" not in text
    assert "would be refused" in tested
    assert "no longer filtered" in removed
    assert rules(bureau).filters == ()


async def test_patterns_are_tested_before_they_are_saved(bureau: Bureau) -> None:
    broken = await told(bureau, "filter add", rule="/(a/")
    catching_all = await told(bureau, "filter add", rule="/.*/")
    missing = await told(bureau, "filter add", rule="/colou?r/", example="shade")
    unknown = await told(bureau, "filter remove", rule="nothing")

    assert "cannot read that pattern" in broken
    assert "quite ordinary prompts" in catching_all
    assert "does not catch your example" in missing
    assert "no such word" in unknown
    assert rules(bureau).filters == ()


@pytest.mark.parametrize("pattern", ["/(a+)+$/", "/(x*)*y/", "/(.*)(.*)(.*)(.*)z$/"])
def test_patterns_that_are_catastrophic_elsewhere_are_quick_here(pattern: str) -> None:
    began = time.perf_counter()

    filters.check((pattern,), ["b" + "a" * 998 + "!" if "a" in pattern else "x" * 999])

    assert time.perf_counter() - began < 1.0


def test_patterns_that_need_too_much_memory_are_refused() -> None:
    with pytest.raises(OrderRefused, match="filter_unreadable"):
        filters.new_rule("/((a{100}){100}){100}/")


@pytest.mark.parametrize(
    ("rule", "text", "caught"),
    [
        ("ass", "a classic pass", False),
        ("ass", "what an ASS!", True),
        ("größe", "die GRÖSSE", True),
        ("bad word", "a bad word", True),
        ("c++ (x)", "in c++ (x) now", True),
        ("*gun*", "shotguns", True),
        ("猫", "猫 踊る", True),
    ],
)
def test_words_are_whole_words_in_any_writing(rule: str, text: str, caught: bool) -> None:
    rules = (filters.stored(rule),)

    found = filters.caught_by(rules, text)

    assert bool(found) is caught


async def bureau_rules(bureau: Bureau, allowance: Allowance) -> None:
    guild_id = bureau.world.guild.id
    async with bureau.database.write() as connection:
        server = await servers.read(connection, guild_id, bureau.studio.now())
        policy = replace(server.policy, allowances=(allowance,))
        await servers.change(connection, server, policy=policy)
    await bureau.servers.refresh(bureau.studio.now())
