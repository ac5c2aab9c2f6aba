"""What the operator has decided for all servers: pauses, and who may use the bot at all."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from studio import notes

HOUSE_KEY = "house"


class Access(StrEnum):
    """A server's own entry in the operator's list."""

    ALLOWED = "allowed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """`paused`: nothing new is taken or ordered. `draining`: nothing new is taken, what was taken goes on.

    `listed_only`: only servers that are expressly allowed may order.
    """

    paused: bool = False
    draining: bool = False
    listed_only: bool = False

    def admits(self, access: str | None) -> bool:
        return access == Access.ALLOWED or (access is None and not self.listed_only)


async def read(connection: AsyncConnection) -> House:
    return stored(await notes.read(connection, HOUSE_KEY))


def stored(value: str | None) -> House:
    """What its note says."""
    return House() if value is None else House(**json.loads(value))


async def write(connection: AsyncConnection, house: House) -> None:
    """Store it; `studio.sharing.servers.announce` has every process read it anew."""
    await notes.write(connection, HOUSE_KEY, json.dumps(asdict(house)))
