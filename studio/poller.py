"""One poller for all renders: reads the provider's list and wakes the jobs that have news."""

from __future__ import annotations

import asyncio
import math
import random
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import overviews
from studio.acceptance import tell_operator
from studio.equipment import Equipment, patience
from studio.errors import OperatorMustAct, ProviderError
from studio.fingerprints import Fingerprints
from studio.ports import Dispatcher, RemoteState

log = structlog.get_logger(__name__)

BEFORE_THE_END, AFTER_THE_END = timedelta(seconds=10), timedelta(seconds=180)
NEAR_INTERVAL_SECONDS = 5.0
FINISHED = frozenset({RemoteState.COMPLETED, RemoteState.FAILED, RemoteState.CANCELLED})

CROWD, CROWD_RESTS = 100, 1.4
"""So many renders share the price of a list: it rests 1.4 near intervals (7 s) for each of its pages then."""

PAGE = 100
"""How many lines the provider gives in one answer."""

OVERDUE_INTERVALS = 2
"""So many intervals after its expected end a render that no webhook has told of is looked for …"""

LONGEST_INTERVALS = 20
"""… and so many after its order whatever the provider expects: its member waits for the news. Nor does the
list rest for longer while any render is overdue."""

REST_FOR_EACH_SECONDS = 0.003
"""How long the list rests for each line that was read of it: what it costs stays a small share of a core."""

LISTED_BEFORE = timedelta(hours=1)
"""How much older than our oldest render a line of the list must be to end a list that runs newest first: the
provider's clock is another one, and what was adopted had been ordered before we knew."""

SINGLE_LOOKS = 10
"""How many renders are asked after by themselves in one round, because the list says nothing of them."""


class Poller:
    """Asks as often as the renders that are due need it, and not at all while nothing renders."""

    def __init__(self, equipment: Equipment, dispatcher: Dispatcher) -> None:
        self._equipment = equipment
        self._dispatcher = dispatcher
        self._asked_at: datetime | None = None
        self._lines_read = 0
        self._renders = 0
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
        if self._rests(now) or not await self._is_due(now):
            return
        unseen = Fingerprints()
        async with self._equipment.database.read() as connection:
            async for piece in overviews.renders(connection):
                unseen.update(render_id for render_id, _ in piece)
            oldest = await overviews.oldest_render(connection)
        finished: list[str] = []
        self._renders = len(unseen)
        try:
            finished = await self._read_list(unseen, oldest)
            self._refusals, self._resting_since = 0, None
        except OperatorMustAct as error:
            # Every other call would be refused as well: this one goes on asking, ever more seldom.
            self._refusals, self._resting_since = self._refusals + 1, now
            await self._unreadable(error)
            return
        except ProviderError as error:
            await self._unreadable(error)
        finally:
            self._asked_at = self._equipment.clock()
        async with self._equipment.database.read() as connection:
            for job_id in await overviews.jobs_of(connection, finished):
                self._dispatcher.wake(job_id, news=True)
            for job_id in await _some_of(connection, unseen):
                self._dispatcher.wake(job_id, news=True)

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

    async def _read_list(self, unseen: Fingerprints, oldest: datetime | None) -> list[str]:
        """Take what the list shows out of `unseen`, and return the renders of these that it calls finished.

        `oldest` is when the first of them was ordered.
        """
        finished: list[str] = []
        self._lines_read = 0
        age = _Age(None if oldest is None else oldest - LISTED_BEFORE)
        async for listing in self._equipment.provider.recent():
            self._lines_read += 1
            if unseen.discard(listing.provider_job_id) and listing.state in FINISHED:
                finished.append(listing.provider_job_id)
            is_old = age.is_too_great(listing.created_at)
            # What has been fetched already is read to its end: it shows in which order the list runs.
            if not unseen or (is_old and self._lines_read >= PAGE):
                break
        return finished

    async def _is_due(self, now: datetime) -> bool:
        base = self._equipment.terms.poll_interval_seconds
        near = min(base, NEAR_INTERVAL_SECONDS)
        # A clock that was set back must not silence the poller.
        rested = float("inf") if self._asked_at is None else abs((now - self._asked_at).total_seconds())
        if rested < max(near, self._lines_read * REST_FOR_EACH_SECONDS, near * self._crowding()):
            return False
        if self._equipment.terms.webhook_address is not None:
            return await self._is_overdue(now, rested)
        async with self._equipment.database.read() as connection:
            age = timedelta(seconds=base)
            if rested >= base and await overviews.is_render_due(connection, now, age=age):
                return True
            return await overviews.is_render_due(
                connection,
                now,
                age=timedelta(seconds=near),
                ending=(now - AFTER_THE_END, now + BEFORE_THE_END),
            )

    def _crowding(self) -> float:
        """For how many near intervals the list rests, so that each of many renders costs few requests.

        Few renders may cost more: their members wait for the news. Very many make up for the further pages.
        """
        pages = math.ceil(self._lines_read / PAGE)
        return CROWD_RESTS * pages * min(self._renders / CROWD, CROWD / max(1, self._renders))

    async def _is_overdue(self, now: datetime, rested: float) -> bool:
        """Where webhooks tell of every end, only what they miss is looked for, at ever longer intervals."""
        interval = self._equipment.terms.poll_interval_seconds
        grace, longest = (timedelta(seconds=interval * n) for n in (OVERDUE_INTERVALS, LONGEST_INTERVALS))
        if rested < grace.total_seconds():
            return False
        # Not again before it is overdue for twice as long as at the last look.
        since = now - timedelta(seconds=2 * rested) if rested < longest.total_seconds() else None
        async with self._equipment.database.read() as connection:
            return await overviews.is_render_overdue(
                connection, now, since=since, until=now - grace, longest=longest
            )


async def _some_of(connection: AsyncConnection, unseen: Fingerprints) -> list[str]:
    """The jobs of some of these renders: all would be too many, the same ones would leave the others out."""
    if not unseen:
        return []
    chosen = frozenset(random.sample(range(len(unseen)), min(SINGLE_LOOKS, len(unseen))))
    found: list[str] = []
    number = 0
    async for piece in overviews.renders(connection):
        for render_id, job_id in piece:
            if render_id in unseen:
                if number in chosen:
                    found.append(job_id)
                number += 1
        if len(found) == len(chosen):
            break
    return found


class _Age:
    """Watches whether a list that has run newest first so far has come to what is older than `oldest`."""

    def __init__(self, oldest: datetime | None) -> None:
        self._oldest = oldest
        self._last: datetime | None = None
        self._newest_first = True

    def is_too_great(self, created_at: datetime | None) -> bool:
        if created_at is None or (self._last is not None and created_at > self._last):
            self._newest_first = False
        self._last = created_at
        return (
            self._newest_first
            and self._oldest is not None
            and created_at is not None
            and created_at < self._oldest
        )
