"""Where nothing that waits may be sent to the provider: servers that were paused or left, or all."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import null, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import notes
from studio.sharing import house
from studio.sharing.tables import servers


@dataclass(frozen=True, slots=True)
class Standstill:
    """`everywhere`: the operator paused the house. What is at the provider already goes on."""

    everywhere: bool = False
    guild_ids: frozenset[int] = frozenset()

    def code_of(self, guild_id: int) -> str | None:
        """What the card of a job that waits in the server says, as a text code; None = nothing is paused."""
        if self.everywhere:
            return "waiting_for_house"
        return "waiting_for_moderators" if guild_id in self.guild_ids else None

    def differs_at(self, guild_id: int, other: Standstill) -> bool:
        return self.code_of(guild_id) != other.code_of(guild_id)


async def read(connection: AsyncConnection) -> Standstill:
    """As it is now; pauses end by being taken back, so nobody has to be told."""
    rows = (await connection.execute(_NOW)).all()
    noted = next((value for guild_id, value in rows if guild_id is None), None)
    paused = (guild_id for guild_id, _ in rows if guild_id is not None)
    return Standstill(house.stored(noted).paused, frozenset(paused))


# In one statement, since it is asked for at every turn: the note of the house, and the servers.
_NOW = union_all(
    select(null(), notes.c.value).where(notes.c.key == house.HOUSE_KEY),
    select(servers.c.guild_id, null()).where(
        # Nobody is left there who could see a clip.
        or_(servers.c.policy["paused"].as_boolean(), servers.c.left_at.is_not(None))
    ),
)
