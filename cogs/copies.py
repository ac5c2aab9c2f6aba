"""Clips as they are shown once more: posted in silence, found again, taken away."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import discord

from cogs import cards
from cogs.attached import WITHOUT_FILE, Attached
from cogs.budget import Priority
from cogs.copy_cards import copy_buttons, copy_mark, copy_text
from cogs.line import Line, Post, Spot
from cogs.links import Links
from cogs.moderation.request_cards import custom_ids
from cogs.uploading import Uploading, attachment
from cogs.verdicts import CALL_ERRORS, Verdict, desk_errors, verdict
from cogs.voice import Voice, to_its_server
from studio.models import Clip, Job
from studio.results.copies import Copy


class Copies:
    """Raises `ClipTooLarge` or one of `CALL_ERRORS`."""

    def __init__(self, line: Line, uploading: Uploading, links: Links, *, trial: bool) -> None:
        self._line = line
        self._uploading = uploading
        self._links = links
        self._trial = trial

    async def show(self, job: Job, copy: Copy, file: Path | None, *, covered: bool, begun: bool) -> int:
        """Post the clip there, unless an earlier try has; return the message's id."""
        assert job.clip is not None
        if begun:
            earlier = await self._find(copy)
            if earlier is not None:
                return earlier
        send = partial(self._send, job, copy, job.clip, covered)
        return await self._uploading.send(job, job.clip, file, send=send)

    async def stands(self, copy: Copy) -> bool:
        assert copy.message_id is not None
        try:
            await self._line.attachments(_spot(copy), copy.message_id)
        except CALL_ERRORS as error:
            if verdict(error) in {Verdict.MESSAGE_GONE, Verdict.PLACE_GONE}:
                return False
            raise
        return True

    async def erase(self, copy: Copy) -> None:
        message_id = copy.message_id or await self._find(copy)
        if message_id is None:
            return
        try:
            await self._line.delete(_spot(copy), message_id)
        except discord.HTTPException as error:
            if verdict(error) not in {Verdict.MESSAGE_GONE, Verdict.PLACE_GONE}:
                raise

    async def _find(self, copy: Copy) -> int | None:
        """The message of an earlier try: it bears the copy's own id."""
        try:
            recent = await self._line.own_recent_messages(_spot(copy))
        except discord.HTTPException as error:
            # Without Read Message History only the nonce guards against a repeat.
            if verdict(error) in {Verdict.FORBIDDEN, Verdict.PLACE_GONE}:
                return None
            raise
        mark = copy_mark(copy)
        return next((each.id for each in recent if mark in custom_ids(each.components)), None)

    async def _send(
        self,
        job: Job,
        copy: Copy,
        clip: Clip,
        covered: bool,
        attached: Attached,
        file: Path | None,
        linked: bool,
    ) -> int:
        needed = attached in WITHOUT_FILE
        link = self._links.of(job, clip, needed=needed) if linked else None
        text = copy_text(job, clip, copy, link=link, attached=attached, trial=self._trial)
        post = Post(nonce=copy.id, content=text, view=copy_buttons(copy, link))
        if file is not None:
            alt_text = cards.clip_alt_text(job, clip, trial=self._trial)
            post = replace(post, file=await attachment(job, file, alt_text, covered=covered))
        return await self._line.post(_spot(copy), post, priority=Priority.RESULT)


def _spot(copy: Copy) -> Spot:
    return Spot(copy.guild_id, copy.channel_id)


class CopyDesk:
    """What the `Desk` port has for copies; the desk itself brings `voice` and `_copies`."""

    voice: Voice
    _copies: Copies

    @to_its_server
    async def show_copy(
        self, job: Job, copy: Copy, file: Path | None, *, covered: bool, begun: bool = False
    ) -> int:
        with desk_errors():
            return await self._copies.show(job, copy, file, covered=covered, begun=begun)

    async def has_copy(self, copy: Copy) -> bool:
        with desk_errors():
            return await self._copies.stands(copy)

    async def erase_copy(self, copy: Copy) -> None:
        with desk_errors():
            await self._copies.erase(copy)
