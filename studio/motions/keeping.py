"""How moderators keep the library: adding, renaming, tagging and removing, each with its record."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.equipment import Equipment
from studio.errors import OrderRefused
from studio.ids import new_job_id
from studio.models import SourceFile
from studio.moderation import audit
from studio.motions import clearing, shelf
from studio.motions.access import changing, looking
from studio.motions.making import Bring, drawn, fetched, make
from studio.motions.motion import LONGEST_NAME, Motion, checked_name, checked_tags

log = structlog.get_logger(__name__)

MOST_MOTIONS = 100
MOST_BYTES = 1_000_000_000

_OTHER_NAMES = 20
"""How many names are tried for a motion that nobody has named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who changes a server's library."""

    guild_id: int
    member_id: int


class Keeping:
    """Every method raises `OrderRefused`; `moderation_busy` while the database is away.

    Motions are named by their ids or names.
    """

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    async def add(self, keeper: Keeper, source: SourceFile, *, name: str, tags: str = "") -> Motion:
        """Fetch the video, make its files, and put it on the shelf.

        Raises `StudioError` of any kind for a video that cannot be fetched or used; nothing is left then.
        """
        return await self._add(keeper, fetched(self._equipment, source), name=name, tags=tags)

    async def add_named(self, keeper: Keeper, source: SourceFile) -> Motion:
        """The same under the name of its file, or a similar one that is free."""
        plain = Path(source.filename).stem.replace("_", " ").replace("-", " ")
        plain = checked_name(plain[: LONGEST_NAME - 3]) if plain.strip() else "motion"
        async with looking(self._equipment.database) as connection:
            for number in itertools.count(2):
                name = plain if number == 2 else f"{plain} {number - 1}"
                if number > _OTHER_NAMES or not await shelf.is_taken(connection, keeper.guild_id, name):
                    break
        return await self.add(keeper, source, name=name)

    async def add_drawn(self, keeper: Keeper, *, name: str, tags: str) -> Motion:
        """Put a drawn motion on the shelf, for those who only try things out."""
        return await self._add(keeper, drawn(self._equipment), name=name, tags=tags)

    async def _add(self, keeper: Keeper, bring: Bring, *, name: str, tags: str) -> Motion:
        """The name is taken first, so that two who add the same do not both wait for the work."""
        name, labels = checked_name(name), checked_tags(tags)
        motion_id = new_job_id(self._equipment.clock())
        await self._reserve(keeper, motion_id, name)
        async with AsyncExitStack() as undone:
            undone.push_async_callback(self._give_up, motion_id)
            made = await make(self._equipment, motion_id, bring)
            async with changing(self._equipment.database) as connection:
                await jobs.hold_server(connection, keeper.guild_id)
                await _check_room(connection, keeper.guild_id, made.size)
                values = {"content": asdict(made.content), "size": made.size, "tags": list(labels)}
                if not await shelf.change(connection, keeper.guild_id, motion_id, **values):
                    raise OrderRefused("motion_gone")
                await audit.add(connection, self._entry(keeper, "motion_added", name))
            undone.pop_all()
        return await self._motion(keeper.guild_id, motion_id)

    async def rename(self, keeper: Keeper, motion_id: str, name: str) -> Motion:
        new = checked_name(name)
        before = await self._motion(keeper.guild_id, motion_id)
        async with changing(self._equipment.database) as connection:
            await jobs.hold_server(connection, keeper.guild_id)
            if await shelf.is_taken(connection, keeper.guild_id, new, but_by=before.id):
                raise OrderRefused("motion_name_taken", name=new)
            await self._change(connection, keeper, before, name=new)
            entry = self._entry(keeper, "motion_renamed", new, before=before.name)
            await audit.add(connection, entry)
        return await self._motion(keeper.guild_id, before.id)

    async def tag(self, keeper: Keeper, motion_id: str, tags: str) -> Motion:
        """Give it these tags in place of those that it has."""
        labels = checked_tags(tags)
        before = await self._motion(keeper.guild_id, motion_id)
        async with changing(self._equipment.database) as connection:
            await self._change(connection, keeper, before, tags=list(labels))
            entry = self._entry(keeper, "motion_tagged", before.name, tags=", ".join(labels) or None)
            await audit.add(connection, entry)
        return await self._motion(keeper.guild_id, before.id)

    async def remove(self, keeper: Keeper, motion_id: str, *, reason: str = "") -> Motion:
        """Take it off the shelf: no new order gets it, and its files go as soon as no old one needs them."""
        motion = await self._motion(keeper.guild_id, motion_id)
        now = self._equipment.clock()
        async with changing(self._equipment.database) as connection:
            await self._change(connection, keeper, motion, removed_at=now)
            await audit.add(connection, self._entry(keeper, "motion_removed", motion.name, reason=reason))
        try:
            await clearing.clear(self._equipment)
        except (SQLAlchemyError, OSError) as error:
            # The process that leads repeats it.
            log.warning("motion_not_cleared", motion_id=motion.id, error=type(error).__name__)
        return motion

    async def _reserve(self, keeper: Keeper, motion_id: str, name: str) -> None:
        async with changing(self._equipment.database) as connection:
            # So that no two count and add at once.
            await jobs.hold_server(connection, keeper.guild_id)
            if await shelf.is_taken(connection, keeper.guild_id, name):
                raise OrderRefused("motion_name_taken", name=name)
            number, _ = await shelf.room_taken(connection, keeper.guild_id)
            if number >= MOST_MOTIONS:
                raise OrderRefused("motions_full", limit=MOST_MOTIONS)
            await shelf.reserve(
                connection,
                motion_id=motion_id,
                guild_id=keeper.guild_id,
                name=name,
                by=keeper.member_id,
                now=self._equipment.clock(),
            )

    async def _give_up(self, motion_id: str) -> None:
        """Have the name free again: at once if possible, else when an hour is over."""
        try:
            await clearing.delete(self._equipment, motion_id)
        except (SQLAlchemyError, OSError) as error:
            log.warning("motion_not_given_up", motion_id=motion_id, error=type(error).__name__)

    async def _change(
        self, connection: AsyncConnection, keeper: Keeper, motion: Motion, **values: object
    ) -> None:
        if not await shelf.change(connection, keeper.guild_id, motion.id, **values):
            raise OrderRefused("motion_unknown", name=motion.name)

    def _entry(
        self, keeper: Keeper, action: str, name: str, *, reason: str = "", **details: str | None
    ) -> audit.Entry:
        return audit.Entry(
            at=self._equipment.clock(),
            guild_id=keeper.guild_id,
            actor_id=keeper.member_id,
            action=action,
            subject=name,
            reason=reason,
            details=details,
        )

    async def _motion(self, guild_id: int, named: str) -> Motion:
        async with looking(self._equipment.database) as connection:
            return await shelf.required(connection, guild_id, named)


async def _check_room(connection: AsyncConnection, guild_id: int, size: int) -> None:
    _, taken = await shelf.room_taken(connection, guild_id)
    if taken + size > MOST_BYTES:
        left = max(0, MOST_BYTES - taken)
        raise OrderRefused("motions_too_large", size=size, left=left, limit=MOST_BYTES)
