"""The door for those who answer questions about jobs: one answer each, recorded, and the job goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.crashpoints import passing
from studio.database import Database
from studio.errors import OrderRefused
from studio.ids import new_job_id
from studio.models import Job
from studio.moderation import approvals, audit, blocking
from studio.moderation.questions import Kind, Question, Standing
from studio.ports import Clock, Dispatcher
from studio.sharing import servers
from studio.sharing.blocks import Block


class Heard(StrEnum):
    """What an answer led to, for the one who gave it; `heard_<value>` says it."""

    APPROVED = "approved"
    DENIED = "denied"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    BLOCKED = "blocked"
    TOO_LATE = "too_late"
    OVER = "over"
    DEARER = "dearer"
    MEMBER_BLOCKED = "member_blocked"
    NOT_YOURS = "not_yours"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hearing:
    """What became of a press: the question as it stands now, if there is one."""

    heard: Heard
    question: Question | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. `until` (None = for good) belongs to a block.

    `price`: what was to be paid as the message said that was answered, in usd_micros; None where its version
    did not note that.
    """

    guild_id: int
    actor_id: int
    state: Standing
    reason: str = ""
    blocks: bool = False
    until: datetime | None = None
    price: int | None = None


class _Lost(Exception):
    """The answer does not count: nothing of it may be kept."""


class Hearings:
    """Every method raises `OrderRefused("database_busy")` when the answer could not be stored."""

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        clock: Clock,
        new_id: Callable[[datetime], str] = new_job_id,
    ) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._clock = clock
        self._new_id = new_id

    def now(self) -> datetime:
        return self._clock()

    async def answer(self, job_id: str, answer: Answer) -> Hearing:
        """Decide for the moderators; the first of several answers counts."""
        return await self._hear(
            job_id,
            Kind.MODERATORS,
            answer,
            lambda connection: self._answer(connection, job_id, answer),
        )

    async def confirm(
        self,
        job_id: str,
        *,
        guild_id: int,
        member_id: int,
        yes: bool,
        is_moderator: bool,
        price: int | None,
    ) -> Hearing:
        """Say yes or no to the price: its member may, and moderators may say no."""
        says_no = is_moderator and not yes
        answer = Answer(
            guild_id=guild_id,
            actor_id=member_id,
            state=Standing.APPROVED if yes else Standing.DENIED,
            price=price,
        )
        return await self._hear(
            job_id,
            Kind.PRICE,
            answer,
            lambda connection: self._confirm(connection, job_id, answer, says_no),
        )

    async def _hear(
        self, job_id: str, kind: Kind, answer: Answer, decide: Callable[[AsyncConnection], Awaitable[Heard]]
    ) -> Hearing:
        question: Question | None = None
        try:
            try:
                async with self._database.write() as connection:
                    heard = await decide(connection)
            except _Lost:
                heard = Heard.TOO_LATE
            async with self._database.read() as connection:
                for each in await approvals.of_job(connection, job_id):
                    if (each.kind, each.guild_id) == (kind, answer.guild_id):
                        question = each
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error
        passing("hearing.answered")
        self._dispatcher.wake(job_id)
        if heard is Heard.TOO_LATE:
            heard = _too_late(question, answer)
        return Hearing(heard, question)

    async def _confirm(
        self, connection: AsyncConnection, job_id: str, answer: Answer, is_moderator: bool
    ) -> Heard:
        job = await jobs.get(connection, job_id)
        if job is None or job.place.guild_id != answer.guild_id:
            return Heard.UNKNOWN
        if answer.actor_id != job.order.member.id and not is_moderator:
            return Heard.NOT_YOURS
        await self._decide(connection, job_id, Kind.PRICE, answer)
        confirmed = answer.state is Standing.APPROVED
        await self._record(connection, job, answer, "price_confirmed" if confirmed else "price_declined")
        return Heard.CONFIRMED if confirmed else Heard.DECLINED

    async def _answer(self, connection: AsyncConnection, job_id: str, answer: Answer) -> Heard:
        now = self._clock()
        job = await jobs.get(connection, job_id)
        if job is None or job.place.guild_id != answer.guild_id:
            return Heard.UNKNOWN
        server = await servers.read(connection, answer.guild_id, now)
        if answer.state is Standing.APPROVED and server.is_blocked(job.order.member.id, now):
            return Heard.MEMBER_BLOCKED
        await self._decide(connection, job_id, Kind.MODERATORS, answer)
        await self._record(connection, job, answer, f"request_{answer.state}")
        if not answer.blocks:
            return Heard(answer.state.value)
        await self._block(connection, job, answer)
        return Heard.BLOCKED

    async def _decide(self, connection: AsyncConnection, job_id: str, kind: Kind, answer: Answer) -> None:
        """Raises `_Lost`, which rolls everything back: an answer to a job that is over is none."""
        now, by = self._clock(), answer.actor_id
        reason = answer.reason or None
        decided = await approvals.decide(
            connection, job_id, kind, answer.state, now=now, by=by, reason=reason, price=answer.price
        )
        if not decided or not await approvals.rouse(connection, job_id):
            raise _Lost

    async def _block(self, connection: AsyncConnection, job: Job, answer: Answer) -> None:
        """Block the member; what else of theirs waits for an answer looks at once, and ends."""
        now = self._clock()
        new = Block(
            id=self._new_id(now),
            at=now,
            guild_id=answer.guild_id,
            member_id=job.order.member.id,
            until=answer.until,
            actor_id=answer.actor_id,
            reason=answer.reason,
        )
        for each in await blocking.block(connection, new, job_id=job.id):
            # Not before the transaction has ended.
            self._dispatcher.wake(each, after_seconds=1.0)

    async def _record(self, connection: AsyncConnection, job: Job, answer: Answer, action: str) -> None:
        entry = audit.Entry(
            at=self._clock(),
            guild_id=answer.guild_id,
            actor_id=answer.actor_id,
            action=action,
            subject=f"<@{job.order.member.id}>",
            job_id=job.id,
            reason=answer.reason,
            details={"usd_micros": job.held_usd_micros},
        )
        await audit.add(connection, entry)


def _too_late(question: Question | None, answer: Answer) -> Heard:
    """Why the answer did not count."""
    if question is None:
        return Heard.OVER
    if question.state is Standing.OPEN and question.usd_micros != answer.price:
        return Heard.DEARER
    return Heard.OVER if question.decided_by is None else Heard.TOO_LATE
