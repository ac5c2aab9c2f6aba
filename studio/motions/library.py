"""The door to the motion library, for members who choose and moderators who keep it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass

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
from studio.motions.making import make
from studio.motions.motion import Motion, checked_name, checked_tags, folded

log = structlog.get_logger(__name__)

MOST_MOTIONS = 100
MOST_BYTES = 1_000_000_000
SUGGESTED = 25
"""As many as Discord shows while somebody types."""

SUGGEST_SECONDS = 1.5
"""Discord waits 3 s for suggestions; a list that comes too late is an error to who types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who changes a server's library."""

    guild_id: int
    member_id: int


class Library:
    """Every method raises `OrderRefused`; `motions_busy` while the database is away."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    async def pick(self, guild_id: int, named: str) -> SourceFile:
        """The motion with this id or name, as an order names it; by one short read."""
        return (await self.motion(guild_id, named)).as_source()

    async def motion(self, guild_id: int, named: str) -> Motion:
        async with self._reading() as connection:
            found = await shelf.find(connection, guild_id, named)
        if found is None:
            raise OrderRefused("motion_unknown", name=named[:40])
        return found

    async def search(self, guild_id: int, words: str = "") -> list[Motion]:
        """The server's motions whose name or tags have all the words, the most used first."""
        async with self._reading() as connection:
            return _matching(await shelf.all_of(connection, guild_id), words)

    async def suggest(self, guild_id: int, member_id: int, typed: str) -> list[Motion]:
        """What the member may mean: what they used last, then what many use. Never raises."""
        try:
            async with asyncio.timeout(SUGGEST_SECONDS), self._equipment.database.read() as connection:
                known = await shelf.known_to(connection, guild_id, member_id)
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("motions_not_suggested", guild_id=guild_id, error=type(error).__name__)
            return []
        return _matching(known, typed)[:SUGGESTED]

    # ── keeping ─────────────────────────────────────────────────────────────────────────────────

    async def add(self, keeper: Keeper, source: SourceFile, *, name: str, tags: str = "") -> Motion:
        """Fetch the video, make its files, and put it on the shelf.

        The name is taken before the work begins, so that two who add the same do not both wait for it.
        Raises `StudioError` of any kind for a video that cannot be fetched or used; nothing is left then.
        """
        name, labels = checked_name(name), checked_tags(tags)
        motion_id = new_job_id(self._equipment.clock())
        await self._reserve(keeper, motion_id, name)
        async with AsyncExitStack() as undone:
            undone.push_async_callback(self._give_up, motion_id)
            made = await make(self._equipment, motion_id, source)
            async with self._writing() as connection:
                await jobs.hold_server(connection, keeper.guild_id)
                await _check_room(connection, keeper.guild_id, made.size)
                values = {"content": asdict(made.content), "size": made.size, "tags": list(labels)}
                if not await shelf.change(connection, keeper.guild_id, motion_id, **values):
                    raise OrderRefused("motion_gone")
                await audit.add(connection, self._entry(keeper, "motion_added", name))
            undone.pop_all()
        return await self.motion(keeper.guild_id, motion_id)

    async def rename(self, keeper: Keeper, motion_id: str, name: str) -> Motion:
        new = checked_name(name)
        before = await self.motion(keeper.guild_id, motion_id)
        async with self._writing() as connection:
            await jobs.hold_server(connection, keeper.guild_id)
            if await shelf.is_taken(connection, keeper.guild_id, new, but_by=before.id):
                raise OrderRefused("motion_name_taken", name=new)
            await self._change(connection, keeper, before, name=new)
            entry = self._entry(keeper, "motion_renamed", new, before=before.name)
            await audit.add(connection, entry)
        return await self.motion(keeper.guild_id, before.id)

    async def tag(self, keeper: Keeper, motion_id: str, tags: str) -> Motion:
        """Give it these tags in place of those that it has."""
        labels = checked_tags(tags)
        before = await self.motion(keeper.guild_id, motion_id)
        async with self._writing() as connection:
            await self._change(connection, keeper, before, tags=list(labels))
            entry = self._entry(keeper, "motion_tagged", before.name, tags=", ".join(labels) or None)
            await audit.add(connection, entry)
        return await self.motion(keeper.guild_id, before.id)

    async def remove(self, keeper: Keeper, motion_id: str, *, reason: str = "") -> Motion:
        """Take it off the shelf: no new order gets it, and its files go as soon as no old one needs them."""
        motion = await self.motion(keeper.guild_id, motion_id)
        now = self._equipment.clock()
        async with self._writing() as connection:
            await self._change(connection, keeper, motion, removed_at=now)
            await audit.add(connection, self._entry(keeper, "motion_removed", motion.name, reason=reason))
        try:
            await clearing.clear(self._equipment)
        except (SQLAlchemyError, OSError) as error:
            # The process that leads repeats it.
            log.warning("motion_not_cleared", motion_id=motion.id, error=type(error).__name__)
        return motion

    async def _reserve(self, keeper: Keeper, motion_id: str, name: str) -> None:
        async with self._writing() as connection:
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

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._equipment.database.read() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise OrderRefused("motions_busy") from error

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._equipment.database.write() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error


async def _check_room(connection: AsyncConnection, guild_id: int, size: int) -> None:
    _, taken = await shelf.room_taken(connection, guild_id)
    if taken + size > MOST_BYTES:
        left = max(0, MOST_BYTES - taken)
        raise OrderRefused("motions_too_large", size=size, left=left, limit=MOST_BYTES)


def _matching(motions: Sequence[Motion], words: str) -> list[Motion]:
    wanted = folded(words).replace("#", " ").split()
    return [motion for motion in motions if all(_has(motion, word) for word in wanted)]


def _has(motion: Motion, word: str) -> bool:
    return word in folded(motion.name) or any(word in tag for tag in motion.tags) or word == motion.id
