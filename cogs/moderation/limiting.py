"""`/studio limits`: the server's pool, roles' allowances, and personal limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands, ui

from cogs.controls import Route
from cogs.moderation.forms import values_of
from cogs.moderation.granting import Span
from cogs.moderation.group import Guarded
from cogs.moderation.office import Interaction, Office, Reason, conclude, take_time
from studio.errors import OrderRefused
from studio.ids import new_job_id
from studio.moderation import audit
from studio.moderation.amounts import read_money, read_span
from studio.moderation.shares import allowance_text, clips_text, given_text, share_text, warnings_of
from studio.sharing import grants, servers
from studio.sharing.grants import Given
from studio.sharing.periods import Period
from studio.sharing.policy import Allowance, Policy, Share
from studio.texts import date, say

DROP_PREFIX = "v1:limits:drop"

MOST_ALLOWANCES = 25
"""As many as a menu can offer for removal."""

# Evaluated by discord.py at run time, like `Reason`.
Number = app_commands.Range[int, 0, 100_000]
AtOnce = app_commands.Range[int, 1, 50]
Seconds = app_commands.Range[float, 3.0, 30.0]
Priority = app_commands.Range[int, 0, 9]
Dollars = app_commands.Range[str, 0, 12]

PERIODS = [app_commands.Choice(name=say(f"choice_per_{each}"), value=each.value) for each in Period]


def commands_of(office: Office) -> list[app_commands.Group]:
    group = Guarded(office.rights, name="limits", description=say("command_studio_limits"))

    @group.command(name="show", description=say("command_studio_limits_show"))
    async def show(interaction: Interaction) -> None:
        await take_time(interaction)
        await interaction.edit_original_response(view=await _overview(office, interaction))

    @group.command(name="pool", description=say("command_studio_limits_pool"))
    @app_commands.describe(
        period=say("option_period"), clips=say("option_pool_clips"), dollars=say("option_dollars")
    )
    @app_commands.choices(period=PERIODS)
    async def pool(
        interaction: Interaction, period: str, clips: Number | None = None, dollars: Dollars = ""
    ) -> None:
        share = Share(Period(period), clips, read_money(dollars))
        await take_time(interaction)
        with office.for_the_record(interaction):
            entry = office.entry(interaction, "pool_set", details={"share": share_text(share)})
        await office.council.amend(lambda policy: replace(policy, pool=share), entry)
        await interaction.edit_original_response(view=await _overview(office, interaction))

    group.add_command(_role_command(office))
    group.add_command(_member_command(office))
    return [group]


def routes_of(office: Office) -> list[Route]:
    async def drop(interaction: Interaction, _rest: str) -> None:
        (chosen,) = values_of(interaction)
        await interaction.response.defer()
        role_id = int(chosen)
        entry = office.entry(interaction, "allowance_removed", subject=f"<@&{role_id}>")
        await office.council.amend(lambda policy: _without(policy, role_id), entry)
        await interaction.edit_original_response(view=await _overview(office, interaction))

    return [office.for_managers(DROP_PREFIX, drop)]


def _role_command(office: Office) -> app_commands.Command[Any, ..., Any]:
    @app_commands.command(name="role", description=say("command_studio_limits_role"))
    @app_commands.describe(
        role=say("option_role"),
        period=say("option_period"),
        clips=say("option_role_clips"),
        dollars=say("option_dollars"),
        at_once=say("option_at_once"),
        longest=say("option_longest"),
        priority=say("option_priority"),
    )
    @app_commands.choices(period=PERIODS)
    async def role(  # discord.py reads the command's options from the parameters
        interaction: Interaction,
        role: discord.Role,
        period: str,
        clips: Number | None = None,
        dollars: Dollars = "",
        at_once: AtOnce | None = None,
        longest: Seconds | None = None,
        priority: Priority = 0,
    ) -> None:
        allowance = Allowance(
            role_id=role.id,
            share=Share(Period(period), clips, read_money(dollars)),
            at_once=at_once,
            longest_seconds=longest,
            priority=priority,
        )
        await take_time(interaction)
        with office.for_the_record(interaction):
            details = {"limits": allowance_text(allowance)}
        entry = office.entry(interaction, "allowance_set", subject=role.mention, details=details)
        await office.council.amend(lambda policy: _with(policy, allowance), entry)
        await interaction.edit_original_response(view=await _overview(office, interaction))

    return role


def _member_command(office: Office) -> app_commands.Command[Any, ..., Any]:
    @app_commands.command(name="member", description=say("command_studio_limits_member"))
    @app_commands.describe(
        member=say("option_member"),
        clips=say("option_personal_clips"),
        span=say("option_span"),
        reason=say("option_reason"),
    )
    @app_commands.rename(span="for")
    async def member(
        interaction: Interaction,
        member: discord.User,
        clips: Number | None = None,
        span: Span = "",
        reason: Reason = "",
    ) -> None:
        length = read_span(span)
        await take_time(interaction)
        assert interaction.guild_id is not None
        now = office.council.now()
        until = None if length is None else now + length
        facts = {} if until is None else {"until": date(until)}
        action = "personal_limit_set" if clips is not None else "personal_limit_removed"
        with office.for_the_record(interaction):
            details = facts if clips is None else facts | {"clips": clips_text(clips)}
        entry = office.entry(interaction, action, subject=member.mention, reason=reason, details=details)
        async with office.council.deciding() as connection:
            await grants.end_limits(connection, interaction.guild_id, member.id, now)
            if clips is not None:
                given = Given(
                    id=new_job_id(now),
                    at=now,
                    guild_id=interaction.guild_id,
                    clips=clips,
                    replaces=True,
                    until=until,
                    actor_id=interaction.user.id,
                    reason=reason,
                    member_id=member.id,
                )
                await grants.add(connection, given)
            await servers.announce(connection)
            await audit.add(connection, entry)
        if clips is not None:
            facts["clips"] = clips_text(clips)
        await conclude(interaction, say(f"studio_{action}", subject=member.mention, **facts))

    return member


def _with(policy: Policy, allowance: Allowance) -> Policy:
    changed = policy.with_allowance(allowance)
    if len(changed.allowances) > MOST_ALLOWANCES:
        raise OrderRefused("allowances_full", limit=MOST_ALLOWANCES)
    return changed


def _without(policy: Policy, role_id: int) -> Policy:
    return policy.without_allowance(role_id)


async def _overview(office: Office, interaction: Interaction) -> ui.LayoutView:
    """Everything that is limited, with a menu to remove allowances, also those of deleted roles."""
    assert interaction.guild_id is not None
    policy = (await office.council.server(interaction.guild_id)).policy
    now = office.council.now()
    async with office.council.reading() as connection:
        given = await grants.newest(connection, interaction.guild_id)
    lines = [say("limits_pool", share=share_text(policy.pool))]
    lines += [allowance_text(each) for each in policy.allowances] or [say("limits_no_roles")]
    lines += warnings_of(policy, interaction.guild_id)
    valid = [each for each in given if each.until is None or each.until > now]
    if valid:
        lines += [say("limits_given"), *(given_text(each) for each in valid[:15])]
    view = ui.LayoutView(timeout=None)
    box: ui.Container[ui.LayoutView] = ui.Container(ui.TextDisplay("\n".join(lines)[:3800]))
    if policy.allowances:
        row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        options = [
            discord.SelectOption(label=_role_name(interaction.guild, each.role_id), value=str(each.role_id))
            for each in policy.allowances[:MOST_ALLOWANCES]
        ]
        row.add_item(ui.Select(custom_id=DROP_PREFIX, placeholder=say("hint_drop"), options=options))
        box.add_item(row)
    view.add_item(box)
    view.stop()
    return view


def _role_name(guild: discord.Guild | None, role_id: int) -> str:
    role = None if guild is None else guild.get_role(role_id)
    return say("role_gone", id=role_id) if role is None else role.name[:100]
