"""`/studio filter`: words and patterns that no prompt may contain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from discord import app_commands

from cogs.moderation.group import Guarded
from cogs.moderation.office import Interaction, Office, conclude, take_time
from studio.errors import OrderRefused
from studio.moderation import filters
from studio.sharing.policy import Policy
from studio.texts import say

# Evaluated by discord.py at run time, like `Reason`.
Rule = app_commands.Range[str, 1, filters.LONGEST_FILTER]
Sample = app_commands.Range[str, 1, 1000]

LONGEST_LIST = 1800
LONGEST_WARNING = 500


def commands_of(office: Office) -> list[app_commands.Group]:
    group = Guarded(office.rights, name="filter", description=say("command_studio_filter"))

    @group.command(name="add", description=say("command_studio_filter_add"))
    @app_commands.describe(rule=say("option_rule"), example=say("option_example"))
    async def add(interaction: Interaction, rule: Rule, example: Sample | None = None) -> None:
        new = filters.new_rule(rule, example=example or "")
        await take_time(interaction)
        entry = office.entry(interaction, "filter_added", details={"rule": _shown(new)})
        await office.council.amend(lambda policy: _with(policy, new), entry)
        await conclude(interaction, say("studio_filter_added", rule=_shown(new)))

    @group.command(name="remove", description=say("command_studio_filter_remove"))
    @app_commands.describe(rule=say("option_rule_given"))
    async def remove(interaction: Interaction, rule: Rule) -> None:
        kept = filters.stored(rule)
        await take_time(interaction)
        entry = office.entry(interaction, "filter_removed", details={"rule": _shown(kept)})
        await office.council.amend(lambda policy: _without(policy, kept), entry)
        await conclude(interaction, say("studio_filter_removed", rule=_shown(kept)))

    @remove.autocomplete("rule")
    async def known(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        if not office.rights.is_manager(interaction) or interaction.guild_id is None:
            return []
        rules = office.servers.of(interaction.guild_id).policy.filters
        return [app_commands.Choice(name=each, value=each) for each in rules if current in each][:25]

    @group.command(name="list", description=say("command_studio_filter_list"))
    async def listed(interaction: Interaction) -> None:
        await take_time(interaction)
        await conclude(interaction, _list(await _rules(office, interaction)))

    @group.command(name="test", description=say("command_studio_filter_test"))
    @app_commands.describe(text=say("option_sample"))
    async def test(interaction: Interaction, text: Sample) -> None:
        await take_time(interaction)
        rules = await _rules(office, interaction)
        caught = filters.caught_by(rules, text)
        answer = say("studio_filter_caught", rules=_all(caught)) if caught else say("studio_filter_passes")
        await conclude(interaction, f"{answer}{_warning(rules)}")

    return [group]


async def _rules(office: Office, interaction: Interaction) -> tuple[str, ...]:
    assert interaction.guild_id is not None
    return (await office.council.server(interaction.guild_id)).policy.filters


def _with(policy: Policy, rule: str) -> Policy:
    if rule in policy.filters:
        return policy
    if len(policy.filters) >= filters.MOST_FILTERS:
        raise OrderRefused("filters_full", limit=filters.MOST_FILTERS)
    return replace(policy, filters=(*policy.filters, rule))


def _without(policy: Policy, rule: str) -> Policy:
    if rule not in policy.filters:
        raise OrderRefused("filter_unknown")
    return replace(policy, filters=tuple(each for each in policy.filters if each != rule))


def _list(rules: tuple[str, ...]) -> str:
    if not rules:
        return say("studio_filter_none")
    warning = _warning(rules)
    listed = _all(rules, longest=LONGEST_LIST - len(warning))
    return f"{say('studio_filter_list', number=len(rules), rules=listed)}{warning}"


def _warning(rules: Sequence[str]) -> str:
    """A line about rules that cannot be read any more; empty without such."""
    lost = filters.unreadable(rules)
    return f"\n{say('studio_filter_lost', rules=_all(lost, longest=LONGEST_WARNING))}" if lost else ""


def _all(rules: Sequence[str], *, longest: int = LONGEST_LIST) -> str:
    """As many as a message holds."""
    text = ""
    for rule in rules:
        if len(text) + len(_shown(rule)) + 1 > longest:
            return f"{text} …"
        text = f"{text} {_shown(rule)}".lstrip()
    return text


def _shown(rule: str) -> str:
    """Behind a spoiler: these are words that nobody wants to read by chance."""
    return f"||{rule.replace('|', chr(0x2223))}||"
