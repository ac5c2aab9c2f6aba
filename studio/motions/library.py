"""The door to the motion library: choosing one of its motions, and looking at them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from studio.equipment import Equipment
from studio.models import SourceFile
from studio.motions import shelf
from studio.motions.access import looking
from studio.motions.keeping import Keeping
from studio.motions.motion import Motion, folded
from studio.promptly import within

log = structlog.get_logger(__name__)

SUGGESTED = 25
"""As many as Discord shows while somebody types."""

SUGGEST_SECONDS = 1.5
"""Discord waits 3 s for suggestions; a list that comes too late is an error to who types."""


class Library:
    """What members may do; `keeping` is for moderators. Raises `OrderRefused` while the database is away."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self.keeping = Keeping(equipment)

    @property
    def is_for_trials(self) -> bool:
        """Whether clips are only played with, so that a drawn motion is of use."""
        return self._equipment.terms.account == "sandbox"

    async def pick(self, guild_id: int, named: str) -> SourceFile:
        """The motion with this id or name, as an order names it; by one short read."""
        return (await self.motion(guild_id, named)).as_source()

    async def motion(self, guild_id: int, named: str) -> Motion:
        """The motion with this id or name. Raises `OrderRefused` when there is none."""
        async with looking(self._equipment.database) as connection:
            return await shelf.required(connection, guild_id, named)

    async def search(self, guild_id: int, words: str = "") -> list[Motion]:
        """The server's motions whose name or tags have all the words, the most used first."""
        async with looking(self._equipment.database) as connection:
            return _matching(await shelf.all_of(connection, guild_id), words)

    async def suggest(self, guild_id: int, member_id: int, typed: str) -> list[Motion]:
        """What the member may mean: what they used last, then what many use. Never raises."""
        try:
            known = await within(SUGGEST_SECONDS, self._known_to(guild_id, member_id))
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("motions_not_suggested", guild_id=guild_id, error=type(error).__name__)
            return []
        return _matching(known, typed)[:SUGGESTED]

    async def _known_to(self, guild_id: int, member_id: int) -> list[Motion]:
        async with self._equipment.database.read() as connection:
            return await shelf.known_to(connection, guild_id, member_id)

    async def preview(self, motion: Motion) -> bytes | None:
        """The motion's loop (GIF, some 100 kB); None when it cannot be read, which is only logged."""
        try:
            async with self._equipment.storage.checkout(motion.content.preview_key) as path:
                return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            log.warning("preview_unreadable", motion_id=motion.id, error=type(error).__name__)
            return None


def _matching(motions: Sequence[Motion], words: str) -> list[Motion]:
    wanted = folded(words).replace("#", " ").split()
    return [motion for motion in motions if all(_has(motion, word) for word in wanted)]


def _has(motion: Motion, word: str) -> bool:
    return word in folded(motion.name) or any(word in tag for tag in motion.tags) or word == motion.id
