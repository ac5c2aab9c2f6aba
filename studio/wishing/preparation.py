"""The door for members who lay out a clip: drafts, picked files, and what they chose last time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from studio.database import Database
from studio.errors import OrderRefused
from studio.models import SourceFile
from studio.ports import Clock
from studio.promptly import within
from studio.wishing import drafts, habits, picks
from studio.wishing.drafts import Draft
from studio.wishing.habits import Habits
from studio.wishing.picks import Pick, Slot

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"""How long a form waits for what its member has kept: Discord gives it three in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a member has kept in a server."""

    picture: Pick | None = None
    motion: Pick | None = None
    habits: Habits = field(default_factory=Habits)

    def filling(self, draft: Draft) -> Draft:
        """The draft with the picked files where it has none, and what was left out as last time."""
        wishes = self.habits.applied(draft.wishes)
        if draft.picture is None and self.picture is not None:
            draft = replace(draft, picture=self.picture.file)
            wishes = replace(wishes, spoiler=wishes.spoiler or self.picture.spoiler)
        if draft.video is None and self.motion is not None:
            draft = replace(draft, video=self.motion.file)
            wishes = replace(wishes, spoiler=wishes.spoiler or self.motion.spoiler)
        return replace(draft, wishes=wishes)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose it is, and in which server."""

    guild_id: int
    member_id: int


class Preparation:
    """What is laid out survives restarts, and is known to every process."""

    def __init__(self, database: Database, clock: Clock, new_id: Callable[[datetime], str]) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    def new_draft_id(self) -> str:
        return self._new_id(self._clock())

    async def kept(self, owner: Owner) -> Kept:
        """What the member has kept; nothing when the database is away or slow, for the form cannot wait."""
        now = self._clock()
        try:
            return await within(LOOK_SECONDS, self._look(owner, now))
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("kept_not_read", guild_id=owner.guild_id, error=type(error).__name__)
            return Kept()

    async def _look(self, owner: Owner, now: datetime) -> Kept:
        async with self._database.read() as connection:
            picked = await picks.read(connection, owner.guild_id, owner.member_id, now)
            known = await habits.read(connection, owner.guild_id, owner.member_id, now)
        return Kept(picture=picked.get(Slot.PICTURE), motion=picked.get(Slot.MOTION), habits=known)

    async def pick(self, owner: Owner, slot: Slot, file: SourceFile, *, spoiler: bool) -> Pick:
        """Keep a file for the member's next clip. Raises `OrderRefused`."""
        pick = Pick(file=file, spoiler=spoiler, at=self._clock())
        try:
            async with self._database.write() as connection:
                await picks.put(connection, owner.guild_id, owner.member_id, slot, pick)
        except SQLAlchemyError as error:
            raise OrderRefused("pick_not_kept") from error
        return pick

    async def keep(self, owner: Owner, draft_id: str, draft: Draft) -> None:
        """Store a draft beside the answer that shows its form; without it, sending says that it is over."""
        try:
            async with self._database.write() as connection:
                await drafts.add(
                    connection,
                    draft_id,
                    draft,
                    guild_id=owner.guild_id,
                    member_id=owner.member_id,
                    now=self._clock(),
                )
        except SQLAlchemyError as error:
            log.warning("draft_not_kept", guild_id=owner.guild_id, error=type(error).__name__)

    async def revise(self, draft_id: str, draft: Draft) -> None:
        """Store what was filled in since, so that the form can be opened again with it."""
        try:
            async with self._database.write() as connection:
                await drafts.revise(connection, draft_id, draft)
        except SQLAlchemyError as error:
            log.warning("draft_not_revised", error=type(error).__name__)

    async def draft(self, owner: Owner, draft_id: str) -> Draft:
        """The member's open draft. Raises `OrderRefused`: too old, somebody else's, or ordered already."""
        try:
            async with self._database.read() as connection:
                found = await drafts.read(
                    connection, draft_id, guild_id=owner.guild_id, member_id=owner.member_id
                )
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error
        if found is not None and found.used:
            raise OrderRefused("form_used")
        if found is None or not found.is_open(self._clock()):
            raise OrderRefused("form_over")
        return found.draft
