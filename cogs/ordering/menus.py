"""The commands in a message's menu: "Animate this", "Use as motion", "Use as picture"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands, ui

from cogs.gate import check_picture, check_video
from cogs.moderation.office import take_time
from cogs.ordering.buttons import FORM_PREFIX
from cogs.ordering.form import name_of
from cogs.ordering.found import Find, pair_of, picture_of, video_of
from cogs.ordering.orders import NEW, Orders
from cogs.taking import Interaction
from studio.errors import OrderRefused
from studio.front import Studio
from studio.texts import moment, say
from studio.wishing.drafts import Draft
from studio.wishing.picks import Slot
from studio.wishing.preparation import Kept, Owner


def menus_of(studio: Studio, orders: Orders) -> list[app_commands.ContextMenu]:
    """Three of the five menus that discord.py 2.7.1 can publish."""
    menus = Menus(studio, orders)

    async def animate(interaction: Interaction, message: discord.Message) -> None:
        await menus.animate(interaction, message)

    async def motion(interaction: Interaction, message: discord.Message) -> None:
        await menus.pick(interaction, Slot.MOTION, video_of(message))

    async def picture(interaction: Interaction, message: discord.Message) -> None:
        await menus.pick(interaction, Slot.PICTURE, picture_of(message))

    return [
        _menu("name_menu_animate_this", animate),
        _menu("name_menu_use_as_motion", motion),
        _menu("name_menu_use_as_picture", picture),
    ]


def _menu(name: str, callback: Any) -> app_commands.ContextMenu:
    return app_commands.ContextMenu(
        name=say(name),
        callback=callback,
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
    )


class Menus:
    """Only what the chosen message holds is looked at, as Discord hands it over with the press."""

    def __init__(self, studio: Studio, orders: Orders) -> None:
        self._preparation = studio.preparation
        self._orders = orders

    async def animate(self, interaction: Interaction, message: discord.Message) -> None:
        """Open the form with what the message holds."""
        pair = pair_of(message)
        if pair.picture is None and pair.video is None:
            raise OrderRefused("nothing_in_message")
        wishes = replace(self._orders.usual_wishes(interaction), spoiler=pair.spoiler)
        draft = Draft(picture=pair.picture, video=pair.video, wishes=wishes)
        await self._orders.open(interaction, draft)

    async def pick(self, interaction: Interaction, slot: Slot, found: Find | None) -> None:
        """Keep the file for the member's next clip, and offer to go on."""
        self._orders.look(interaction)
        if found is None:
            raise OrderRefused("no_video_in_message" if slot is Slot.MOTION else "no_picture_in_message")
        if slot is Slot.MOTION:
            check_video(found.file, self._orders.caps.video)
        else:
            check_picture(found.file, self._orders.caps.picture)
        await take_time(interaction)
        assert interaction.guild_id is not None
        owner = Owner(interaction.guild_id, interaction.user.id)
        await self._preparation.pick(owner, slot, found.file, spoiler=found.spoiler)
        kept = await self._preparation.kept(owner)
        text, label = _kept_answer(kept, slot, found)
        view = ui.View(timeout=None)
        view.add_item(
            ui.Button(label=label, style=discord.ButtonStyle.primary, custom_id=f"{FORM_PREFIX}{NEW}")
        )
        view.stop()
        await interaction.edit_original_response(content=text, view=view)


def _kept_answer(kept: Kept, slot: Slot, found: Find) -> tuple[str, str]:
    """What is kept now, and what the button says that goes on from there."""
    if kept.picture is not None and kept.motion is not None:
        text = say(
            "picked_both",
            picture=name_of(kept.picture.file),
            video=name_of(kept.motion.file),
            until=moment(min(kept.picture.until, kept.motion.until)),
        )
        return text, say("button_make")
    other = "button_choose_picture" if slot is Slot.MOTION else "button_choose_video"
    mine = kept.motion if slot is Slot.MOTION else kept.picture
    until = moment(mine.until) if mine is not None else ""
    return say(f"picked_{slot}", name=name_of(found.file), until=until), say(other)
