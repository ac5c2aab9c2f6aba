"""The studio as the cogs see it: taking orders, cancelling them, and asking after them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from studio import doorbell, jobs, ledger
from studio.census import Census
from studio.crashpoints import passing
from studio.equipment import Equipment
from studio.errors import OrderRefused
from studio.ledger import Because
from studio.models import Cancel, CancelAnswer, Ending, Job, Order
from studio.ports import Dispatcher

log = structlog.get_logger(__name__)


class Studio:
    """The one door for members' wishes. Every method is short: the work itself is done elsewhere."""

    def __init__(
        self,
        equipment: Equipment,
        dispatcher: Dispatcher,
        *,
        census: Census,
        new_job_id: Callable[[datetime], str],
    ) -> None:
        self._equipment = equipment
        self._census = census
        self._dispatcher = dispatcher
        self._new_job_id = new_job_id
        self.accepting = True

    def now(self) -> datetime:
        return self._equipment.clock()

    def new_job_id(self) -> str:
        return self._new_job_id(self.now())

    async def admit(self, *, guild_id: int, member_id: int) -> None:
        """Decide before the answer, from memory alone. Raises `OrderRefused`."""
        if not self.accepting:
            raise OrderRefused("shutting_down")
        self._check_limits(
            in_server=self._census.of_server(guild_id), of_member=self._census.of_member(guild_id, member_id)
        )

    async def take(self, order: Order) -> None:
        """Record the order; it rests until it is acknowledged. Raises `OrderRefused`."""
        try:
            async with self._census.recording(order), self._equipment.database.write() as connection:
                await jobs.hold_server(connection, order.place.guild_id)
                in_server, of_member = await jobs.count_unended(
                    connection, guild_id=order.place.guild_id, member_id=order.member.id
                )
                self._check_limits(in_server=in_server, of_member=of_member)
                await jobs.insert(connection, order)
            passing("front.order_recorded")
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error

    async def acknowledged(self, job_id: str, *, answer_id: int) -> None:
        """The member has seen the answer with this id: the work may begin."""
        try:
            async with self._equipment.database.write() as connection:
                await jobs.note_answer(connection, job_id, answer_id)
            passing("front.answer_noted")
        except SQLAlchemyError as error:
            # The order stands: its answer is found by the interaction's token when the database is back.
            log.warning("answer_not_noted", job_id=job_id, error=type(error).__name__)
        self._dispatcher.wake(job_id)

    async def abandon(self, job_id: str) -> None:
        """The answer never reached the member: there is no order, and nothing was charged."""
        now = self.now()
        async with self._equipment.database.write() as connection:
            await jobs.withdraw(connection, job_id, ending=Ending("interrupted"), now=now)
        passing("front.abandoned")
        await self._census.refresh()
        self._dispatcher.wake(job_id)

    async def cancel(self, job_id: str, *, member_id: int, is_moderator: bool) -> CancelAnswer:
        """Cancel if that is possible and the member may; what follows is told in the conversation."""
        job = await self.job(job_id)
        if job is None:
            return CancelAnswer.UNKNOWN
        if member_id != job.order.member.id and not is_moderator:
            return CancelAnswer.NOT_YOURS
        async with self._equipment.database.write() as connection:
            if await jobs.withdraw(connection, job_id, ending=Ending("cancelled"), now=self.now()):
                why = Because(actor=f"member:{member_id}", reason="cancelled")
                await ledger.release(connection, job, now=self.now(), because=why)
                answer = CancelAnswer.CANCELLED
            elif job.cancel is not Cancel.TOO_LATE and await jobs.ask_cancel(connection, job_id):
                answer = CancelAnswer.ASKED
            else:
                answer = CancelAnswer.TOO_LATE
        passing("front.cancel_recorded")
        if answer is CancelAnswer.CANCELLED:
            await self._census.refresh()
        self._dispatcher.wake(job_id)
        return answer

    async def job(self, job_id: str) -> Job | None:
        async with self._equipment.database.read() as connection:
            return await jobs.get(connection, job_id)

    async def ring(self, token: str, provider_job_id: str | None) -> None:
        """The provider's doorbell: have the attempt's job looked at. Unknown tokens change nothing."""
        job_id = await doorbell.answer(self._equipment, token, provider_job_id)
        if job_id is not None:
            self._dispatcher.wake(job_id)

    def _check_limits(self, *, in_server: int, of_member: int) -> None:
        terms = self._equipment.terms
        if of_member >= terms.max_jobs_per_member:
            raise OrderRefused("too_many_jobs_member", limit=terms.max_jobs_per_member)
        if in_server >= terms.max_jobs_per_server:
            raise OrderRefused("too_many_jobs_server", limit=terms.max_jobs_per_server)
