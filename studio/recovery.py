"""What a killed process had promised and not recorded becomes jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import DataError

from studio import jobs
from studio.crashpoints import passing
from studio.equipment import Equipment
from studio.errors import OrderRefused
from studio.journal import TOKEN_LIFE, Intent, Leftover, Shelf
from studio.models import Ending, Order
from studio.ports import Dispatcher

log = structlog.get_logger(__name__)


class Recovery:
    """Takes over the journals of this machine's dead processes, once, at the start.

    `record` is `Register.record`. What it refuses now, and what was refused before the
    end, is recorded all the same, but only for its member to be told: the answer has promised a clip.
    """

    def __init__(
        self,
        equipment: Equipment,
        shelf: Shelf,
        record: Callable[[Order, str | None], Awaitable[None]],
        dispatcher: Dispatcher,
    ) -> None:
        self._database, self._clock = equipment.database, equipment.clock
        self._shelf = shelf
        self._record = record
        self._dispatcher = dispatcher

    async def run(self) -> None:
        """Record what has to be recorded; a journal is deleted when all of it is.

        Raises SQLAlchemyError or OSError; what is left then is found by the next call.
        """
        leftovers = await asyncio.to_thread(self._shelf.left_behind)
        try:
            for leftover in leftovers:
                await self._take_over(leftover)
        finally:
            for leftover in leftovers:
                leftover.release()

    async def _take_over(self, leftover: Leftover) -> None:
        for intent in await asyncio.to_thread(leftover.intents):
            await self._settle(intent)
        passing("recovery.recorded")
        await asyncio.to_thread(leftover.delete)

    async def _settle(self, intent: Intent) -> None:
        order = intent.order
        async with self._database.read() as connection:
            if await jobs.get(connection, order.job_id) is not None:
                return
        if self._clock() - order.ordered_at > TOKEN_LIFE:
            _tell_loss(order, "its answer can no longer be found")
            return
        try:
            ending = await self._recorded(intent)
        except DataError as error:
            # The database will never take it, and the others may not wait for that.
            _tell_loss(order, type(error.orig).__name__)
            return
        log.warning("order_recovered", job_id=order.job_id, refused=ending and ending.code)
        self._dispatcher.wake(order.job_id)

    async def _recorded(self, intent: Intent) -> Ending | None:
        """Record the order; return what its member will be told instead of getting a clip."""
        ending = Ending("interrupted")
        if not intent.refused:
            try:
                await self._record(intent.order, intent.petition_id)
            except OrderRefused as error:
                ending = Ending(error.code, error.facts)
            else:
                return None
        async with self._database.write() as connection:
            await jobs.insert(connection, intent.order, ending=ending)
        return ending


def _tell_loss(order: Order, reason: str) -> None:
    log.error(
        "order_lost",
        job_id=order.job_id,
        reason=reason,
        ordered_at=order.ordered_at.isoformat(),
        guild_id=order.place.guild_id,
        channel_id=order.place.channel_id,
        member_id=order.member.id,
    )
