"""Where nothing that waits may be sent to the provider: servers that were paused or left, or all."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

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
    paused = await connection.execute(_PAUSED)
    return Standstill((await house.read(connection)).paused, frozenset(paused.scalars()))


_PAUSED = select(servers.c.guild_id).where(
    # Nobody is left there who could see a clip.
    or_(servers.c.policy["paused"].as_boolean(), servers.c.left_at.is_not(None))
)
