"""`/library` and its buttons: moderators add, rename, tag and remove motions."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands, ui

from cogs.controls import Route, unknown_button
from cogs.failures import CommandRefused
from cogs.file_options import file_command
from cogs.library.browsing import Motions, is_motion_id
from cogs.library.gallery import (
    DRAW_PREFIX,
    EDIT_PREFIX,
    REMOVE_PREFIX,
    SURE_PREFIX,
    remove_button,
    shown_name,
)
from cogs.library.suggesting import suggestions
from cogs.moderation.fields import filled_in, form
from cogs.moderation.forms import is_form
from cogs.moderation.office import Interaction, Office, Reason, conclude, take_time
from cogs.moderation.rights import Rights
from cogs.ordering.found import source_of, video_of
from cogs.ordering.uploads import VIDEOS
from studio.errors import OrderRefused
from studio.motions.keeping import Keeper
from studio.motions.motion import LONGEST_NAME, LONGEST_TAG, MOST_TAGS, Motion
from studio.promptly import in_time
from studio.texts import say

LONGEST_TAGS = MOST_TAGS * (LONGEST_TAG + 2)

# Evaluated by discord.py at run time, like `Reason`.
Named = app_commands.Range[str, 1, 100]
Name = app_commands.Range[str, 1, LONGEST_NAME]
Tags = app_commands.Range[str, 0, LONGEST_TAGS]

NAME, TAGS = "name", "tags"


class LibraryGroup(app_commands.Group):
    """Offered to who may delete others' messages; every command asks again."""

    def __init__(self, rights: Rights) -> None:
        self._rights = rights
        super().__init__(
            name="library",
            description=say("command_library"),
            guild_only=True,
            default_permissions=discord.Permissions(manage_messages=True),
        )

    async def interaction_check(self, interaction: Interaction) -> bool:
        try:
            self._rights.require_moderator(interaction)
        except OrderRefused as refusal:
            raise CommandRefused(refusal) from refusal
        return True


def library_group(office: Office) -> LibraryGroup:
    group = LibraryGroup(office.rights)
    keeping = office.studio.motions.keeping

    @file_command(name="add", description=say("command_library_add"), file_types={"video": VIDEOS})
    @app_commands.describe(
        video=say("option_motion_video"), name=say("option_motion_name"), tags=say("option_motion_tags")
    )
    async def add(interaction: Interaction, video: discord.Attachment, name: Name, tags: Tags = "") -> None:
        await take_time(interaction)
        motion = await keeping.add(keeper_of(interaction), source_of(video), name=name, tags=tags)
        await conclude(interaction, say("motion_added", **_facts(motion)))

    group.add_command(add)

    @group.command(name="rename", description=say("command_library_rename"))
    @app_commands.describe(motion=say("option_motion_which"), name=say("option_motion_name"))
    async def rename(interaction: Interaction, motion: Named, name: Name) -> None:
        await take_time(interaction)
        renamed = await keeping.rename(keeper_of(interaction), motion, name)
        await conclude(interaction, say("motion_saved", **_facts(renamed)))

    @group.command(name="tag", description=say("command_library_tag"))
    @app_commands.describe(motion=say("option_motion_which"), tags=say("option_motion_tags"))
    async def tag(interaction: Interaction, motion: Named, tags: Tags = "") -> None:
        await take_time(interaction)
        tagged = await keeping.tag(keeper_of(interaction), motion, tags)
        await conclude(interaction, say("motion_saved", **_facts(tagged)))

    @group.command(name="remove", description=say("command_library_remove"))
    @app_commands.describe(motion=say("option_motion_which"), reason=say("option_reason"))
    async def remove(interaction: Interaction, motion: Named, reason: Reason = "") -> None:
        await take_time(interaction)
        removed = await keeping.remove(keeper_of(interaction), motion, reason=reason)
        await conclude(interaction, say("motion_removed", name=shown_name(removed)))

    async def known(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        if not office.rights.is_moderator(interaction):
            return []
        return await suggestions(office.studio, interaction, current)

    rename.autocomplete("motion")(known)
    tag.autocomplete("motion")(known)
    remove.autocomplete("motion")(known)
    return group


def library_menu(office: Office) -> app_commands.ContextMenu:
    """In a message's menu: adds its video under its file's name, which a button lets change."""

    @app_commands.default_permissions(manage_messages=True)
    async def add(interaction: Interaction, message: discord.Message) -> None:
        office.rights.require_moderator(interaction)
        found = video_of(message)
        if found is None:
            raise OrderRefused("motion_video_missing")
        await take_time(interaction)
        motion = await office.studio.motions.keeping.add_named(keeper_of(interaction), found.file)
        await interaction.edit_original_response(
            content=say("motion_added", **_facts(motion)), view=_afterwards(motion)
        )

    return app_commands.ContextMenu(
        name=say("name_menu_add_to_motions"),
        callback=add,
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
    )


def routes_of(office: Office, browsing: Motions) -> list[Route]:
    presses = _Presses(office, browsing)
    return [
        office.for_moderators(EDIT_PREFIX, presses.edit),
        office.for_moderators(REMOVE_PREFIX, presses.ask),
        office.for_moderators(SURE_PREFIX, presses.remove),
        office.for_moderators(DRAW_PREFIX, presses.draw),
    ]


class _Presses:
    def __init__(self, office: Office, browsing: Motions) -> None:
        self._office = office
        self._motions = office.studio.motions
        self._keeping = office.studio.motions.keeping
        self._browsing = browsing

    async def edit(self, interaction: Interaction, motion_id: str) -> None:
        """Open the form with what the motion has; when it comes back, save what was changed."""
        if not is_motion_id(motion_id):
            await unknown_button(interaction)
            return
        keeper = keeper_of(interaction)
        if not is_form(interaction):
            motion = await in_time(self._motions.motion(keeper.guild_id, motion_id))
            await interaction.response.send_modal(_edit_form(motion))
            return
        await take_time(interaction)
        motion = await self._motions.motion(keeper.guild_id, motion_id)
        given = filled_in(interaction)
        if given.get(NAME, motion.name) != motion.name:
            motion = await self._keeping.rename(keeper, motion.id, given[NAME])
        if given.get(TAGS, "") != ", ".join(motion.tags):
            motion = await self._keeping.tag(keeper, motion.id, given.get(TAGS, ""))
        await conclude(interaction, say("motion_saved", **_facts(motion)))

    async def ask(self, interaction: Interaction, motion_id: str) -> None:
        if not is_motion_id(motion_id):
            await unknown_button(interaction)
            return
        await take_time(interaction)
        motion = await self._motions.motion(keeper_of(interaction).guild_id, motion_id)
        view = ui.View(timeout=None)
        sure: ui.Button[ui.View] = ui.Button(
            label=say("button_motion_sure"),
            style=discord.ButtonStyle.danger,
            custom_id=f"{SURE_PREFIX}{motion.id}",
        )
        view.add_item(sure)
        view.stop()
        text = say("motion_remove_sure", name=shown_name(motion))
        await interaction.edit_original_response(content=text, view=view)

    async def remove(self, interaction: Interaction, motion_id: str) -> None:
        if not is_motion_id(motion_id):
            await unknown_button(interaction)
            return
        await interaction.response.defer()
        removed = await self._keeping.remove(keeper_of(interaction), motion_id)
        text = say("motion_removed", name=shown_name(removed))
        await interaction.edit_original_response(content=text, view=None)

    async def draw(self, interaction: Interaction, _: str) -> None:
        await interaction.response.defer()
        with self._office.for_the_record(interaction):
            named = {"name": say("drawn_motion_name"), "tags": say("drawn_motion_tags")}
        await self._keeping.add_drawn(keeper_of(interaction), **named)
        await self._browsing.show(interaction)


def keeper_of(interaction: Interaction) -> Keeper:
    if interaction.guild_id is None:
        raise OrderRefused("not_in_dm")
    return Keeper(guild_id=interaction.guild_id, member_id=interaction.user.id)


def _afterwards(motion: Motion) -> ui.View:
    """What a moderator may want to do with a motion that was just added."""
    view = ui.View(timeout=None)
    edit: ui.Button[Any] = ui.Button(
        label=say("button_motion_edit"),
        style=discord.ButtonStyle.primary,
        custom_id=f"{EDIT_PREFIX}{motion.id}",
    )
    view.add_item(edit)
    removing: ui.Button[Any] = remove_button(motion.id)
    view.add_item(removing)
    view.stop()
    return view


def _edit_form(motion: Motion) -> ui.Modal:
    name: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=NAME, default=motion.name, max_length=LONGEST_NAME, required=True
    )
    tags: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=TAGS, default=", ".join(motion.tags) or None, max_length=LONGEST_TAGS, required=False
    )
    return form(
        say("motion_edit_form"),
        f"{EDIT_PREFIX}{motion.id}",
        ui.Label(text=say("motion_name_field"), component=name),
        ui.Label(text=say("motion_tags_field"), description=say("option_motion_tags"), component=tags),
    )


def _facts(motion: Motion) -> dict[str, Any]:
    facts = {"name": shown_name(motion), "seconds": motion.content.seconds}
    if motion.tags:
        facts["tags"] = discord.utils.escape_markdown(", ".join(motion.tags))
    return facts
