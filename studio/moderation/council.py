"""Moderators' decisions: each is written together with its record, and known to this process at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import Database
from studio.errors import OrderRefused
from studio.moderation import audit
from studio.moderation.audit import Entry
from studio.ports import Clock
from studio.sharing import servers
from studio.sharing.policy import Policy
from studio.sharing.servers import PolicyOutrun, Server, Servers

TRIES = 5
"""How often a change is made anew because another moderator was quicker."""


class Council:
    """The one way in which servers' rules are changed. Every method raises `OrderRefused("moderation_busy")`
    while the database is away; nothing was changed then.
    """

    def __init__(self, database: Database, known: Servers, clock: Clock) -> None:
        self._database = database
        self._known = known
        self._clock = clock

    def now(self) -> datetime:
        return self._clock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single SELECTs."""
        try:
            async with self._database.read() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error

    @asynccontextmanager
    async def deciding(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for a decision and its record (`audit.add`); afterwards this process knows of it.

        Whoever changes what `studio.sharing.servers.Servers` holds calls `servers.announce` within.
        """
        try:
            async with self._database.write() as connection:
                yield connection
            await self._known.refresh(self._clock())
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error

    async def server(self, guild_id: int) -> Server:
        """The server as the database has it now."""
        async with self.reading() as connection:
            return await servers.read(connection, guild_id, self._clock())

    async def amend(self, amendment: Callable[[Policy], Policy], entry: Entry) -> Server:
        """Change the rules of the entry's server, and record it; return the server as it is now.

        What changes nothing is not recorded. The amendment is made anew on rules that somebody else has
        changed meanwhile, so it should set only what its moderator has seen and meant.
        """
        for _ in range(TRIES):
            try:
                return await self._amend_once(amendment, entry)
            except PolicyOutrun:
                continue
        raise OrderRefused("moderation_busy")

    async def _amend_once(self, amendment: Callable[[Policy], Policy], entry: Entry) -> Server:
        async with self.deciding() as connection:
            server = await servers.read(connection, entry.guild_id, entry.at)
            policy = amendment(server.policy)
            if policy == server.policy:
                return server
            changed = await servers.change(connection, server, policy=policy)
            await audit.add(connection, entry)
        return changed

    async def set_up(self, amendment: Callable[[Policy], Policy], entry: Entry) -> Server:
        """The same for what is chosen at `/studio setup`: from then on the server counts as set up."""
        return await self.amend(lambda policy: amendment(_set_up(policy)), entry)


def _set_up(policy: Policy) -> Policy:
    """A server whose moderators look after it asks its members for their word, unless they switch it off."""
    return policy if policy.is_set_up else replace(policy, is_set_up=True, consent=True)
