"""The one message that ends a conversation: posted once, wherever it can still be posted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import discord
import structlog

from cogs import cards
from cogs.attached import WITHOUT_FILE, Attached
from cogs.budget import Priority
from cogs.line import Line, Post, Spot
from cogs.links import Links
from cogs.recognising import Sought, is_it, shows_clip
from cogs.uploading import Uploading, attachment
from cogs.verdicts import CALL_ERRORS, CLOSED, Verdict, verdict
from cogs.ways_on import way_on
from studio.models import CAN_ASK, Clip, Ending, Job, JobState, Place
from studio.moderation.findings import is_covered
from studio.moderation.petitions import Want
from studio.recent import Recent

log = structlog.get_logger(__name__)

GONE = frozenset({Verdict.MESSAGE_GONE, Verdict.PLACE_GONE})
"""Nothing of ours is to be seen there any more."""

REMEMBERED_SPOTS = 2000


class Outcome:
    """Posts results and failures, finds those of an earlier try, and falls back from thread to channel."""

    def __init__(self, line: Line, uploading: Uploading, links: Links, *, trial: bool) -> None:
        self._line = line
        self._uploading = uploading
        self._links = links
        self._trial = trial
        self._spots: Recent[Spot] = Recent(REMEMBERED_SPOTS)

    async def deliver(self, job: Job, clip: Clip, file: Path | None, *, first: bool) -> int:
        """Post the clip; nothing is looked for when this is the `first` try.

        Raises `ClipTooLarge`, `DeskGone` or one of `CALL_ERRORS`.
        """

        async def send(attached: Attached, sent: Path | None, linked: bool) -> int:
            post = self._result(job, clip, attached, linked=linked)
            # Without the file after it was refused, nothing is known to be the first any more.
            return await self._tell(job, post, file=sent, clip=clip, first=first and sent is file)

        return await self._uploading.send(job, clip, file, send=send)

    async def report(self, job: Job, ending: Ending) -> int:
        """Post why there is no clip; raises `DeskGone` or one of `CALL_ERRORS`."""
        text = cards.report_text(job, ending, trial=self._trial)
        view = way_on(Want.MODERATOR, job.id) if ending.facts.get(CAN_ASK) else None
        post = Post(nonce=job.id, content=text, view=view, mention=cards.mention_of(job))
        return await self._tell(job, post)

    async def erase(self, job: Job) -> None:
        """Delete the clip's message, wherever it stands, and the card with its thumbnails."""
        place = job.place
        if place.card_id is not None:
            await self._delete(Spot(place.guild_id, place.talk_id), place.card_id)
        if job.state.ended and place.outcome_id is not None:
            for spot in _told_spots(place):
                if job.state is JobState.DELIVERED or await self._is_clip(spot, job):
                    await self._delete(spot, place.outcome_id)
        if job.state is JobState.DELIVERING:
            for spot in _spots(place):
                posted = await self.find(spot, job, Sought.CLIP)
                if posted is not None:
                    await self._delete(spot, posted)

    async def _is_clip(self, spot: Spot, job: Job) -> bool:
        """Whether what tells of a job that failed is its clip, which had got through before it did."""
        try:
            recent = await self._line.own_recent_messages(spot)
        except discord.NotFound:
            return False
        return any(each.id == job.place.outcome_id and shows_clip(each, job) for each in recent)

    async def _delete(self, spot: Spot, message_id: int) -> None:
        try:
            await self._line.delete(spot, message_id)
        except discord.HTTPException as error:
            if verdict(error) not in GONE:
                raise

    async def correct(self, job: Job, ending: Ending) -> None:
        """Edit the report, wherever it stands; one that somebody has deleted stays deleted."""
        outcome_id = job.place.outcome_id
        assert outcome_id is not None
        text = cards.report_text(job, ending)
        for spot in _told_spots(job.place):
            try:
                await self._line.edit(spot, outcome_id, priority=Priority.RESULT, content=text)
            except CALL_ERRORS as error:
                if verdict(error) not in CLOSED | {Verdict.MESSAGE_GONE}:
                    raise
                log.info("report_not_there", job_id=job.id, channel_id=spot.channel_id, error=str(error))
            else:
                return

    def landed_in(self, job: Job) -> int | None:
        """Where this process has posted or found the outcome."""
        spot = self._spots.get(job.id)
        return None if spot is None else spot.channel_id

    def spot_of(self, job: Job) -> Spot | None:
        """Where the outcome stands, as far as the job knows or this process remembers."""
        if job.place.outcome_channel_id is not None:
            return Spot(job.place.guild_id, job.place.outcome_channel_id)
        return self._spots.get(job.id)

    async def find(self, spot: Spot, job: Job, sought: Sought) -> int | None:
        """Return the id of the card or of the outcome when an earlier try has posted it."""
        try:
            recent = await self._line.own_recent_messages(spot)
        except discord.Forbidden as error:
            # Without Read Message History only the nonce guards against a repeat.
            log.warning("history_closed", channel_id=spot.channel_id, error=str(error))
            return None
        own_thread = spot.channel_id == job.place.thread_id
        found = (each.id for each in recent if is_it(each, job, sought, own_thread=own_thread))
        return next(found, None)

    async def post(self, spot: Spot, post: Post, *, priority: Priority) -> int:
        """Post, without the reply where Discord does not let us reply."""
        try:
            return await self._line.post(spot, post, priority=priority)
        except discord.HTTPException as error:
            if verdict(error) is not Verdict.NO_REPLY:
                raise
        return await self._line.post(spot, replace(post, reply_to=None), priority=priority)

    async def _tell(
        self,
        job: Job,
        post: Post,
        *,
        clip: Clip | None = None,
        file: Path | None = None,
        first: bool = False,
    ) -> int:
        """Post the outcome at the first place that takes it. Raises the error of the last place."""
        sought = Sought.REPORT if clip is None else Sought.CLIP
        closed: Exception | None = None
        for spot in _spots(job.place):
            try:
                message_id = None if first else await self.find(spot, job, sought)
                if message_id is None:
                    message_id = await self._tell_at(spot, job, post, clip=clip, file=file)
            except CALL_ERRORS as error:
                if verdict(error) not in CLOSED:
                    raise
                closed = error
            else:
                self._spots[job.id] = spot
                return message_id
        assert closed is not None
        raise closed

    async def _tell_at(
        self, spot: Spot, job: Job, post: Post, *, clip: Clip | None, file: Path | None
    ) -> int:
        if spot.channel_id != job.place.thread_id:
            post = replace(post, reply_to=job.place.answer_id)
        if clip is not None and file is not None:
            # Opened for each try: sending uses a file up.
            text = cards.clip_alt_text(job, clip, trial=self._trial)
            post = replace(
                post, file=await attachment(job, file, text, covered=is_covered(replace(job, clip=clip)))
            )
        return await self.post(spot, post, priority=Priority.RESULT)

    def _result(self, job: Job, clip: Clip, attached: Attached, *, linked: bool) -> Post:
        needed = attached in WITHOUT_FILE
        link = self._links.of(job, clip, needed=needed) if linked else None
        return Post(
            # A clip that comes late follows a report, whose nonce Discord may still remember.
            nonce=job.id if job.place.outcome_id is None else f"{job.id}-late",
            content=cards.result_text(job, clip, link=link, attached=attached, trial=self._trial),
            view=cards.result_buttons(job, link),
            mention=cards.mention_of(job),
        )


def _spots(place: Place) -> Iterator[Spot]:
    if place.thread_id is not None:
        yield Spot(place.guild_id, place.thread_id)
    yield Spot(place.guild_id, place.channel_id)


def _told_spots(place: Place) -> Iterator[Spot]:
    """Where the outcome may stand: one place if it is known."""
    if place.outcome_channel_id is None:
        yield from _spots(place)
    else:
        yield Spot(place.guild_id, place.outcome_channel_id)
