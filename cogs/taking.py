"""How an interaction with two files becomes an order: a public answer, or a private refusal with a way on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import discord
import structlog

from cogs.answering import answer
from cogs.cards import first_answer, withdrawn_answer
from cogs.gate import check_files, check_place, check_wishes, is_age_restricted
from cogs.storing import Storing
from cogs.verdicts import CALL_ERRORS, Verdict, verdict
from cogs.voice import of_server
from cogs.ways_on import way_on
from studio.crashpoints import passing
from studio.errors import ConsentNeeded, LimitReached, OrderRefused, StudioError
from studio.languages.spoken import speaking, spoken
from studio.languages.tongues import Language
from studio.models import Member, Order, Place, Wishes
from studio.moderation.explicit import check_words
from studio.moderation.petitions import Petition, Want, Wanted
from studio.sharing.rules import Wish

if TYPE_CHECKING:
    from studio.front import Studio

log = structlog.get_logger(__name__)

Interaction = discord.Interaction[discord.Client]


class Taking:
    """Takes orders. What follows the answer is done elsewhere, by the bot token and stored ids.

    `storing`: what is written beside the answers, which those have to wait for who read it.
    """

    def __init__(self, studio: Studio, *, max_picture_bytes: int, max_video_bytes: int) -> None:
        self._studio = studio
        self._max_picture_bytes = max_picture_bytes
        self._max_video_bytes = max_video_bytes
        self._answering = 0
        self._all_answered = asyncio.Event()
        self.storing = Storing()

    async def take(self, interaction: Interaction, wanted: Wanted, petition: Petition | None = None) -> None:
        """Refuse privately, or answer in public and record the order meanwhile.

        `petition`: the press that lets an earlier refused order go on. Raises `OrderRefused`.
        """
        self._answering += 1
        try:
            wanted, wish = self._checked(interaction, wanted)
            agrees = petition is not None and self._agrees(petition)
            try:
                await self._studio.admit(wish, overruled=wanted.overruled, agrees=agrees)
            except OrderRefused as refusal:
                if agrees:
                    await asyncio.gather(self._agree(interaction), self._refuse(interaction, refusal, wanted))
                else:
                    await self._refuse(interaction, refusal, wanted, petition)
                return
            await self._answer_and_record(interaction, wanted, petition)
        finally:
            self._answering -= 1
            if not self._answering:
                self._all_answered.set()

    async def finish_answers(self) -> None:
        """Wait until every interaction that came in so far has its answer; for an orderly end."""
        if self._answering:
            self._all_answered.clear()
            await self._all_answered.wait()
        await self.storing.finished()

    def _checked(self, interaction: Interaction, wanted: Wanted) -> tuple[Wanted, Wish]:
        """The order as its place makes it, and what the rules are asked about. Raises `OrderRefused`."""
        if not self._studio.accepting:
            raise OrderRefused("shutting_down")
        check_place(interaction)
        check_files(
            wanted.picture,
            wanted.video,
            max_picture_bytes=self._max_picture_bytes,
            max_video_bytes=self._max_video_bytes,
        )
        check_wishes(wanted.wishes)
        adults_only = is_age_restricted(interaction.channel)
        check_words(wanted.wishes.prompt, age_restricted=adults_only)
        if wanted.parent is not None and wanted.wishes.adult and not adults_only:
            raise OrderRefused("adults_elsewhere")
        if wanted.wishes.adult is not adults_only:
            wanted = replace(wanted, wishes=replace(wanted.wishes, adult=adults_only))
        wish = wish_of(interaction, wanted.wishes)
        if self._studio.server(wish.guild_id).covers(wish.channel_id):
            wanted = replace(wanted, wishes=replace(wanted.wishes, spoiler=True))
        return wanted, wish

    async def _answer_and_record(
        self, interaction: Interaction, wanted: Wanted, petition: Petition | None
    ) -> None:
        petition_id = petition.id if petition else None
        order = self._order(interaction, wanted)
        self._studio.register.promise(order, petition_id=petition_id)
        started = self._start_recording(interaction, order, petition)
        try:
            answer_id = await answer(interaction, self._first_answer(interaction, order.member))
        except CALL_ERRORS as error:
            failure = await _failure(started)
            if verdict(error) is not Verdict.UNAVAILABLE:
                await self._studio.abandon(order.job_id)
                raise
            if failure is not None:
                raise failure from error
            # It may have arrived: the studio looks for it later. A second answer could be taken for it.
            log.warning("answer_uncertain", job_id=order.job_id, error=str(error))
            return
        passing("animate.answered")
        failure = await _failure(started)
        if failure is not None:
            await self._take_back(interaction, order, failure, wanted)
            return
        passing("animate.recorded")
        await self._studio.acknowledged(order.job_id, answer_id=answer_id)

    async def _take_back(
        self, interaction: Interaction, order: Order, failure: BaseException, wanted: Wanted
    ) -> None:
        """The answer is out, but the order could not be recorded: the answer must not promise a clip."""
        error = failure if isinstance(failure, StudioError) else StudioError()
        log.warning("order_not_recorded", interaction_id=interaction.id, error=error.code)
        with speaking(self._in_public(interaction)):
            text = withdrawn_answer(order.member, error.sentence)
        await interaction.edit_original_response(content=text)
        passing("taking.withdrawn")
        self._studio.register.withdrawn(order.job_id)
        if isinstance(failure, LimitReached) and self._way_on(interaction, failure):
            await self._refuse(interaction, failure, wanted)
        if not isinstance(failure, StudioError):
            raise failure

    def _start_recording(
        self, interaction: Interaction, order: Order, petition: Petition | None
    ) -> asyncio.Future[asyncio.Task[None]]:
        """Have the order recorded as soon as the loop has done what it is at now."""
        loop = asyncio.get_running_loop()
        started: asyncio.Future[asyncio.Task[None]] = loop.create_future()

        def start() -> None:
            started.set_result(loop.create_task(self._record(interaction, order, petition)))

        # Nothing stands before the first REST call: below Python 3.12, aiohttp writes it in a task of its
        # own, which waits in the loop's line; what stands in line for the second time comes behind it.
        loop.call_soon(loop.call_soon, start)
        return started

    async def _record(self, interaction: Interaction, order: Order, petition: Petition | None) -> None:
        if petition is not None and self._agrees(petition):
            await self._agree(interaction)
        await self._studio.register.take(order, petition_id=petition.id if petition else None)

    def _order(self, interaction: Interaction, wanted: Wanted) -> Order:
        guild_id, channel_id = interaction.guild_id, interaction.channel_id
        assert guild_id is not None
        assert channel_id is not None
        now = self._studio.now()
        return Order(
            job_id=self._studio.new_job_id(now),
            member=member_of(interaction),
            place=Place(
                guild_id=guild_id,
                channel_id=channel_id,
                interaction_token=interaction.token,
            ),
            picture=wanted.picture,
            video=wanted.video,
            wishes=wanted.wishes,
            ordered_at=now,
            overruled=wanted.overruled,
            parent=wanted.parent,
        )

    def _first_answer(self, interaction: Interaction, member: Member) -> str:
        language = self._in_public(interaction)
        if language is spoken():
            # As nearly always; to change it takes as long as the text itself.
            return first_answer(member)
        with speaking(language):
            return first_answer(member)

    def _in_public(self, interaction: Interaction) -> Language:
        """For what everybody reads."""
        server = self._studio.server(interaction.guild_id or 0)
        return of_server(interaction, server.policy.language)

    def _agrees(self, petition: Petition) -> bool:
        """Whether the press is a word on what members are asked now, not on what they were asked once."""
        return petition.wants is Want.CONSENT and petition.agrees_to == self._studio.consent_version

    async def _agree(self, interaction: Interaction) -> None:
        await asyncio.sleep(0)
        assert interaction.guild_id is not None
        await self._studio.agree(interaction.guild_id, interaction.user.id)

    # ── refusing ────────────────────────────────────────────────────────────────────────────────

    def _way_on(self, interaction: Interaction, refusal: OrderRefused) -> Want | None:
        """What the member can press for, in spite of the refusal."""
        if isinstance(refusal, ConsentNeeded):
            return Want.CONSENT
        assert interaction.guild_id is not None
        asks = isinstance(refusal, LimitReached) and refusal.can_ask
        return Want.MODERATOR if asks and self._studio.asks_moderators(interaction.guild_id) else None

    async def _refuse(
        self,
        interaction: Interaction,
        refusal: OrderRefused,
        wanted: Wanted,
        pressed: Petition | None = None,
    ) -> None:
        """Say so privately; where there is a way on, with a button that needs no attaching again."""
        want = self._way_on(interaction, refusal)
        if want is None:
            raise refusal
        assert interaction.guild_id is not None
        now = self._studio.now()
        petition = Petition(
            id=self._studio.new_job_id(now),
            at=now,
            guild_id=interaction.guild_id,
            member_id=interaction.user.id,
            wants=want,
            wanted=wanted if want is Want.CONSENT else replace(wanted, overruled=True),
            agrees_to=self._studio.consent_version if want is Want.CONSENT else None,
        )
        # The same question with other words takes the earlier one's place: both would make two clips.
        asked = pressed.id if pressed is not None and pressed.wants is want is Want.CONSENT else None
        send = (
            interaction.followup.send if interaction.response.is_done() else interaction.response.send_message
        )
        view = way_on(want, petition.id)
        await self.storing.beside(
            petition.id,
            send(refusal.sentence, view=view, ephemeral=True),
            self._studio.keep(petition, instead_of=asked),
        )


async def _failure(started: asyncio.Future[asyncio.Task[None]]) -> BaseException | None:
    """Wait until the order is recorded; return what kept it from being so."""
    recording = await started
    await asyncio.wait((recording,))
    return recording.exception()


def wish_of(interaction: Interaction, wishes: Wishes) -> Wish:
    """What the rules of the server are asked about."""
    channel, channel_id = interaction.channel, interaction.channel_id
    assert interaction.guild_id is not None
    assert channel_id is not None
    return Wish(
        guild_id=interaction.guild_id,
        # A thread may do what its channel may.
        channel_id=channel.parent_id if isinstance(channel, discord.Thread) else channel_id,
        member_id=interaction.user.id,
        role_ids=lambda: _role_ids(interaction),
        texts=(wishes.prompt, wishes.negative_prompt),
    )


def member_of(interaction: Interaction) -> Member:
    """Who interacts, with their roles."""
    return Member(interaction.user.id, interaction.user.display_name, _role_ids(interaction))


def _role_ids(interaction: Interaction) -> tuple[int, ...]:
    """The member's roles, without the server's own (@everyone)."""
    # Not `.roles`, which looks each one up and sorts them: the answer waits for this.
    return tuple(interaction.user._roles) if isinstance(interaction.user, discord.Member) else ()
