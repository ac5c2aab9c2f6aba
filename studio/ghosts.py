"""Renders that appear in the list when the search for them is over: found, and set aside as charged."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from studio import attempts, candidates
from studio.attempts import Attempt
from studio.equipment import Equipment, patience
from studio.errors import ProviderError
from studio.ports import RemoteListing

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How soon the first look may be; nothing is asked of the provider while no search has ended in vain."""

LONGEST_PAUSE_SECONDS = 3600.0


class Ghosts:
    """Reads the list for a day after a search that ended in vain, ever more seldom.

    What it finds is booked to the operator by `studio.twins`: the order was sent again, or given up.
    """

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        # Lost with the process: then the list is read once more, which costs nothing.
        self._newest, self._looks = "", 0
        self._looked_at: datetime | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read the list once, if that is due."""
        terms, now = self._equipment.terms, self._equipment.clock()
        async with self._equipment.database.read() as connection:
            lost = await attempts.lost_since(
                connection, terms.account, now - timedelta(seconds=terms.waits.late)
            )
            in_doubt = await attempts.is_in_doubt(connection, terms.account)
        # While a submit is in the air, or unexplained, a render that is nobody's may be its own.
        if not lost or in_doubt or not self._is_due(lost[-1].token, now):
            return
        self._looked_at, self._looks = now, self._looks + 1
        try:
            listed = await candidates.listed_since(
                self._equipment, lost[0].created_at - candidates.UNKNOWN_SKEW
            )
        except ProviderError as error:
            log.info("ghosts_unreadable", reason=error.reason)
            return
        for attempt in lost:
            await self._claim(attempt, listed)

    def _is_due(self, newest: str, now: datetime) -> bool:
        if newest != self._newest:
            self._newest, self._looks, self._looked_at = newest, 0, None
        if self._looked_at is None:
            return True
        pause = patience(
            self._looks, first=self._equipment.terms.waits.late_look, longest=LONGEST_PAUSE_SECONDS
        )
        # A clock that was set back must not silence it.
        return abs((now - self._looked_at).total_seconds()) >= pause

    async def _claim(self, attempt: Attempt, listed: list[RemoteListing]) -> None:
        near = [item for item in listed if candidates.is_near(attempt, item)]
        async with self._equipment.database.write() as connection:
            # In this order: an answer that comes in between makes the render its order's own.
            if await attempts.is_in_doubt(connection, self._equipment.terms.account):
                return
            found = await candidates.among(connection, attempt, near, began=attempt.created_at)
            await attempts.set_aside(connection, attempt, found.likely, now=self._equipment.clock())
        for provider_job_id in found.likely:
            log.warning("ghost_found", job_id=attempt.job_id, provider_job_id=provider_job_id)
