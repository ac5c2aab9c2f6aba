"""The log channels: every decision is told in its server's own one, once, in the order of the decisions."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import notes
from studio.database import Database
from studio.errors import DeskGone, DeskUnavailable
from studio.languages.spoken import speaking
from studio.moderation import audit
from studio.moderation.audit import Entry
from studio.moderation.telling import pages_of, sentence_of
from studio.ports import Clock, Herald
from studio.sharing import servers
from studio.texts import say

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
LONGEST_TEXT = 1900
"""Below the 2000 characters that Discord takes as a message's content."""

IN_VAIN = {
    "approvals_unreachable": "approvals",
    "approvals_nowhere": "approvals",
    "report_unseen": "reports",
}
"""Entries that somebody should act on also where nobody keeps a log, and what they are about."""

Numbered = tuple[str, Entry]


class Chronicle:
    """Tells what no log channel has been told of yet. Runs once, however many processes there are."""

    def __init__(self, database: Database, herald: Herald, clock: Clock) -> None:
        self._database = database
        self._herald = herald
        self._clock = clock
        self._not_before: dict[int, datetime] = {}

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self.tell()
            await asyncio.sleep(LOOK_SECONDS)

    async def tell(self) -> None:
        """Tell everything that can be told now; what Discord does not take for the moment stays untold."""
        now = self._clock()
        waiting = [guild_id for guild_id, until in self._not_before.items() if until > now]
        async with self._database.read() as connection:
            found = await audit.untold(connection, but_not_of=waiting)
        by_server: dict[int, list[Numbered]] = defaultdict(list)
        for numbered in found:
            by_server[numbered[1].guild_id].append(numbered)
        for guild_id, entries in by_server.items():
            self._not_before.pop(guild_id, None)
            try:
                with speaking(await self._herald.language_of(guild_id)):
                    await self._tell_server(guild_id, entries)
            except DeskUnavailable as error:
                self._not_before[guild_id] = now + timedelta(seconds=error.retry_after)
                log.info("log_channel_waits", guild_id=guild_id, seconds=error.retry_after)

    async def _tell_server(self, guild_id: int, entries: Sequence[Numbered]) -> None:
        async with self._database.read() as connection:
            server = await servers.read(connection, guild_id, self._clock())
        channel_id = server.policy.log_channel_id
        if channel_id is None:
            await self._warn_of_what_waits(guild_id, entries)
            await self._mark(entries)
            return
        told = 0
        for text, number in pages_of([entry for _, entry in entries], longest=LONGEST_TEXT):
            page = entries[told : told + number]
            told += number
            try:
                await self._herald.post(guild_id, channel_id, text, nonce=page[0][0])
            except DeskGone:
                await self._warn_once(guild_id, channel_id, entries[-1][1].actor_id)
                # They stay in the record, and later ones are tried again: it may be mended at any time.
                await self._mark(entries)
                return
            # Marked afterwards: a process that dies between the two posts again, which the nonce prevents.
            await self._mark(page, arrived=_warned_key(guild_id))

    async def _warn_once(self, guild_id: int, channel_id: int, actor_id: int | None) -> None:
        """Until the channel takes a message again, or is another one."""
        async with self._database.read() as connection:
            if await notes.read(connection, _warned_key(guild_id)) == str(channel_id):
                return
        try:
            await self._herald.warn(guild_id, actor_id, say("log_channel_closed", channel=f"<#{channel_id}>"))
        except DeskGone:
            log.warning("log_channel_closed", guild_id=guild_id, channel_id=channel_id)
        async with self._database.write() as connection:
            await notes.write(connection, _warned_key(guild_id), str(channel_id))

    async def _warn_of_what_waits(self, guild_id: int, entries: Sequence[Numbered]) -> None:
        """Where there is no log, somebody still has to learn what waits in vain: of each once a day."""
        found = {IN_VAIN[entry.action]: entry for _, entry in reversed(entries) if entry.action in IN_VAIN}
        for what, entry in found.items():
            await self._warn_daily(guild_id, what, entry)

    async def _warn_daily(self, guild_id: int, what: str, found: Entry) -> None:
        today = self._clock().date().isoformat()
        async with self._database.read() as connection:
            if await notes.read(connection, _waits_key(guild_id, what)) == today:
                return
        try:
            await self._herald.warn(guild_id, None, sentence_of(found))
        except DeskGone:
            log.warning("nobody_to_warn", guild_id=guild_id, action=found.action)
        async with self._database.write() as connection:
            await notes.write(connection, _waits_key(guild_id, what), today)

    async def _mark(self, entries: Sequence[Numbered], *, arrived: str | None = None) -> None:
        async with self._database.write() as connection:
            await _mark_all(connection, entries, self._clock())
            if arrived is not None:
                await notes.erase(connection, arrived)


async def _mark_all(connection: AsyncConnection, entries: Sequence[Numbered], now: datetime) -> None:
    for entry_id, _ in entries:
        await audit.mark_told(connection, entry_id, now)


def _warned_key(guild_id: int) -> str:
    return f"log_channel_closed:{guild_id}"


def _waits_key(guild_id: int, what: str) -> str:
    return f"{what}_in_vain:{guild_id}"
