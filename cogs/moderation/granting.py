"""`/studio grant` and `/studio take`: clips on top of, or off, what a member or a role may use."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from cogs.moderation.office import Interaction, Office, Reason, conclude, take_time
from studio.errors import OrderRefused
from studio.ids import new_job_id
from studio.moderation import audit
from studio.moderation.amounts import read_span
from studio.moderation.shares import clips_text
from studio.sharing import admission, grants, servers
from studio.sharing.grants import Given
from studio.texts import date, say

# Evaluated by discord.py at run time, like `Reason`.
Clips = app_commands.Range[int, 1, 10_000]
Span = app_commands.Range[str, 0, 20]

Subject = discord.User | discord.Member | discord.Role


def commands_of(office: Office) -> list[app_commands.Command[Any, ..., Any]]:
    described = app_commands.describe(
        clips=say("option_clips"),
        member=say("option_member_given"),
        role=say("option_role_given"),
        span=say("option_span"),
        reason=say("option_reason"),
    )

    @app_commands.command(name="grant", description=say("command_studio_grant"))
    @described
    @app_commands.rename(span="for")
    async def grant(
        interaction: Interaction,
        clips: Clips,
        member: discord.User | None = None,
        role: discord.Role | None = None,
        span: Span = "",
        reason: Reason = "",
    ) -> None:
        await _give(office, interaction, _one_of(member, role), clips, span=span, reason=reason)

    @app_commands.command(name="take", description=say("command_studio_take"))
    @described
    @app_commands.rename(span="for")
    async def take(
        interaction: Interaction,
        clips: Clips,
        member: discord.User | None = None,
        role: discord.Role | None = None,
        span: Span = "",
        reason: Reason = "",
    ) -> None:
        await _give(office, interaction, _one_of(member, role), -clips, span=span, reason=reason)

    return [grant, take]


def _one_of(member: discord.User | None, role: discord.Role | None) -> Subject:
    if (member is None) == (role is None):
        raise OrderRefused("member_or_role")
    return member or role  # type: ignore[return-value]  # one of the two, as was just made sure


async def _give(  # what the two commands have in common is all of their options
    office: Office, interaction: Interaction, to: Subject, clips: int, *, span: str, reason: str
) -> None:
    length = read_span(span)
    await take_time(interaction)
    assert interaction.guild_id is not None
    now = office.council.now()
    until = None if length is None else now + length
    is_role = isinstance(to, discord.Role)
    given = Given(
        id=new_job_id(now),
        at=now,
        guild_id=interaction.guild_id,
        clips=clips,
        replaces=False,
        until=until,
        actor_id=interaction.user.id,
        reason=reason,
        role_id=to.id if is_role else None,
        member_id=None if is_role else to.id,
    )
    action = "granted" if clips > 0 else "taken"
    facts = {} if until is None else {"until": date(until)}
    with office.for_the_record(interaction):
        details = facts | {"clips": clips_text(abs(clips))}
    entry = office.entry(interaction, action, subject=to.mention, reason=reason, details=details)
    roles = [to.id] if is_role else [role.id for role in getattr(to, "roles", ())]
    async with office.council.deciding() as connection:
        await grants.add(connection, given)
        await audit.add(connection, entry)
        server = await servers.read(connection, interaction.guild_id, now)
        counts = await admission.counts_clips(
            connection, server, member_id=given.member_id, role_ids=roles, now=now
        )
    facts["clips"] = clips_text(abs(clips))
    answer = say(f"studio_{action}", subject=to.mention, **facts)
    idle = "" if counts else f"\n{say('studio_grant_idle', subject=to.mention)}"
    await conclude(interaction, f"{answer}{idle}")
