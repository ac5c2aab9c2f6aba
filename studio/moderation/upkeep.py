"""What safety and privacy have to be reminded of: repeated by the process that leads."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import delete

from studio.equipment import Equipment
from studio.moderation import departures
from studio.moderation.care import Care
from studio.motions import clearing
from studio.sharing.tables import petitions
from studio.wishing import habits, picks

UPKEEP_SECONDS = 60.0

PETITIONS_KEPT = timedelta(days=1)
"""How long what a member was about to order is kept after nothing came of it."""


class Upkeep:
    """Finishes whatever a crash, an outage or a busy moment has left."""

    def __init__(self, equipment: Equipment, care: Care) -> None:
        self._equipment = equipment
        self._care = care

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(UPKEEP_SECONDS)

    async def look(self) -> None:
        await self._care.safety.look_after()
        for member_id in await self._care.forgetting.asked():
            await self._care.forgetting.go_on(member_id)
        await departures.clean(self._equipment)
        await clearing.clear(self._equipment)
        before = self._equipment.clock() - PETITIONS_KEPT
        async with self._equipment.database.write() as connection:
            await connection.execute(delete(petitions).where(petitions.c.at < before))
            await picks.sweep(connection, self._equipment.clock())
            await habits.sweep(connection, self._equipment.clock())
