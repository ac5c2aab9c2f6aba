"""`/studio block` and `/studio unblock`: who may make no clips here, with everything that was before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands

from cogs.moderation.granting import Span
from cogs.moderation.office import Interaction, Office, Reason, conclude, take_time
from studio.ids import new_job_id
from studio.moderation import audit, blocking
from studio.moderation.amounts import read_span
from studio.sharing import blocks
from studio.sharing.blocks import Block
from studio.texts import date, say


def commands_of(office: Office) -> list[app_commands.Command[Any, ..., Any]]:
    @app_commands.command(name="block", description=say("command_studio_block"))
    @app_commands.describe(member=say("option_member"), span=say("option_span"), reason=say("option_reason"))
    @app_commands.rename(span="for")
    async def block(
        interaction: Interaction, member: discord.User, span: Span = "", reason: Reason = ""
    ) -> None:
        await _block(office, interaction, member, span=span, reason=reason)

    @app_commands.command(name="unblock", description=say("command_studio_unblock"))
    @app_commands.describe(member=say("option_member"), reason=say("option_reason"))
    async def unblock(interaction: Interaction, member: discord.User, reason: Reason = "") -> None:
        await _unblock(office, interaction, member, reason=reason)

    return [block, unblock]


async def _block(
    office: Office, interaction: Interaction, member: discord.User, *, span: str, reason: str
) -> None:
    length = read_span(span)
    await take_time(interaction)
    assert interaction.guild_id is not None
    now = office.council.now()
    new = Block(
        id=new_job_id(now),
        at=now,
        guild_id=interaction.guild_id,
        member_id=member.id,
        actor_id=interaction.user.id,
        reason=reason,
        until=None if length is None else now + length,
    )
    async with office.council.deciding() as connection:
        waiting = await blocking.block(connection, new)
        past = await blocks.history(connection, new.guild_id, member.id)
    office.studio.wake(waiting)
    await conclude(interaction, _with_history(blocking.told(member.id, new.until), past))


async def _unblock(office: Office, interaction: Interaction, member: discord.User, *, reason: str) -> None:
    await take_time(interaction)
    assert interaction.guild_id is not None
    now, by = office.council.now(), interaction.user.id
    async with office.council.deciding() as connection:
        number = await blocks.lift(connection, interaction.guild_id, member.id, by=by, now=now)
        if number:
            entry = office.entry(interaction, "unblocked", subject=member.mention, reason=reason)
            await audit.add(connection, entry)
        past = await blocks.history(connection, interaction.guild_id, member.id)
    text = say("studio_unblocked" if number else "studio_not_blocked", subject=member.mention)
    await conclude(interaction, _with_history(text, past))


def _with_history(text: str, past: Sequence[Block]) -> str:
    return "\n".join([text, *(_line(each) for each in past)])[:2000]


def _line(block: Block) -> str:
    facts = {
        "since": f"<t:{int(block.at.timestamp())}:d>",
        "actor": f"<@{block.actor_id}>",
        "reason": " ".join(block.reason.split())[:100] or "–",
    }
    if block.lifted_at is not None:
        facts |= {"lifted": date(block.lifted_at), "lifter": f"<@{block.lifted_by}>"}
    elif block.until is not None:
        facts["until"] = date(block.until)
    return say("block_line", **facts)
