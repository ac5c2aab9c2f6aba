"""`/animate`: an interaction becomes an order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from cogs.cards import first_answer, withdrawn_answer
from cogs.gate import check_files, check_place, check_wishes
from cogs.verdicts import CALL_ERRORS, Verdict, verdict
from studio.crashpoints import passing
from studio.errors import OrderRefused, StudioError
from studio.models import LONGEST_PROMPT, Member, Order, Orientation, Place, ShotType, SourceFile, Wishes
from studio.sharing.rules import Wish
from studio.texts import say

if TYPE_CHECKING:
    from studio.front import Studio

log = structlog.get_logger(__name__)

# Evaluated by discord.py at run time, where `from __future__ import annotations` has made them strings.
Prompt = app_commands.Range[str, 0, LONGEST_PROMPT]

_ORIENTATIONS = [
    app_commands.Choice(name=say("choice_orientation_video"), value=Orientation.VIDEO.value),
    app_commands.Choice(name=say("choice_orientation_image"), value=Orientation.IMAGE.value),
]
_SHOT_TYPES = [
    app_commands.Choice(name=say("choice_shot_customize"), value=ShotType.CUSTOMIZE.value),
    app_commands.Choice(name=say("choice_shot_intelligent"), value=ShotType.INTELLIGENT.value),
]


class Animate(commands.Cog):
    """Takes orders. What follows the answer is done elsewhere, by the bot token and stored ids."""

    def __init__(self, studio: Studio, *, max_picture_bytes: int, max_video_bytes: int) -> None:
        self._studio = studio
        self._max_picture_bytes = max_picture_bytes
        self._max_video_bytes = max_video_bytes
        self._answering: set[asyncio.Task[Any]] = set()

    @app_commands.command(name="animate", description=say("command_animate"))
    @app_commands.describe(
        image=say("option_image"),
        video=say("option_video"),
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
        image: discord.Attachment,
        video: discord.Attachment,
        prompt: Prompt = "",
        negative_prompt: Prompt = "",
        orientation: str | None = None,
        keep_sound: bool | None = None,
        shot_type: str | None = None,
        notify: bool = True,
    ) -> None:
        defaults = self._studio.defaults(interaction.guild_id or 0)
        faces = orientation or defaults.orientation
        wishes = Wishes(
            prompt=prompt,
            negative_prompt=negative_prompt,
            orientation=Orientation(faces) if faces else None,
            keep_sound=defaults.keep_sound if keep_sound is None else keep_sound,
            shot_type=ShotType(shot_type or defaults.shot_type),
            notify=notify,
        )
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            await self._take(interaction, _source(image), _source(video), wishes)
        finally:
            self._answering.discard(task)

    async def finish_answers(self) -> None:
        """Wait until every interaction that came in so far has its answer; for an orderly end."""
        if self._answering:
            await asyncio.wait(self._answering)

    async def _take(
        self,
        interaction: discord.Interaction[discord.Client],
        picture: SourceFile,
        video: SourceFile,
        wishes: Wishes,
    ) -> None:
        """Refuse privately, or answer in public and record the order meanwhile."""
        if not self._studio.accepting:
            raise OrderRefused("shutting_down")
        check_place(interaction)
        check_files(
            picture,
            video,
            max_picture_bytes=self._max_picture_bytes,
            max_video_bytes=self._max_video_bytes,
        )
        check_wishes(wishes)
        await self._studio.admit(_wish(interaction))
        recording = asyncio.create_task(self._record(interaction, picture, video, wishes))
        try:
            answer_id = await _answer(interaction, first_answer(_member(interaction)))
        except CALL_ERRORS as error:
            job_id = await recording
            if verdict(error) is not Verdict.UNAVAILABLE:
                await self._studio.abandon(job_id)
                raise
            # It may have arrived: the studio looks for it later. A second answer could be taken for it.
            log.warning("answer_uncertain", job_id=job_id, error=str(error))
            return
        passing("animate.answered")
        await asyncio.wait((recording,))
        failure = recording.exception()
        if failure is not None:
            await _withdraw(interaction, failure if isinstance(failure, StudioError) else StudioError())
            if isinstance(failure, StudioError):
                return
            raise failure
        passing("animate.recorded")
        await self._studio.acknowledged(recording.result(), answer_id=answer_id)

    async def _record(
        self,
        interaction: discord.Interaction[discord.Client],
        picture: SourceFile,
        video: SourceFile,
        wishes: Wishes,
    ) -> str:
        """Record the order and return its job's id."""
        # Nothing stands before the first REST call: below Python 3.12, aiohttp writes it in a task of its
        # own, which waits in the loop's line behind this one.
        await asyncio.sleep(0)
        assert interaction.guild_id is not None
        assert interaction.channel_id is not None
        order = Order(
            job_id=self._studio.new_job_id(),
            member=member_of(interaction),
            place=Place(
                guild_id=interaction.guild_id,
                channel_id=interaction.channel_id,
                interaction_token=interaction.token,
            ),
            picture=picture,
            video=video,
            wishes=wishes,
            ordered_at=self._studio.now(),
        )
        await self._studio.take(order)
        return order.job_id


async def _answer(interaction: discord.Interaction[discord.Client], text: str) -> int:
    """Send the public answer and return its id."""
    try:
        sent = await interaction.response.send_message(text, silent=True)
    except discord.HTTPException as error:
        if verdict(error) is not Verdict.ANSWERED_ALREADY:
            raise
        # discord.py's own earlier try was accepted although its answer was lost (`discord.md`, section 4).
        return (await interaction.original_response()).id
    if sent.message_id is None:
        return (await interaction.original_response()).id
    return sent.message_id


async def _withdraw(interaction: discord.Interaction[discord.Client], error: StudioError) -> None:
    """The answer is out, but the order could not be recorded: the answer must not promise a clip."""
    log.warning("order_not_recorded", interaction_id=interaction.id, error=error.code)
    text = withdrawn_answer(_member(interaction), error.sentence)
    await interaction.edit_original_response(content=text)


def _wish(interaction: discord.Interaction[discord.Client]) -> Wish:
    assert interaction.guild_id is not None
    assert interaction.channel_id is not None
    channel = interaction.channel
    return Wish(
        guild_id=interaction.guild_id,
        # A thread may do what its channel may.
        channel_id=channel.parent_id if isinstance(channel, discord.Thread) else interaction.channel_id,
        member_id=interaction.user.id,
        role_ids=lambda: _role_ids(interaction),
    )


def _member(interaction: discord.Interaction[discord.Client]) -> Member:
    return Member(interaction.user.id, interaction.user.display_name)


def member_of(interaction: discord.Interaction[discord.Client]) -> Member:
    """Who interacts, with their roles."""
    return replace(_member(interaction), role_ids=_role_ids(interaction))


def _role_ids(interaction: discord.Interaction[discord.Client]) -> tuple[int, ...]:
    """The member's roles, without the server's own (@everyone)."""
    roles = interaction.user.roles if isinstance(interaction.user, discord.Member) else []
    return tuple(role.id for role in roles if role.id != interaction.guild_id)


def _source(attachment: discord.Attachment) -> SourceFile:
    return SourceFile(
        url=attachment.url,
        filename=attachment.filename,
        size=attachment.size,
        content_type=attachment.content_type,
    )
