"""One poller for all renders: reads the provider's list and wakes the jobs that have news."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from studio import jobs
from studio.equipment import Equipment
from studio.errors import ProviderError
from studio.models import Job, JobState
from studio.ports import Dispatcher, RemoteState

log = structlog.get_logger(__name__)

NEAR_THE_END = timedelta(seconds=10)
NEAR_INTERVAL_SECONDS = 5.0
FINISHED = frozenset({RemoteState.COMPLETED, RemoteState.FAILED, RemoteState.CANCELLED})


class Poller:
    """Asks as often as the jobs that are due need it, and not at all while nothing renders."""

    def __init__(self, equipment: Equipment, dispatcher: Dispatcher) -> None:
        self._equipment = equipment
        self._dispatcher = dispatcher
        self._asked_at: dict[str, datetime] = {}

    async def run(self) -> None:
        """Poll until cancelled."""
        base = self._equipment.terms.poll_interval_seconds
        while True:
            await asyncio.sleep(min(base, NEAR_INTERVAL_SECONDS) / 2)
            await self.poll()

    async def poll(self) -> None:
        """One look at the list, if any render is due for one."""
        now = self._equipment.clock()
        async with self._equipment.database.read() as connection:
            rendering = await jobs.in_states(connection, [JobState.RENDERING])
        ids = {job.provider_job_id: job.id for job in rendering if job.provider_job_id}
        self._asked_at = {job_id: at for job_id, at in self._asked_at.items() if job_id in ids.values()}
        if not any(self._is_due(job, now) for job in rendering):
            return
        self._asked_at |= dict.fromkeys(ids.values(), now)
        try:
            finished = await self._finished_among(set(ids))
        except ProviderError as error:
            log.warning("list_unreadable", reason=error.reason)
            finished = set(ids)
        for provider_job_id in finished:
            self._dispatcher.wake(ids[provider_job_id])

    async def _finished_among(self, wanted: set[str]) -> set[str]:
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

    def _is_due(self, job: Job, now: datetime) -> bool:
        base = self._equipment.terms.poll_interval_seconds
        near = job.expected_at is None or now >= job.expected_at - NEAR_THE_END
        interval = min(base, NEAR_INTERVAL_SECONDS) if near else base
        asked_at = self._asked_at.get(job.id, job.submitted_at or job.state_since)
        # A clock that was set back must not silence the poller.
        return abs((now - asked_at).total_seconds()) >= interval
