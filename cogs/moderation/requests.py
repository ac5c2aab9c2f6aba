"""Posts the questions that jobs wait for, once each, and shows how they were answered."""

from __future__ import annotations

import asyncio

import discord

from cogs.budget import Priority
from cogs.line import Line, Post, Spot
from cogs.moderation import request_cards
from cogs.verdicts import CALL_ERRORS, Verdict, verdict
from studio.errors import ClipTooLarge
from studio.models import Job
from studio.moderation.questions import Exhibit, Question

PICTURE_NAME = "picture.jpg"

GONE = frozenset({Verdict.MESSAGE_GONE, Verdict.PLACE_GONE})


class Requests:
    """Raises `cogs.verdicts.CALL_ERRORS`."""

    def __init__(self, line: Line, *, trial: bool) -> None:
        self._line = line
        self._trial = trial

    async def ask_member(self, job: Job, question: Question) -> int:
        spot = _spot(question)
        earlier = await self._find(spot, question)
        if earlier is not None:
            return earlier
        view = request_cards.price_card(job, question, trial=self._trial)
        post = Post(nonce=_nonce(job, "p"), view=view, mention=job.order.member.id)
        return await self._line.post(spot, post, priority=Priority.CHANGE)

    async def ask_moderators(self, job: Job, question: Question, exhibit: Exhibit) -> int:
        """Raises `ClipTooLarge` for more than the channel takes."""
        spot = _spot(question)
        earlier = await self._find(spot, question)
        if earlier is not None:
            return earlier
        size = await asyncio.to_thread(_size, exhibit)
        limit = await self._line.upload_limit(question.guild_id)
        if size > limit:
            raise ClipTooLarge(limit=limit)
        names = (PICTURE_NAME, f"video{exhibit.video.suffix}")
        view = request_cards.request_card(job, question, exhibit.history, names=names, trial=self._trial)
        paths, texts = (exhibit.picture, exhibit.video), request_cards.alt_texts(names)
        files = [
            await asyncio.to_thread(discord.File, path, name, description=text)
            for path, name, text in zip(paths, names, texts, strict=True)
        ]
        post = Post(nonce=_nonce(job, "a"), view=view, files=files)
        try:
            return await self._line.post(spot, post, priority=Priority.CHANGE)
        except CALL_ERRORS as error:
            if verdict(error) is Verdict.TOO_LARGE:
                raise ClipTooLarge(limit=min(limit, size * 3 // 4)) from error
            raise

    async def stands(self, question: Question) -> bool:
        """Whether the question's message is there, as far as we may see."""
        assert question.message_id is not None
        try:
            await self._line.attachments(_spot(question), question.message_id)
        except CALL_ERRORS as error:
            if verdict(error) is Verdict.UNAVAILABLE:
                raise
            return verdict(error) not in GONE
        return True

    async def show_answer(self, job: Job, question: Question) -> None:
        assert question.message_id is not None
        view = request_cards.answered_card(job, question)
        await self._line.edit(
            _spot(question), question.message_id, priority=Priority.CHANGE, attachments=[], view=view
        )

    async def _find(self, spot: Spot, question: Question) -> int | None:
        """The message of an earlier try; one that asked about another price is none."""
        wanted = request_cards.yes_id(question)
        try:
            recent = await self._line.own_recent_messages(spot)
        except discord.Forbidden:
            # Without Read Message History only the nonce guards against a repeat.
            return None
        for message in recent:
            if wanted in request_cards.custom_ids(message.components):
                return message.id
        return None


def _spot(question: Question) -> Spot:
    assert question.channel_id is not None
    return Spot(question.guild_id, question.channel_id)


def _nonce(job: Job, kind: str) -> str:
    """Of the price as well: what is asked anew at another one shall not be taken for the first question."""
    # Discord takes 25 characters.
    return f"{job.id}-{kind}{job.held_usd_micros or 0:x}"[:25]


def _size(exhibit: Exhibit) -> int:
    return exhibit.picture.stat().st_size + exhibit.video.stat().st_size
