"""`/animate`: an interaction becomes an order."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs.file_options import file_command
from cogs.library.suggesting import suggestions
from cogs.ordering.found import source_of
from cogs.ordering.orders import Caps, Orders
from cogs.ordering.uploads import PICTURES, VIDEOS
from cogs.taking import Taking
from studio.errors import OrderRefused
from studio.models import HABITS, Orientation, ShotType, SourceFile, Wishes
from studio.moderation.petitions import Wanted
from studio.promptly import in_time
from studio.prompts import LONGEST_PROMPT
from studio.texts import say
from studio.wishing.drafts import Draft
from studio.wishing.habits import BY_LENGTH

if TYPE_CHECKING:
    from studio.front import Studio

# Evaluated by discord.py at run time, where `from __future__ import annotations` has made them strings.
Prompt = app_commands.Range[str, 0, LONGEST_PROMPT]
Named = app_commands.Range[str, 1, 100]

_ORIENTATIONS = [
    app_commands.Choice(name=say("choice_orientation_auto"), value=BY_LENGTH),
    app_commands.Choice(name=say("choice_orientation_video"), value=Orientation.VIDEO.value),
    app_commands.Choice(name=say("choice_orientation_image"), value=Orientation.IMAGE.value),
]
_FACES: Mapping[str, Orientation | None] = {BY_LENGTH: None, **{each.value: each for each in Orientation}}
_SHOTS = {each.value: each for each in ShotType}
_SHOT_TYPES = [
    app_commands.Choice(name=say("choice_shot_customize"), value=ShotType.CUSTOMIZE.value),
    app_commands.Choice(name=say("choice_shot_intelligent"), value=ShotType.INTELLIGENT.value),
]


class Animate(commands.Cog):
    """The command; what it asks for is ordered by `cogs.taking`, the rest asked for by `cogs.ordering`."""

    # discord.py would call its own, which always agrees, before each answer.
    interaction_check = None  # type: ignore[assignment]

    def __init__(self, studio: Studio, *, max_picture_bytes: int, max_video_bytes: int) -> None:
        self._studio = studio
        self.taking = Taking(studio, max_picture_bytes=max_picture_bytes, max_video_bytes=max_video_bytes)
        caps = Caps(picture=max_picture_bytes, video=max_video_bytes)
        self.orders = Orders(studio, self.taking, caps)

    @file_command(
        name="animate",
        description=say("command_animate"),
        file_types={"image": PICTURES, "video": VIDEOS},
    )
    @app_commands.describe(
        image=say("option_image"),
        video=say("option_video"),
        motion=say("option_motion"),
        prompt=say("option_prompt"),
        negative_prompt=say("option_negative_prompt"),
        orientation=say("option_orientation"),
        keep_sound=say("option_keep_sound"),
        shot_type=say("option_shot_type"),
        notify=say("option_notify"),
    )
    @app_commands.choices(orientation=_ORIENTATIONS, shot_type=_SHOT_TYPES)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def animate(  # discord.py reads the command's options from the parameters
        self,
        interaction: discord.Interaction[discord.Client],
        image: discord.Attachment | None = None,
        video: discord.Attachment | None = None,
        motion: Named | None = None,
        prompt: Prompt = "",
        negative_prompt: Prompt = "",
        orientation: str | None = None,
        keep_sound: bool | None = None,
        shot_type: str | None = None,
        notify: bool = True,
    ) -> None:
        guild_id = interaction.guild_id or 0
        if motion is None:
            moving = None if video is None else source_of(video)
        else:
            moving = await self._picked(guild_id, video, motion)
        defaults = self._studio.server(guild_id).policy.defaults
        wishes = Wishes(
            prompt=prompt,
            negative_prompt=negative_prompt,
            orientation=_FACES[orientation or defaults.orientation or BY_LENGTH],
            keep_sound=defaults.keep_sound if keep_sound is None else keep_sound,
            shot_type=_SHOTS[shot_type or defaults.shot_type],
            notify=notify,
            left_out=tuple(compress(HABITS, (orientation is None, keep_sound is None, shot_type is None))),
        )
        picture = None if image is None else source_of(image)
        if picture is None or moving is None:
            await self.orders.complete(interaction, Draft(picture=picture, video=moving, wishes=wishes))
            return
        wanted = Wanted(picture=picture, video=moving, wishes=wishes)
        await self.taking.take(interaction, wanted)

    async def _picked(self, guild_id: int, video: discord.Attachment | None, motion: str) -> SourceFile:
        """The motion from the library, unless there is a video as well."""
        if video is not None:
            raise OrderRefused("motion_and_video")
        return await in_time(self._studio.motions.pick(guild_id, motion))

    @animate.autocomplete("motion")
    async def motions(
        self, interaction: discord.Interaction[discord.Client], current: str
    ) -> list[app_commands.Choice[str]]:
        return await suggestions(self._studio, interaction, current)
