"""`/motions`: the server's library, page by page, with looping previews."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs.controls import JOB_ID, Route, unknown_button
from cogs.library.gallery import (
    LONGEST_SEARCH,
    PAGE_PREFIX,
    SEARCH_PREFIX,
    USE_PREFIX,
    Viewer,
    gallery,
    leaf_of,
)
from cogs.moderation.forms import answer_of, ask, is_form
from cogs.moderation.office import Interaction, take_time
from cogs.moderation.rights import Rights
from cogs.ordering.orders import Orders
from studio.errors import OrderRefused
from studio.motions.motion import Motion
from studio.promptly import in_time
from studio.texts import say
from studio.wishing.drafts import Draft

if TYPE_CHECKING:
    from studio.front import Studio

# Evaluated by discord.py at run time, where `from __future__ import annotations` has made it a string.
Words = app_commands.Range[str, 1, LONGEST_SEARCH]


class Motions(commands.Cog):
    """Only whoever asked sees the pages."""

    def __init__(self, studio: Studio, rights: Rights, orders: Orders) -> None:
        self._studio = studio
        self._rights = rights
        self._orders = orders

    def routes(self) -> list[Route]:
        return [
            Route(PAGE_PREFIX, self._turn),
            Route(SEARCH_PREFIX, self._search),
            Route(USE_PREFIX, self._use),
        ]

    @app_commands.command(name="motions", description=say("command_motions"))
    @app_commands.describe(search=say("option_motion_search"))
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def motions(self, interaction: Interaction, search: Words = "") -> None:
        await take_time(interaction)
        await self.show(interaction, search)

    async def show(self, interaction: Interaction, words: str = "", page: int = 0) -> None:
        """Put the page where the answer stands, or will stand."""
        if interaction.guild_id is None:
            raise OrderRefused("not_in_dm")
        found = await self._studio.motions.search(interaction.guild_id, words)
        leaf = leaf_of(found, words, page)
        files = await self._previews(leaf.shown)
        keeps = self._rights.is_moderator(interaction)
        viewer = Viewer(keeps=keeps, draws=keeps and self._studio.motions.is_for_trials)
        names = {motion_id: file.filename for motion_id, file in files.items()}
        view = gallery(leaf, viewer, previews=names)
        await interaction.edit_original_response(view=view, attachments=list(files.values()))

    async def _previews(self, motions: Sequence[Motion]) -> dict[str, discord.File]:
        loops = await asyncio.gather(*(self._studio.motions.preview(motion) for motion in motions))
        return {
            motion.id: discord.File(
                BytesIO(loop), f"{motion.id}.gif", description=say("alt_motion", name=motion.name)
            )
            for motion, loop in zip(motions, loops, strict=True)
            if loop is not None
        }

    async def _turn(self, interaction: Interaction, rest: str) -> None:
        page, colon, words = rest.partition(":")
        if not colon or not (page.isascii() and page.isdigit() and len(page) <= 4):
            await unknown_button(interaction)
            return
        await interaction.response.defer()
        await self.show(interaction, words, int(page))

    async def _search(self, interaction: Interaction, _: str) -> None:
        if is_form(interaction):
            await interaction.response.defer()
            await self.show(interaction, " ".join(answer_of(interaction).split())[:LONGEST_SEARCH])
            return
        await ask(
            interaction,
            SEARCH_PREFIX,
            say("motions_search_form"),
            label=say("motions_search_field"),
            longest=LONGEST_SEARCH,
        )

    async def _use(self, interaction: Interaction, motion_id: str) -> None:
        """Open the form to order a clip with this motion, which asks for the picture."""
        if not is_motion_id(motion_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        motion = await in_time(self._studio.motions.motion(interaction.guild_id, motion_id))
        wishes = self._orders.usual_wishes(interaction)
        await self._orders.open(interaction, Draft(video=motion.as_source(), wishes=wishes))


def is_motion_id(rest: str) -> bool:
    """Whether it could be a motion's id: what a custom_id brings back is anybody's text."""
    return JOB_ID.fullmatch(rest) is not None
