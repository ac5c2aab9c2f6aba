"""One poller for all renders: reads the provider's list and wakes the jobs that have news."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from studio.acceptance import tell_operator
from studio.database import jobs
from studio.equipment import Equipment, patience
from studio.errors import OperatorMustAct, ProviderError
from studio.models import JobState
from studio.ports import Dispatcher, RemoteState

log = structlog.get_logger(__name__)

BEFORE_THE_END, AFTER_THE_END = timedelta(seconds=10), timedelta(seconds=180)
NEAR_INTERVAL_SECONDS = 5.0
SINGLE_LOOKS = 10
"""How many renders are asked after by themselves in one round, while the list cannot be read."""

FINISHED = frozenset({RemoteState.COMPLETED, RemoteState.FAILED, RemoteState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Render:
    """What the poller needs of a job: there may be ten thousand."""

    job_id: str
    provider_job_id: str
    submitted_at: datetime
    expected_at: datetime | None

    def is_near_its_end(self, now: datetime) -> bool:
        end = self.expected_at
        return end is None or end - BEFORE_THE_END <= now <= end + AFTER_THE_END


class Poller:
    """Asks as often as the jobs that are due need it, and not at all while nothing renders."""

    def __init__(self, equipment: Equipment, dispatcher: Dispatcher) -> None:
        self._equipment = equipment
        self._dispatcher = dispatcher
        self._asked_at: dict[str, datetime] = {}
        self._refusals = 0
        self._resting_since: datetime | None = None

    async def run(self) -> None:
        """Poll until cancelled."""
        base = self._equipment.terms.poll_interval_seconds
        while True:
            await asyncio.sleep(min(base, NEAR_INTERVAL_SECONDS) / 2)
            await self.poll()

    async def poll(self) -> None:
        """One look at the list, if any render is due for one."""
        now = self._equipment.clock()
        renders = {render.provider_job_id: render for render in await self._renders()}
        due = [render_id for render_id, render in renders.items() if self._is_due(render, now)]
        if not due or self._rests(now):
            return
        asked = list(renders)
        try:
            news = await self._news_of(set(renders))
            self._refusals, self._resting_since = 0, None
        except OperatorMustAct as error:
            # Every other call would be refused as well: this one goes on asking, ever more seldom.
            self._refusals, self._resting_since = self._refusals + 1, now
            await self._unreadable(error)
            return
        except ProviderError as error:
            await self._unreadable(error)
            # Then those that are due are asked after by themselves, who has waited longest first.
            due.sort(key=lambda render_id: self._asked_at.get(render_id, renders[render_id].submitted_at))
            asked = due[:SINGLE_LOOKS]
            news = set(asked)
        # Only what is still rendering is remembered.
        self._asked_at = {key: at for key, at in self._asked_at.items() if key in renders}
        self._asked_at |= dict.fromkeys(asked, now)
        for render_id in news:
            self._dispatcher.wake(renders[render_id].job_id)

    async def _unreadable(self, error: ProviderError) -> None:
        log.warning("list_unreadable", reason=error.quotable)
        await tell_operator(self._equipment, error)

    def _rests(self, now: datetime) -> bool:
        """Whether it is too soon to ask again after refusals that only the operator can mend."""
        if self._resting_since is None:
            return False
        base, longest = (
            self._equipment.terms.poll_interval_seconds,
            self._equipment.terms.waits.longest_probe,
        )
        rest = patience(self._refusals - 1, first=base, longest=max(base, longest))
        return abs((now - self._resting_since).total_seconds()) < rest

    async def _renders(self) -> list[Render]:
        query = select(jobs.c.id, jobs.c.provider_job_id, jobs.c.submitted_at, jobs.c.expected_at).where(
            jobs.c.closed_at.is_(None),
            jobs.c.state == JobState.RENDERING,
            jobs.c.provider_job_id.is_not(None),
            jobs.c.submitted_at.is_not(None),
        )
        async with self._equipment.database.read() as connection:
            return [Render(*row) for row in await connection.execute(query)]

    async def _news_of(self, wanted: set[str]) -> set[str]:
        """Which of our renders the list calls finished, or does not show at all."""
        unseen, finished = set(wanted), set()
        async for listing in self._equipment.provider.recent():
            if listing.provider_job_id in unseen:
                unseen.discard(listing.provider_job_id)
                if listing.state in FINISHED:
                    finished.add(listing.provider_job_id)
            if not unseen:
                break
        return finished | unseen

    def _is_due(self, render: Render, now: datetime) -> bool:
        base = self._equipment.terms.poll_interval_seconds
        # Where webhooks tell of every end, the poller only catches what they miss.
        hurry = self._equipment.terms.webhook_address is None and render.is_near_its_end(now)
        interval = min(base, NEAR_INTERVAL_SECONDS) if hurry else base
        asked_at = self._asked_at.get(render.provider_job_id, render.submitted_at)
        # A clock that was set back must not silence the poller.
        return abs((now - asked_at).total_seconds()) >= interval
