"""What the provider charged for our attempts besides the orders' own renders: booked to the operator."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import asides, jobs, ledger
from studio.asides import Aside
from studio.attempts import AttemptState
from studio.crashpoints import passing
from studio.equipment import Equipment, because, patience
from studio.errors import ProviderError, RemoteJobUnknown
from studio.models import Job
from studio.ports import RemoteState

log = structlog.get_logger(__name__)

LOOK_SECONDS = 3.0
"""How soon a render that was set aside is looked at; nothing is asked of the provider while there is none."""

LONGEST_PAUSE_SECONDS = 3600.0


class Twins:
    """Finds out what renders beside an order's own cost, and whether that comes back, for a day."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        # Lost with the process: then each is asked after once more, which costs nothing.
        self._next: dict[str, tuple[datetime, int]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Ask the provider after each that is due."""
        now = self._equipment.clock()
        async with self._equipment.database.read() as connection:
            open_ones = await asides.unsettled(connection)
        self._next = {one.token: self._next.get(one.token, (now, 0)) for one in open_ones}
        for aside in open_ones:
            due, looks = self._next[aside.token]
            if now >= due:
                pause = patience(
                    looks, first=self._equipment.terms.waits.late_look, longest=LONGEST_PAUSE_SECONDS
                )
                self._next[aside.token] = (now + timedelta(seconds=pause), looks + 1)
                await self._judge(aside)

    async def _judge(self, aside: Aside) -> None:
        async with self._equipment.database.read() as connection:
            is_own = await asides.is_accepted(connection, aside)
        if is_own:
            await self._settle(aside, "the order's own")
            return
        try:
            remote = (await self._equipment.provider.status(aside.provider_job_id)).state
        except RemoteJobUnknown:
            waits = self._equipment.terms.waits
            patient = waits.missing if aside.state is AttemptState.SET_ASIDE else waits.late
            if self._age(aside) >= patient:
                await self._settle(aside, "not known at the provider")
            return
        except ProviderError as error:
            log.info("twin_unreadable", job_id=aside.job_id, reason=error.reason)
            return
        await self._enter(aside, remote)

    async def _enter(self, aside: Aside, remote: RemoteState) -> None:
        """Bring the books to what the provider says."""
        now, is_new = self._equipment.clock(), aside.state is AttemptState.SET_ASIDE
        refunded = remote in (RemoteState.FAILED, RemoteState.CANCELLED)
        async with self._equipment.database.write() as connection:
            job = await jobs.get(connection, aside.job_id, locked=True)
            if is_new and not (job and await self._book(connection, aside, job)):
                return
            if refunded and await asides.settle(connection, aside, reason="refunded", now=now):
                await ledger.take_back_extra(connection, aside, now=now, because=because("refunded"))
                passing("twins.refunded")
            elif remote is RemoteState.COMPLETED or self._age(aside) >= self._equipment.terms.waits.late:
                await asides.settle(connection, aside, reason="stays charged", now=now)
        about = f"render {aside.provider_job_id} is nobody's"
        if refunded:
            log.info("twin_refunded", job_id=aside.job_id, provider_job_id=aside.provider_job_id)
            await self._equipment.operator.clear(about)
        elif is_new:
            log.warning("twin_booked", job_id=aside.job_id, provider_job_id=aside.provider_job_id)
            await self._equipment.operator.alarm(
                about,
                f"the provider charged it for order {aside.job_id}, besides that order's own render or "
                "instead of it; it is booked to you",
            )

    async def _book(self, connection: AsyncConnection, aside: Aside, job: Job) -> bool:
        """Its price is stated nowhere: it is taken to be that of the order which it doubles, or its estimate.

        False when there is nothing to book, or another hand has decided on it.
        """
        price = job.cost_usd_micros or aside.estimate_usd_micros or job.held_usd_micros
        if not price or not await asides.make_twin(connection, aside):
            return False
        why = because("charged besides", render=aside.provider_job_id)
        await ledger.book_extra(connection, aside, price, now=self._equipment.clock(), because=why)
        passing("twins.booked")
        return True

    async def _settle(self, aside: Aside, reason: str) -> None:
        async with self._equipment.database.write() as connection:
            await asides.settle(connection, aside, reason=reason, now=self._equipment.clock())

    def _age(self, aside: Aside) -> float:
        return (self._equipment.clock() - aside.created_at).total_seconds()
