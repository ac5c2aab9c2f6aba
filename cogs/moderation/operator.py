"""`/operator`: the operator's figures and switches, in the operator's own server only."""

from __future__ import annotations

from dataclasses import replace

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from cogs.failures import CommandRefused
from studio.errors import OrderRefused
from studio.moderation.shares import clips_text
from studio.operating import Operating
from studio.sharing.house import Access
from studio.sharing.spending import Overview, ServerSpending
from studio.texts import moment, money, say

log = structlog.get_logger(__name__)

Dollars = app_commands.Range[float, 0, 1_000_000]

AS_THE_HOUSE = "house"


class OperatorGroup(app_commands.Group):
    """Published to one server; only the application's owner or team may use it there."""

    def __init__(self, client: commands.AutoShardedBot, operating: Operating) -> None:
        super().__init__(
            name="operator",
            description=say("command_operator"),
            guild_only=True,
            default_permissions=discord.Permissions(administrator=True),
        )
        self._client = client
        self._operating = operating

    async def interaction_check(self, interaction: discord.Interaction[discord.Client]) -> bool:
        if interaction.type is discord.InteractionType.autocomplete:
            # What it offers are names that the command itself refuses to strangers.
            return await self._client.is_owner(interaction.user)
        # Whether it is the owner may have to be asked of Discord: that takes longer than an answer may.
        await interaction.response.defer(ephemeral=True)
        if not await self._client.is_owner(interaction.user):
            log.warning("not_permitted", member_id=interaction.user.id, what="operator")
            raise CommandRefused(OrderRefused("not_operator"))
        return True

    @app_commands.command(name="status", description=say("command_operator_status"))
    async def status(self, interaction: discord.Interaction[discord.Client]) -> None:
        await _say(interaction, _described(await self._operating.overview()))

    @app_commands.command(name="pause", description=say("command_operator_pause"))
    async def pause(self, interaction: discord.Interaction[discord.Client]) -> None:
        await self._operating.change_house(
            interaction.user.id, "house_paused", lambda house: replace(house, paused=True)
        )
        await _say(interaction, say("operator_paused"))

    @app_commands.command(name="resume", description=say("command_operator_resume"))
    async def resume(self, interaction: discord.Interaction[discord.Client]) -> None:
        await self._operating.resume(interaction.user.id)
        await _say(interaction, say("operator_resumed"))

    @app_commands.command(name="drain", description=say("command_operator_drain"))
    async def drain(self, interaction: discord.Interaction[discord.Client]) -> None:
        await self._operating.change_house(
            interaction.user.id, "house_draining", lambda house: replace(house, draining=True)
        )
        await _say(interaction, say("operator_draining"))

    @app_commands.command(name="listed", description=say("command_operator_listed"))
    @app_commands.describe(only=say("option_operator_listed"))
    async def listed(self, interaction: discord.Interaction[discord.Client], only: bool) -> None:
        await self._operating.change_house(
            interaction.user.id, "house_listed", lambda house: replace(house, listed_only=only)
        )
        await _say(interaction, say("operator_listed_only" if only else "operator_listed_all"))

    @app_commands.command(name="cap", description=say("command_operator_cap"))
    @app_commands.describe(server=say("option_operator_server"), dollars=say("option_operator_dollars"))
    async def cap(
        self,
        interaction: discord.Interaction[discord.Client],
        server: str,
        dollars: Dollars | None = None,
    ) -> None:
        guild_id = _guild_id(server)
        cap = None if dollars is None else round(dollars * 1_000_000)
        await self._operating.change_server(
            guild_id, interaction.user.id, "server_cap", name=self._name(guild_id), cap_usd_micros=cap
        )
        name = self._name(guild_id)
        if cap is None:
            await _say(interaction, say("operator_cap_gone", server=name))
        else:
            await _say(interaction, say("operator_cap_set", server=name, limit=cap))

    @app_commands.command(name="access", description=say("command_operator_access"))
    @app_commands.describe(server=say("option_operator_server"), access=say("option_operator_access"))
    @app_commands.choices(
        access=[
            app_commands.Choice(name=say(f"choice_access_{value}"), value=value)
            for value in (Access.ALLOWED.value, Access.DENIED.value, AS_THE_HOUSE)
        ]
    )
    async def access(
        self, interaction: discord.Interaction[discord.Client], server: str, access: str
    ) -> None:
        guild_id = _guild_id(server)
        stored = None if access == AS_THE_HOUSE else Access(access).value
        await self._operating.change_server(
            guild_id, interaction.user.id, "server_access", name=self._name(guild_id), access=stored
        )
        await _say(interaction, say(f"operator_access_{access}", server=self._name(guild_id)))

    @cap.autocomplete("server")
    @access.autocomplete("server")
    async def servers(
        self, _interaction: discord.Interaction[discord.Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        """The servers that the bot is in, by name; any other may be given by its id."""
        found = [guild for guild in self._client.guilds if typed.casefold() in guild.name.casefold()]
        return [
            app_commands.Choice(name=guild.name[:100], value=str(guild.id))
            for guild in sorted(found, key=lambda guild: guild.name.casefold())[:25]
        ]

    def _name(self, guild_id: int) -> str:
        guild = self._client.get_guild(guild_id)
        return guild.name if guild else str(guild_id)


def _guild_id(server: str) -> int:
    if not server.isdecimal() or not 0 < int(server) < 2**63:
        raise OrderRefused("server_unknown")
    return int(server)


def _described(found: Overview) -> str:
    lines = [
        say(
            "operator_spent",
            today=found.today.usd_micros,
            today_clips=clips_text(found.today.clips),
            month=found.month.usd_micros,
            month_clips=clips_text(found.month.clips),
            when=moment(found.month_ends),
        ),
        _budget_line(found),
        *(_server_line(server) for server in found.servers),
        say("operator_queue", jobs=_jobs_line(found)),
        *(say(f"operator_is_{switch}") for switch in found.switches),
    ]
    return "\n".join(lines)


def _budget_line(found: Overview) -> str:
    if found.budget_usd_micros is None:
        return say("operator_no_budget")
    return say("operator_budget", limit=found.budget_usd_micros)


def _server_line(server: ServerSpending) -> str:
    name = server.name or str(server.guild_id)
    facts = {"server": discord.utils.escape_markdown(name), "clips": clips_text(server.used.clips)}
    if server.cap_usd_micros is None:
        return say("operator_server", spent=server.used.usd_micros, **facts)
    return say("operator_server", spent=server.used.usd_micros, cap=money(server.cap_usd_micros), **facts)


def _jobs_line(found: Overview) -> str:
    return ", ".join(f"{state.value} {number}" for state, number in found.jobs.items()) or "0"


async def _say(interaction: discord.Interaction[discord.Client], text: str) -> None:
    await interaction.edit_original_response(content=text)
