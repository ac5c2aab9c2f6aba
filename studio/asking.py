"""The step of a job that waits for a yes: asks the member and the moderators, and follows their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from media.errors import MediaRefused
from studio import jobs
from studio.answers import show_answers
from studio.crashpoints import passing
from studio.display import Display
from studio.endings import end, end_within
from studio.equipment import Equipment, Moved, Outcome, Wait
from studio.errors import ClipTooLarge, DeskGone, DeskUnavailable
from studio.models import Ending, Job, JobState
from studio.moderation import approvals, audit
from studio.moderation.questions import NOWHERE, TO_CONFIRM, Exhibit, Kind, Question, Standing, needed
from studio.sharing import servers
from studio.sharing.policy import Policy
from studio.sharing.servers import Server
from studio.texts import moment

log = structlog.get_logger(__name__)

LOOK_SECONDS = 3600.0
"""How often a waiting job looks whether its question still stands where it was asked."""

UNREACHABLE_SECONDS = 300.0
"""How soon a moderators' channel that cannot be reached is tried again."""

MOST_PICTURE_BYTES = 3_000_000
"""A larger picture is shown as its thumbnail, so that there is room for the video."""

FIT_SHARE = 0.95

_EXPIRED = {Kind.PRICE: "price_expired", Kind.MODERATORS: "approval_expired"}


async def ask_first(connection: AsyncConnection, job: Job, policy: Policy, price: int, now: datetime) -> bool:
    """Store what has to be asked about the job at this price; whether anything has, by us or by others."""
    found = None if job.inputs is None else job.inputs.found
    await approvals.put(connection, needed(policy, job.order, price, now, found=found))
    questions = await approvals.of_job(connection, job.id)
    return any(question.state is not Standing.APPROVED for question in questions)


class Asking:
    """The step for `pending_approval`, and what becomes of its messages when a job ends."""

    def __init__(self, equipment: Equipment, display: Display) -> None:
        self._equipment = equipment
        self._display = display

    async def look(self, job: Job) -> Outcome:
        """Ask what is to be asked next, or go on when everything was answered."""
        now = self._equipment.clock()
        async with self._equipment.database.read() as connection:
            server = await servers.read(connection, job.place.guild_id, now)
            questions = await approvals.of_job(connection, job.id)
        block = server.block_of(job.order.member.id, now)
        if block is not None:
            facts: dict[str, Any] = {} if block.until is None else {"when": moment(block.until)}
            return await end(self._equipment, job, JobState.REFUSED, "member_blocked", **facts)
        await show_answers(self._equipment, job, questions)
        for question in questions:
            match question.state:
                case Standing.APPROVED:
                    continue
                case Standing.DENIED:
                    return await self._denied(job, question)
                case _ if now >= question.expires_at:
                    return await self._expire(job, question)
                case _:
                    return await self._put(job, question, server)
        async with self._equipment.database.write() as connection:
            return Moved(await jobs.move(connection, job, JobState.QUEUED, now=self._equipment.clock()))

    async def conclude(self, job: Job) -> None:
        """Take back what was not answered before the job ended. Raises `DeskUnavailable`."""
        now = self._equipment.clock()
        async with self._equipment.database.read() as connection:
            questions = await approvals.of_job(connection, job.id)
        if not questions:
            return
        async with self._equipment.database.write() as connection:
            for question in questions:
                await approvals.decide(connection, job.id, question.kind, Standing.WITHDRAWN, now=now)
            questions = await approvals.of_job(connection, job.id)
        if not await show_answers(self._equipment, job, questions):
            raise DeskUnavailable

    # ── asking ──────────────────────────────────────────────────────────────────────────────────

    async def _put(self, job: Job, question: Question, server: Server) -> Outcome:
        addressed = _addressed(job, question, server)
        try:
            if not await self._stands(question, server):
                question = await self._ask(job, addressed, server)
                self._display.changed(job.id)
        except DeskGone:
            return await self._out_of_reach(job, question, addressed)
        except DeskUnavailable as error:
            return Wait(error.retry_after, tried=True)
        left = (question.expires_at - self._equipment.clock()).total_seconds()
        return Wait(min(LOOK_SECONDS, max(0.0, left) + 0.05))

    async def _stands(self, question: Question, server: Server) -> bool:
        """Whether the question still is where it has to be."""
        if question.message_id is None:
            return False
        moved = question.kind is Kind.MODERATORS and question.channel_id != server.policy.approval.channel_id
        return not moved and await self._equipment.desk.still_asks(question)

    async def _ask(self, job: Job, question: Question, server: Server) -> Question:
        """Post the question and note where. Raises `DeskError`."""
        now = self._equipment.clock()
        if question.message_id is None:
            # Asked anew where the first message is gone, it gives nobody more time.
            time = timedelta(days=server.policy.approval.days)
            expires_at = now + (TO_CONFIRM if question.kind is Kind.PRICE else time)
            question = replace(question, expires_at=expires_at)
        if question.kind is Kind.PRICE:
            message_id = await self._equipment.desk.ask_member(job, question)
        else:
            message_id = await self._ask_moderators(job, question)
        passing("asking.posted")
        async with self._equipment.database.write() as connection:
            question = replace(question, message_id=message_id)
            await approvals.posted(connection, question, now)
        passing("asking.posted_recorded")
        return question

    async def _ask_moderators(self, job: Job, question: Question) -> int:
        if question.channel_id is None:
            raise DeskGone
        equipment, member = self._equipment, job.order.member
        async with equipment.database.read() as connection:
            history = await approvals.history_of(connection, guild_id=job.place.guild_id, member_id=member.id)
        assert job.inputs is not None
        async with self._picture(job) as picture, equipment.storage.checkout(job.inputs.video_key) as video:
            exhibit = Exhibit(history=history, picture=picture, video=video)
            try:
                return await equipment.desk.ask_moderators(job, question, exhibit)
            except ClipTooLarge as error:
                limit = int(error.limit * FIT_SHARE) - MOST_PICTURE_BYTES
            async with equipment.storage.workspace() as folder:
                fitted = folder / "fitted.mp4"
                try:
                    await equipment.workshop.fit_clip(video, fitted, max_bytes=limit)
                    return await equipment.desk.ask_moderators(job, question, replace(exhibit, video=fitted))
                except (MediaRefused, ClipTooLarge) as error:
                    log.warning("request_without_video", job_id=job.id, error=str(error))
            async with equipment.storage.checkout(job.inputs.video_thumbnail_key) as still:
                return await equipment.desk.ask_moderators(job, question, replace(exhibit, video=still))

    @asynccontextmanager
    async def _picture(self, job: Job) -> AsyncIterator[Path]:
        """The prepared picture, or its thumbnail where that would leave too little room."""
        assert job.inputs is not None
        storage = self._equipment.storage
        async with storage.checkout(job.inputs.picture_key) as picture:
            if (await asyncio.to_thread(picture.stat)).st_size <= MOST_PICTURE_BYTES:
                yield picture
                return
        async with storage.checkout(job.inputs.picture_thumbnail_key) as small:
            yield small

    async def _out_of_reach(self, job: Job, before: Question, addressed: Question) -> Outcome:
        """Nobody can be asked there: those who can mend it are told once, and it is tried again."""
        log.warning("question_not_asked", job_id=job.id, kind=before.kind, channel_id=addressed.channel_id)
        if before.kind is Kind.PRICE:
            # Where the member cannot be asked, they would not see the clip either.
            return await self._expire(job, before)
        now = self._equipment.clock()
        tried = replace(addressed, channel_id=addressed.channel_id or NOWHERE, message_id=None)
        if replace(before, expires_at=tried.expires_at) != tried:
            async with self._equipment.database.write() as connection:
                await approvals.posted(connection, tried, now)
                if addressed.channel_id is None:
                    entry = _entry(job, "approvals_nowhere", now)
                else:
                    channel = f"<#{addressed.channel_id}>"
                    entry = _entry(job, "approvals_unreachable", now, subject=channel)
                await audit.add(connection, entry)
            self._display.changed(job.id)
        return Wait(UNREACHABLE_SECONDS)

    # ── answers ─────────────────────────────────────────────────────────────────────────────────

    async def _denied(self, job: Job, question: Question) -> Outcome:
        if question.kind is Kind.PRICE:
            return await end(self._equipment, job, JobState.CANCELLED, "price_declined")
        facts: dict[str, Any] = {"reason": question.reason} if question.reason else {}
        return await end(self._equipment, job, JobState.REFUSED, "approval_denied", **facts)

    async def _expire(self, job: Job, question: Question) -> Outcome:
        now, code = self._equipment.clock(), _EXPIRED[question.kind]
        async with self._equipment.database.write() as connection:
            if not await approvals.decide(connection, job.id, question.kind, Standing.EXPIRED, now=now):
                # Answered at the last moment.
                return Wait(0.0)
            await audit.add(connection, _entry(job, code, now))
            return await end_within(connection, job, JobState.EXPIRED, Ending(code), now=now)


def _addressed(job: Job, question: Question, server: Server) -> Question:
    if question.kind is Kind.PRICE:
        return replace(question, channel_id=job.place.talk_id)
    return replace(question, channel_id=server.policy.approval.channel_id)


def _entry(job: Job, action: str, now: datetime, subject: str | None = None) -> audit.Entry:
    return audit.Entry(
        at=now,
        guild_id=job.place.guild_id,
        actor_id=None,
        action=action,
        subject=f"<@{job.order.member.id}>" if subject is None else subject,
        job_id=job.id,
    )
