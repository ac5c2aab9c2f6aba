"""Share, and Show it here: a finished clip in another place."""

from __future__ import annotations

import discord

from cogs.cards import SHARE_PREFIX
from cogs.controls import JOB_ID, Route, unknown_button
from cogs.gate import check_place
from cogs.moderation.office import conclude, take_time
from cogs.results.places import channel_above, check_above, check_age, check_here
from cogs.taking import Interaction, member_of
from studio.front import Studio
from studio.moderation.findings import is_covered
from studio.results.encores import Shown, Stage
from studio.sharing.rules import Wish
from studio.texts import say

SHOW_PREFIX = "v1:show:"


class Sharing:
    """Whoever presses is answered privately at once: posting may take a while."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def routes(self) -> list[Route]:
        return [Route(SHARE_PREFIX, self._share), Route(SHOW_PREFIX, self._press_show)]

    async def _share(self, interaction: Interaction, job_id: str) -> None:
        if not JOB_ID.fullmatch(job_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        await take_time(interaction)
        job = await self._studio.results.versions.own_clip(
            job_id, guild_id=interaction.guild_id, member_id=interaction.user.id
        )
        above = channel_above(interaction)
        check_above(interaction, above)
        check_age(job, above)
        stage = self._stage(interaction, above.id, covered=is_covered(job), shared=True)
        shown = await self._studio.results.encores.show(job, stage)
        await conclude(interaction, _told("shared", shown))

    async def _press_show(self, interaction: Interaction, job_id: str) -> None:
        if not JOB_ID.fullmatch(job_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        await take_time(interaction)
        await self.show(interaction, job_id)

    async def show(self, interaction: Interaction, job_id: str) -> None:
        """Bring the member's clip to where they are; after `take_time`."""
        assert interaction.guild_id is not None
        assert interaction.channel_id is not None
        check_place(interaction)
        job = await self._studio.results.versions.own_clip(
            job_id, guild_id=interaction.guild_id, member_id=interaction.user.id
        )
        check_here(interaction)
        check_age(job, interaction.channel)
        stage = self._stage(interaction, interaction.channel_id, covered=is_covered(job), shared=False)
        shown = await self._studio.results.encores.show(job, stage)
        await conclude(interaction, _told("shown", shown))

    def _stage(self, interaction: Interaction, channel_id: int, *, covered: bool, shared: bool) -> Stage:
        """Raises `OrderRefused` where the server's rules keep the member's clips away."""
        assert interaction.guild_id is not None
        channel = interaction.channel
        above = channel.parent_id if isinstance(channel, discord.Thread) else channel_id
        wish = Wish(
            guild_id=interaction.guild_id,
            channel_id=above,
            member_id=interaction.user.id,
            role_ids=lambda: member_of(interaction).role_ids,
        )
        self._studio.check_showing(wish)
        return Stage(
            guild_id=interaction.guild_id,
            channel_id=channel_id,
            covered=covered or self._studio.server(wish.guild_id).covers(wish.channel_id),
            shared=shared,
        )


def _told(what: str, shown: Shown) -> str:
    return say(f"{what}_now" if shown.anew else f"{what}_already", link=shown.link)
