"""The `Desk` port on Discord: where a member sees the job, from the thread to the final link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import discord
import structlog

from cogs import cards
from cogs.bench import Bench
from cogs.budget import Budget, Priority
from cogs.copies import Copies, CopyDesk
from cogs.line import Line, Post, Spot
from cogs.links import Links
from cogs.moderation.requests import Requests
from cogs.outcome import Outcome
from cogs.recognising import Sought
from cogs.uploading import Uploading, attachments
from cogs.verdicts import CALL_ERRORS, CLOSED, REFUSED, Verdict, desk_errors, verdict
from cogs.voice import Voice, to_its_server
from studio.crashpoints import passing
from studio.errors import DeskGone
from studio.models import Clip, Ending, Job, Place, Progress
from studio.moderation.questions import Exhibit, Question
from studio.moderation.reports import Report
from studio.recent import Recent
from studio.texts import say

log = structlog.get_logger(__name__)

REMEMBERED_CARDS = 2000
"""For how many cards the attached thumbnails are remembered; for others Discord is asked once."""


class DiscordDesk(CopyDesk):
    """Shows jobs with the bot token and stored ids only, so it works after any restart and after 15 minutes.

    The conversation happens in a thread that hangs from the answer. Where there can be none it stays in the
    channel; then every message replies to the answer, which is also how it is found again.
    """

    def __init__(
        self,
        client: discord.Client,
        *,
        budget: Budget,
        local_links: bool = False,
        trial: bool = False,
        watch_url: Callable[[Job], str] | None = None,
    ) -> None:
        """`local_links`: also offer links that lead to this machine alone, as in the demo.

        `watch_url` gives the address of our own page for a job's clip; None: there is only the provider's.
        `trial`: the renderer is the sandbox, so no message may say that anything was paid.
        """
        self._card = partial(cards.status_card, trial=trial)
        self._line = Line(client, budget)
        self.voice = Voice(self._line)
        uploading, links = Uploading(self._line), Links(watch_url=watch_url, local=local_links)
        self._outcome = Outcome(self._line, uploading, links, trial=trial)
        self._copies = Copies(self._line, uploading, links, trial=trial)
        self._bench = Bench(self._line)
        self._requests = Requests(self._line, trial=trial)
        self._pictures: Recent[Sequence[discord.Attachment]] = Recent(REMEMBERED_CARDS)

    @to_its_server
    async def open(self, job: Job, progress: Progress) -> Place:
        place = job.place
        with desk_errors():
            if place.answer_id is None:
                place = replace(place, answer_id=await self._find_answer(place))
            if place.card_id is None:
                place = await self._start(replace(job, order=replace(job.order, place=place)), progress)
        return place

    @to_its_server
    async def illustrate(self, job: Job, progress: Progress, picture: Path, video: Path) -> None:
        if job.place.card_id is None:
            return
        names = (cards.PICTURE_NAME, cards.VIDEO_NAME)
        files = await attachments(
            (picture, names[0], say("alt_picture")), (video, names[1], say("alt_video"))
        )
        view = self._card(job, progress, pictures=names)
        with desk_errors():
            attached = await self._line.edit(
                _talk(job.place), job.place.card_id, priority=Priority.CHANGE, attachments=files, view=view
            )
        self._pictures[job.place.card_id] = attached

    @to_its_server
    async def show(self, job: Job, progress: Progress, *, urgent: bool) -> bool:
        if job.place.card_id is None or not (urgent or self._line.room_for_tick()):
            return False
        with desk_errors():
            try:
                await self._edit_card(job, progress, priority=Priority.CHANGE if urgent else None)
            except discord.HTTPException as error:
                # An edit does not reopen a thread that somebody put away; the outcome will.
                if verdict(error) is not Verdict.ARCHIVED:
                    raise
        return True

    @to_its_server
    async def deliver(self, job: Job, clip: Clip, file: Path | None, *, first: bool = False) -> int:
        with desk_errors():
            return await self._outcome.deliver(job, clip, file, first=first)

    @to_its_server
    async def report(self, job: Job, ending: Ending) -> int:
        with desk_errors():
            return await self._outcome.report(job, ending)

    def landed_in(self, job: Job) -> int | None:
        return self._outcome.landed_in(job)

    @to_its_server
    async def correct(self, job: Job, ending: Ending) -> None:
        with desk_errors():
            await self._outcome.correct(job, ending)

    @to_its_server
    async def conclude(self, job: Job, progress: Progress) -> None:
        with desk_errors():
            likely = await self._close_card(job, progress)
            passing("desk.card_concluded")
            await self._close_answer(job, self._outcome.spot_of(job) or likely)
        if job.place.card_id is not None:
            self._pictures.forget(job.place.card_id)

    @to_its_server
    async def erase(self, job: Job) -> None:
        with desk_errors():
            await self._outcome.erase(job)
            if job.state.ended:
                await self._close_answer(job, self._outcome.spot_of(job) or _talk(job.place))
        if job.place.card_id is not None:
            self._pictures.forget(job.place.card_id)

    @to_its_server
    async def show_report(self, report: Report, job: Job, channel_id: int) -> int:
        with desk_errors():
            return await self._bench.show(report, job, channel_id)

    @to_its_server
    async def settle_report(self, report: Report, job: Job) -> None:
        with desk_errors():
            await self._bench.settle(report, job)

    @to_its_server
    async def ask_member(self, job: Job, question: Question) -> int:
        with desk_errors():
            return await self._requests.ask_member(job, question)

    @to_its_server
    async def ask_moderators(self, job: Job, question: Question, exhibit: Exhibit) -> int:
        with desk_errors():
            return await self._requests.ask_moderators(job, question, exhibit)

    async def still_asks(self, question: Question) -> bool:
        with desk_errors():
            return await self._requests.stands(question)

    @to_its_server
    async def show_answer(self, job: Job, question: Question) -> None:
        with desk_errors():
            await self._requests.show_answer(job, question)

    # ── opening ─────────────────────────────────────────────────────────────────────────────────

    async def _find_answer(self, place: Place) -> int:
        """Look for an answer whose id was lost between Discord and our database."""
        if place.interaction_token is None:
            raise DeskGone
        answer_id = await self._line.find_answer(place.interaction_token)
        if answer_id is None:
            raise DeskGone
        return answer_id

    async def _start(self, job: Job, progress: Progress) -> Place:
        place, fresh = job.place, False
        if place.thread_id is None:
            thread_id, fresh = await self._start_thread(job)
            place = replace(place, thread_id=thread_id)
            passing("desk.thread_started")
        if place.thread_id is not None:
            try:
                return replace(place, card_id=await self._post_card(job, place, progress, fresh=fresh))
            except CALL_ERRORS as error:
                if verdict(error) not in CLOSED:
                    raise
                log.info("thread_closed_to_us", job_id=job.id, error=str(error))
        place = replace(place, thread_id=None)
        return replace(place, card_id=await self._post_card(job, place, progress, fresh=False))

    async def _start_thread(self, job: Job) -> tuple[int | None, bool]:
        """Return the thread's id, None where there can be none, and whether it is new."""
        place = job.place
        assert place.answer_id is not None
        channel = Spot(place.guild_id, place.channel_id)
        for name in (cards.thread_name(job), say("thread_name_neutral")):
            try:
                return await self._line.start_thread(channel, place.answer_id, name), True
            except CALL_ERRORS as error:
                match verdict(error):
                    case Verdict.THREAD_EXISTS:
                        # A thread that hangs from a message has the message's id.
                        return place.answer_id, False
                    case Verdict.NAME_REFUSED:
                        continue
                    case Verdict.UNAVAILABLE | Verdict.PLACE_GONE:
                        raise
                    case _:
                        log.info("no_thread", job_id=job.id, error=str(error))
                        return None, False
        return None, False

    async def _post_card(self, job: Job, place: Place, progress: Progress, *, fresh: bool) -> int:
        """Post the status card, unless an earlier try has."""
        spot = _talk(place)
        if not fresh:
            placed = replace(job, order=replace(job.order, place=place))
            earlier = await self._outcome.find(spot, placed, Sought.CARD)
            if earlier is not None:
                return earlier
        post = Post(
            nonce=f"{job.id}-card",
            view=self._card(job, progress),
            reply_to=None if place.thread_id else place.answer_id,
        )
        return await self._outcome.post(spot, post, priority=Priority.CHANGE)

    # ── the card ────────────────────────────────────────────────────────────────────────────────

    async def _edit_card(self, job: Job, progress: Progress, *, priority: Priority | None) -> None:
        card_id = job.place.card_id
        assert card_id is not None
        attached = await self._attached(job, card_id)
        view = self._card(job, progress, pictures=[each.filename for each in attached])
        try:
            # Named one by one: what an edit does not name, it may remove (API v10).
            await self._line.edit(
                _talk(job.place), card_id, priority=priority, attachments=attached, view=view
            )
        except discord.HTTPException as error:
            if verdict(error) not in REFUSED or not attached:
                raise
            log.warning("card_pictures_refused", job_id=job.id, error=str(error))
            self._pictures[card_id] = ()
            plain = self._card(job, progress)
            await self._line.edit(
                _talk(job.place), card_id, priority=Priority.CHANGE, attachments=[], view=plain
            )

    async def _attached(self, job: Job, card_id: int) -> Sequence[discord.Attachment]:
        if job.inputs is None:
            return ()
        known = self._pictures.get(card_id)
        if known is None:
            known = await self._line.attachments(_talk(job.place), card_id)
            self._pictures[card_id] = known
        return known

    # ── the end ─────────────────────────────────────────────────────────────────────────────────

    async def _close_card(self, job: Job, progress: Progress) -> Spot:
        """Bring the card to its final form; return where the outcome will be, judging from that."""
        talk = _talk(job.place)
        if job.place.card_id is None:
            return talk
        try:
            await self._edit_card(job, progress, priority=Priority.CHANGE)
        except CALL_ERRORS as error:
            what = verdict(error)
            if what is Verdict.UNAVAILABLE:
                raise
            log.info("card_not_closed", job_id=job.id, error=str(error))
            if what in CLOSED:
                # The outcome could not be posted in the thread either.
                return Spot(job.place.guild_id, job.place.channel_id)
        return talk

    async def _close_answer(self, job: Job, spot: Spot) -> None:
        place = job.place
        if place.answer_id is None:
            return
        link = spot.link(place.outcome_id) if place.outcome_id is not None else None
        channel = Spot(place.guild_id, place.channel_id)
        text = cards.final_answer(job, link)
        await self._line.edit(channel, place.answer_id, priority=Priority.CHANGE, content=text)


def _talk(place: Place) -> Spot:
    return Spot(place.guild_id, place.talk_id)
