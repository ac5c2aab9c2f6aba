"""From a draft to an order: opens the form, asks for what is missing, hands over what is complete."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import discord
from discord import ui

from cogs.controls import JOB_ID, Route, unknown_button
from cogs.gate import check_picture, check_place, check_video
from cogs.ordering.buttons import (
    FORM_PREFIX,
    HELP_NAME,
    SAME_PREFIX,
    Button,
    LastPicture,
    form_button,
    help_answer,
    private_answer,
)
from cogs.ordering.form import SEND_PREFIX, filled, motion_in, name_of, order_form, wanted_of
from cogs.taking import Interaction, Taking, wish_of
from studio.errors import OrderRefused
from studio.models import HABITS, Orientation, ShotType, SourceFile, Wishes
from studio.moderation.petitions import Petition, Want, Wanted
from studio.motions.motion import Motion
from studio.promptly import in_time
from studio.texts import say
from studio.wishing.drafts import Draft
from studio.wishing.preparation import Kept, Owner

if TYPE_CHECKING:
    from studio.front import Studio

HELP_PICTURE = Path(__file__).with_name(HELP_NAME)

NEW = "new"
"""What stands in a custom id in the place of a draft that begins with this press."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How large the members' files may be, in bytes."""

    picture: int
    video: int


class Orders:
    """Every way to an order but `/animate` with both files; all end in `Taking.take`."""

    def __init__(self, studio: Studio, taking: Taking, caps: Caps) -> None:
        self._studio = studio
        self._preparation = studio.preparation
        self._taking = taking
        self._storing = taking.storing
        self.caps = caps

    def routes(self) -> list[Route]:
        return [
            Route(SEND_PREFIX, self._sent),
            Route(FORM_PREFIX, self._reopen),
            Route(SAME_PREFIX, self._same_picture),
        ]

    # ── what the menus and the command ask for ──────────────────────────────────────────────────

    def look(self, interaction: Interaction) -> None:
        """Refuse from memory what would be refused in the end, before a form is filled in in vain."""
        check_place(interaction)
        self._studio.glance(wish_of(interaction, Wishes()))

    def usual_wishes(self, interaction: Interaction) -> Wishes:
        """What the server gives to whoever chooses nothing."""
        defaults = self._studio.server(interaction.guild_id or 0).policy.defaults
        return Wishes(
            orientation=Orientation(defaults.orientation) if defaults.orientation else None,
            keep_sound=defaults.keep_sound,
            shot_type=ShotType(defaults.shot_type),
            left_out=HABITS,
        )

    async def open(self, interaction: Interaction, draft: Draft) -> None:
        """Show the form with all that is known; nothing was kept in memory when it is dismissed."""
        self.look(interaction)
        self._check_sizes(draft)
        draft_id = self._preparation.new_draft_id()
        kept, motions = await in_time(self._look(interaction))
        draft = kept.filling(draft)
        await self._storing.beside(
            draft_id,
            interaction.response.send_modal(order_form(draft_id, draft, motions)),
            self._preparation.keep(_owner(interaction), draft_id, draft),
        )

    async def complete(self, interaction: Interaction, draft: Draft) -> None:
        """Order by what there is and what is kept for the next clip; else say what is missing."""
        self.look(interaction)
        draft = _righted(draft)
        self._check_sizes(draft)
        kept = await in_time(self._kept(interaction))
        if draft.picture is None and draft.video is None:
            await self._help(interaction, draft, kept)
            return
        full = kept.filling(draft)
        wanted = wanted_of(full)
        if wanted is not None:
            await self._taking.take(interaction, wanted)
            return
        await self._ask_for_rest(interaction, full, kept)

    # ── presses and sent forms ──────────────────────────────────────────────────────────────────

    async def _sent(self, interaction: Interaction, draft_id: str) -> None:
        if not _is_readable(interaction, draft_id):
            raise OrderRefused("form_over")
        owner = _owner(interaction)
        draft = filled(interaction, await in_time(self._draft(owner, draft_id)))
        try:
            motion_id = motion_in(interaction)
            if motion_id is not None:
                video = await in_time(self._studio.motions.pick(owner.guild_id, motion_id))
                draft = replace(draft, video=video)
        except OrderRefused as refusal:
            await self._offer_again(interaction, draft_id, draft, refusal.sentence)
            return
        await self._order(interaction, draft_id, draft)

    async def _reopen(self, interaction: Interaction, draft_id: str) -> None:
        if draft_id == NEW:
            await self.open(interaction, Draft(wishes=self.usual_wishes(interaction)))
            return
        if not _is_readable(interaction, draft_id):
            await unknown_button(interaction)
            return
        self.look(interaction)
        draft, kept, motions = await in_time(self._look_again(interaction, draft_id))
        await self._show(interaction, draft_id, kept.filling(draft), motions)

    async def _same_picture(self, interaction: Interaction, draft_id: str) -> None:
        if not _is_readable(interaction, draft_id):
            await unknown_button(interaction)
            return
        draft, kept, motions = await in_time(self._look_again(interaction, draft_id))
        last = kept.habits
        if last.picture is None:
            raise OrderRefused("last_picture_over")
        wishes = replace(draft.wishes, spoiler=draft.wishes.spoiler or last.spoiler)
        draft = kept.filling(replace(draft, picture=last.picture, wishes=wishes))
        if draft.video is not None:
            await self._order(interaction, draft_id, draft)
            return
        self.look(interaction)
        await self._show(interaction, draft_id, draft, motions)

    async def _show(
        self, interaction: Interaction, draft_id: str, draft: Draft, motions: Sequence[Motion]
    ) -> None:
        await self._storing.beside(
            draft_id,
            interaction.response.send_modal(order_form(draft_id, draft, motions)),
            self._preparation.revise(draft_id, draft),
        )

    async def _order(self, interaction: Interaction, draft_id: str, draft: Draft) -> None:
        """Order by the draft, once; after a refusal a button opens it again with all that is in it."""
        wanted = wanted_of(draft)
        if wanted is None:
            reason = say("missing_picture" if draft.picture is None else "motion_or_video_missing")
            await self._offer_again(interaction, draft_id, draft, reason)
            return
        try:
            await self._taking.take(interaction, wanted, self._petition(interaction, draft_id, wanted))
        except OrderRefused as refusal:
            await self._offer_again(interaction, draft_id, draft, refusal.sentence)

    async def _offer_again(self, interaction: Interaction, draft_id: str, draft: Draft, reason: str) -> None:
        answer = private_answer(reason, [form_button(draft_id)])
        await self._storing.beside(
            draft_id,
            interaction.response.send_message(view=answer, ephemeral=True),
            self._preparation.revise(draft_id, draft),
        )

    def _petition(self, interaction: Interaction, draft_id: str, wanted: Wanted) -> Petition:
        owner = _owner(interaction)
        return Petition(
            id=draft_id,
            at=self._studio.now(),
            guild_id=owner.guild_id,
            member_id=owner.member_id,
            wants=Want.FORM,
            wanted=wanted,
        )

    # ── asking for what is missing ──────────────────────────────────────────────────────────────

    async def _help(self, interaction: Interaction, draft: Draft, kept: Kept) -> None:
        draft_id = self._preparation.new_draft_id()
        file = discord.File(io.BytesIO(self._help_picture), HELP_NAME, description=say("alt_help"))
        answer = help_answer([form_button(draft_id, "button_form")], last=_last(kept, draft_id))
        await self._storing.beside(
            draft_id,
            interaction.response.send_message(view=answer, file=file, ephemeral=True),
            self._preparation.keep(_owner(interaction), draft_id, draft),
        )

    async def _ask_for_rest(self, interaction: Interaction, draft: Draft, kept: Kept) -> None:
        draft_id = self._preparation.new_draft_id()
        answer = _question(draft_id, draft, last=_last(kept, draft_id))
        await self._storing.beside(
            draft_id,
            interaction.response.send_message(view=answer, ephemeral=True),
            self._preparation.keep(_owner(interaction), draft_id, draft),
        )

    async def _draft(self, owner: Owner, draft_id: str) -> Draft:
        """What was stored, or just is: a form may come back before that is done."""
        return await self._storing.read(draft_id, lambda: self._preparation.draft(owner, draft_id))

    async def _look(self, interaction: Interaction) -> tuple[Kept, Sequence[Motion]]:
        """What goes into a form besides its draft."""
        return await asyncio.gather(self._kept(interaction), self._motions(interaction))

    async def _look_again(
        self, interaction: Interaction, draft_id: str
    ) -> tuple[Draft, Kept, Sequence[Motion]]:
        """The same, once its draft is known to be open."""
        draft = await self._draft(_owner(interaction), draft_id)
        return draft, *await self._look(interaction)

    def _check_sizes(self, draft: Draft) -> None:
        if draft.picture is not None:
            check_picture(draft.picture, self.caps.picture)
        if draft.video is not None:
            check_video(draft.video, self.caps.video)

    async def _motions(self, interaction: Interaction) -> Sequence[Motion]:
        """What the form offers of the server's library."""
        owner = _owner(interaction)
        return await self._studio.motions.suggest(owner.guild_id, owner.member_id, "")

    async def _kept(self, interaction: Interaction) -> Kept:
        return await self._preparation.kept(_owner(interaction))

    @cached_property
    def _help_picture(self) -> bytes:
        return HELP_PICTURE.read_bytes()


def _question(draft_id: str, draft: Draft, *, last: LastPicture | None) -> ui.LayoutView:
    lacks_picture = draft.picture is None
    label = "button_choose_picture" if lacks_picture else "button_choose_video"
    text = say("missing_picture" if lacks_picture else "motion_or_video_missing")
    there = draft.video if lacks_picture else draft.picture
    if there is not None:
        text = f"{text}\n{say('order_there', name=name_of(there))}"
    return private_answer(
        text, [Button(label, f"{FORM_PREFIX}{draft_id}")], last=last if lacks_picture else None
    )


def _righted(draft: Draft) -> Draft:
    """The draft with a single file where it belongs, by Discord's own idea of its type."""
    picture, video = draft.picture, draft.video
    if picture is None and video is not None and (video.content_type or "").startswith("image/"):
        return draft if video.content_type == "image/gif" else replace(draft, picture=video, video=None)
    if video is None and picture is not None and (picture.content_type or "").startswith("video/"):
        return replace(draft, picture=None, video=picture)
    return draft


def _last(kept: Kept, draft_id: str) -> LastPicture | None:
    picture: SourceFile | None = kept.habits.picture
    return None if picture is None else LastPicture(picture, draft_id)


def _owner(interaction: Interaction) -> Owner:
    assert interaction.guild_id is not None
    return Owner(interaction.guild_id, interaction.user.id)


def _is_readable(interaction: Interaction, draft_id: str) -> bool:
    return interaction.guild_id is not None and JOB_ID.fullmatch(draft_id) is not None
