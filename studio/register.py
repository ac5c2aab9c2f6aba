"""How an accepted order gets into the database: noted before its answer, recorded beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.census import Census
from studio.crashpoints import passing
from studio.equipment import Equipment, Terms, because
from studio.errors import OrderRefused
from studio.journal import Journal
from studio.models import Job, JobState, Order
from studio.moderation import approvals, petitions
from studio.motions import shelf
from studio.sharing import admission, quotas, servers
from studio.sharing.servers import Server
from studio.wishing import habits, picks

log = structlog.get_logger(__name__)


class Register:
    """Takes orders down, so that none is lost between its answer and its row.

    `petition_id` is the press that an order came by, which counts once.
    """

    def __init__(self, equipment: Equipment, census: Census, journal: Journal) -> None:
        self._equipment = equipment
        self._census = census
        self._journal = journal

    def promise(self, order: Order, *, petition_id: str | None = None) -> None:
        """Note the order before it is answered, so that it outlives this process. Raises `OrderRefused`.

        Rather none than one that may get lost: where nothing can be written, its files could not be either.
        """
        try:
            self._journal.note(order, petition_id)
        except OSError as error:
            log.warning("order_not_noted", error=error.strerror)
            raise OrderRefused("order_not_noted") from error
        passing("register.promised")

    async def take(self, order: Order, *, petition_id: str | None = None) -> None:
        """Record the order; it rests until it is acknowledged. Raises `OrderRefused`.

        It is counted, and the least that it can cost is on hold.
        """
        try:
            await self.record(order, petition_id)
        except (OrderRefused, SQLAlchemyError) as error:
            self._journal.refused(order.job_id)
            passing("register.refused")
            if isinstance(error, OrderRefused):
                raise
            raise OrderRefused("database_busy") from error
        passing("register.recorded")
        self._journal.recorded(order.job_id)

    def withdrawn(self, job_id: str) -> None:
        """Nobody is promised a clip by the answer to this order any more."""
        self._journal.withdrawn(job_id)

    async def record(self, order: Order, petition_id: str | None) -> None:
        """The same for an order that is not in this process's journal; raises SQLAlchemyError as well."""
        async with self._census.recording(order), self._equipment.database.write() as connection:
            if petition_id is not None and not await petitions.use(
                connection, petition_id, order.job_id, order.ordered_at
            ):
                raise OrderRefused("petition_over")
            await self._record(connection, order)

    async def _record(self, connection: AsyncConnection, order: Order) -> None:
        terms = self._equipment.terms
        guild_id, member, now = order.place.guild_id, order.member, order.ordered_at
        await jobs.hold_server(connection, guild_id)
        server = await servers.read_rules(connection, guild_id)
        in_server, of_member = await jobs.count_unended(connection, guild_id=guild_id, member_id=member.id)
        check_unfinished(terms, server, lambda: member.role_ids, in_server=in_server, of_member=of_member)
        if order.video.motion_id is not None and not await shelf.use(connection, order):
            raise OrderRefused("motion_gone")
        if order.overruled:
            await approvals.ask_over_limit(connection, order)
        allowances = server.policy.allowances_of((*member.role_ids, guild_id))
        order = replace(order, priority=quotas.priority(allowances))
        asked, order = order, await habits.apply(connection, order)
        await jobs.insert(connection, order)
        await admission.hold(
            connection,
            Job(order=order, state=JobState.RECEIVED, version=0, state_since=now),
            terms.least_usd_micros,
            now=now,
            because=because("ordered"),
            budget=terms.monthly_budget_usd_micros,
            clips=1,
            server=server,
        )
        await habits.remember(connection, asked)
        await picks.use(connection, order)


def check_unfinished(
    terms: Terms,
    server: Server,
    role_ids: Callable[[], tuple[int, ...]],
    *,
    in_server: int,
    of_member: int,
) -> None:
    """Raise `OrderRefused` when the member or the server has as many unfinished clips as it may have."""
    most = terms.max_jobs_per_member
    if server.policy.allowances:
        most = quotas.at_once(server.policy.allowances_of((*role_ids(), server.guild_id)), most)
    if of_member >= most:
        raise OrderRefused("too_many_jobs_member", limit=most)
    if in_server >= terms.max_jobs_per_server:
        raise OrderRefused("too_many_jobs_server", limit=terms.max_jobs_per_server)
