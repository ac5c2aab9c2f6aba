"""How large a file each server takes: what its boosts promise, corrected by what Discord took and refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

from studio.recent import Recent

SAFE_LIMIT = 10 * 1024 * 1024
"""What every server takes (Discord's documentation of 2026-08)."""

WORTH_TRYING = 20 * 1024 * 1024
"""Announced for every server, but not true everywhere yet (`discord.md`, section 3)."""

REMEMBERED_SERVERS = 2000


@dataclass(frozen=True, slots=True)
class Room:
    """One server's room for a file, in bytes: promised by its boosts, taken and refused so far."""

    stated: int
    took: int = 0
    refused: int | None = None

    @property
    def most(self) -> int:
        """Up to what size an upload is worth trying."""
        most = max(self.stated, WORTH_TRYING)
        return most if self.refused is None else min(most, self.refused - 1)

    @property
    def sure(self) -> int:
        """What should be taken; always less than what was refused."""
        for size in (max(self.stated, self.took), self.stated, SAFE_LIMIT):
            if self.refused is None or size < self.refused:
                return size
        assert self.refused is not None
        return self.refused * 3 // 4


class Rooms:
    """What has been learned about the servers, as long as their boosts promise the same."""

    def __init__(self) -> None:
        self._known: Recent[Room] = Recent(REMEMBERED_SERVERS)

    def of(self, guild_id: int, *, stated: int) -> Room:
        known = self._known.get(guild_id)
        return known if known is not None and known.stated == stated else Room(stated)

    def took(self, guild_id: int, room: Room, size: int) -> None:
        self._known[guild_id] = replace(room, took=max(size, room.took))

    def refused(self, guild_id: int, room: Room, size: int) -> Room:
        """Remember it, and return the room that is left."""
        left = replace(room, refused=min(size, room.refused or size))
        self._known[guild_id] = left
        return left
