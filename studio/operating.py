"""The operator's switches and figures, each change recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio import resuming
from studio.equipment import Equipment
from studio.errors import OperatorProblem
from studio.moderation import audit
from studio.moderation.audit import Entry
from studio.sharing import house, servers, spending
from studio.sharing.house import House
from studio.sharing.servers import Servers
from studio.sharing.spending import Overview

EVERYWHERE = 0
"""The server of records that concern all of them."""


class Operating:
    """What `/operator` does. Changes apply here at once, in other processes within seconds."""

    def __init__(self, equipment: Equipment, known: Servers) -> None:
        self._equipment = equipment
        self._servers = known

    async def overview(self) -> Overview:
        async with self._equipment.database.read() as connection:
            return await spending.overview(
                connection,
                self._equipment.clock(),
                budget=self._equipment.terms.monthly_budget_usd_micros,
            )

    async def change_house(self, actor_id: int, action: str, change: Callable[[House], House]) -> None:
        """Turn one of the switches that concern all servers."""
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            # Its note is locked first, so that two changes at once are both made.
            await servers.announce(connection)
            await house.write(connection, change(await house.read(connection)))
            entry = Entry(at=now, guild_id=EVERYWHERE, actor_id=actor_id, action=action)
            await audit.add(connection, entry)
        await self._servers.refresh(now)

    async def resume(self, actor_id: int) -> None:
        """End every pause: the operator's own ones, and those that the provider's refusals made."""
        await self.change_house(actor_id, "house_resumed", lambda old: House(listed_only=old.listed_only))
        await resuming.resume(self._equipment.database, now=self._equipment.clock())
        for problem in OperatorProblem:
            await self._equipment.operator.clear(f"provider: {problem}")

    async def change_server(self, guild_id: int, actor_id: int, action: str, **columns: Any) -> None:
        """Write what the operator decides for one server: `name`, `cap_usd_micros` or `access`."""
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            server = await servers.read(connection, guild_id, now)
            await servers.change(connection, server, **columns)
            entry = Entry(at=now, guild_id=guild_id, actor_id=actor_id, action=action, details=columns)
            await audit.add(connection, entry)
        await self._servers.refresh(now)
