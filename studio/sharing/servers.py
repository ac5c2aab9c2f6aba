"""What is known of each server: its policy, its place with the operator, and whom it has blocked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import notes
from studio.aliases import alias_of
from studio.database import Database
from studio.sharing import grants, house
from studio.sharing.house import House
from studio.sharing.policy import Policy, from_document, to_document
from studio.sharing.tables import blocks, servers

VERSION_KEY = "servers_version"


@dataclass(frozen=True, slots=True)
class Block:
    """`until` None = for good."""

    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server's rules. `version` grows with each change; `access` None = as the house has it.

    `cap_usd_micros` is the operator's monthly cap, `blocked` until when each blocked member is (None = for
    good; as a whole: it was not read), `limits_somebody` whether members have personal limits (known to
    `Servers` alone). `limits_orders`: something has to be counted before an order is taken.
    """

    guild_id: int
    name: str = ""
    policy: Policy = field(default_factory=Policy)
    version: int = 0
    cap_usd_micros: int | None = None
    access: str | None = None
    left_at: datetime | None = None
    blocked: Mapping[int, datetime | None] | None = field(default_factory=dict)
    limits_somebody: bool = False
    limits_orders: bool = field(init=False)

    def __post_init__(self) -> None:
        # Known once and for all: answers wait for it.
        limits = self.policy.limits_members or self.limits_somebody or self.cap_usd_micros is not None
        object.__setattr__(self, "limits_orders", limits)

    def covers(self, channel_id: int) -> bool:
        """Whether clips of this channel are covered until somebody presses them."""
        return channel_id in self.policy.spoiler_channel_ids

    def block_of(self, member_id: int, now: datetime) -> Block | None:
        """The member's block that is valid now; it holds also when they had themselves forgotten."""
        assert self.blocked is not None, "whom the server has blocked was not read"
        if not self.blocked:
            return None
        found = [self.blocked[each] for each in (member_id, alias_of(member_id)) if each in self.blocked]
        valid = [until for until in found if until is None or until > now]
        if not valid:
            return None
        return Block(None if None in valid else max(until for until in valid if until is not None))

    def is_blocked(self, member_id: int, now: datetime) -> bool:
        return self.block_of(member_id, now) is not None


class PolicyOutrun(Exception):
    """Somebody else changed the server's rules since they were read."""


async def read(connection: AsyncConnection, guild_id: int, now: datetime) -> Server:
    """The server as it is now; one that nobody has set up has the rules of `Policy()`."""
    server = await read_rules(connection, guild_id)
    found = await connection.execute(_BLOCKED_IN, {"guild": guild_id, "now": now})
    return replace(server, blocked=_longest(found).get(guild_id, {}))


async def read_rules(connection: AsyncConnection, guild_id: int) -> Server:
    """The same in one statement instead of two, for those who do not ask whom it has blocked."""
    row = (await connection.execute(_BY_ID, {"guild": guild_id})).mappings().one_or_none()
    return _server(guild_id, row, None)


# Made once: to write a statement takes longer than the database takes for it.
_BY_ID = select(servers).where(servers.c.guild_id == bindparam("guild"))
_BLOCKED = select(blocks.c.guild_id, blocks.c.member_id, blocks.c.until).where(
    blocks.c.lifted_at.is_(None), or_(blocks.c.until.is_(None), blocks.c.until > bindparam("now"))
)
_BLOCKED_IN = _BLOCKED.where(blocks.c.guild_id == bindparam("guild"))


async def change(connection: AsyncConnection, server: Server, **columns: Any) -> Server:
    """Write `policy`, `name`, `cap_usd_micros`, `access` or `left_at`, if the server still is as it was read.

    Raises `PolicyOutrun` otherwise. Other processes know of it within seconds.
    """
    stored = {
        key: to_document(value) if key == "policy" and value is not None else value
        for key, value in columns.items()
    }
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    inserted = make(servers).values(guild_id=server.guild_id, version=server.version + 1, **stored)
    written = await connection.execute(
        inserted.on_conflict_do_update(
            index_elements=[servers.c.guild_id],
            set_={**stored, "version": servers.c.version + 1},
            where=servers.c.version == server.version,
        ).returning(servers.c.guild_id)
    )
    if written.first() is None:
        raise PolicyOutrun(server.guild_id)
    await announce(connection)
    return replace(server, version=server.version + 1, **columns)


async def announce(connection: AsyncConnection) -> None:
    """Have every process read the servers anew; for changes of blocks and of the house as well."""
    number = int(await notes.read(connection, VERSION_KEY) or 0)
    await notes.write(connection, VERSION_KEY, str(number + 1))


class Servers:
    """The servers in memory, for the decision that stands between an interaction and its answer.

    It may be some seconds behind another process: what binds is read again where the order is recorded.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, Server] = {}
        # Those with no rules of their own, made once: an answer waits for them.
        self._plain: dict[int, Server] = {}
        self.house = House()
        self._version = ""

    def of(self, guild_id: int) -> Server:
        server = self._known.get(guild_id) or self._plain.get(guild_id)
        if server is None:
            server = self._plain[guild_id] = Server(guild_id=guild_id)
        return server

    def all(self) -> list[Server]:
        """Every server that has rules, blocks or caps of its own."""
        return list(self._known.values())

    async def refresh(self, now: datetime) -> None:
        """Read them anew if anything was changed since the last time."""
        async with self._database.read() as connection:
            version = await notes.read(connection, VERSION_KEY) or "0"
            if version == self._version:
                return
            rows = (await connection.execute(select(servers))).mappings().all()
            blocked = _longest(await connection.execute(_BLOCKED, {"now": now}))
            limiting = await grants.servers_with_limits(connection, now)
            self.house = await house.read(connection)
        by_id = {row["guild_id"]: row for row in rows}
        self._known = {
            guild_id: replace(
                _server(guild_id, by_id.get(guild_id), blocked.get(guild_id, {})),
                limits_somebody=guild_id in limiting,
            )
            for guild_id in by_id.keys() | blocked.keys() | limiting
        }
        self._version = version


def _longest(rows: Iterable[Any]) -> dict[int, dict[int, datetime | None]]:
    """Until when members are blocked, by server; of two blocks the longer one holds."""
    found: dict[int, dict[int, datetime | None]] = {}
    for guild, member, until in rows:
        there = found.setdefault(guild, {})
        known = there.get(member, until)
        there[member] = None if known is None or until is None else max(known, until)
    return found


def _server(guild_id: int, row: RowMapping | None, blocked: Mapping[int, datetime | None] | None) -> Server:
    if row is None:
        return Server(guild_id=guild_id, blocked=blocked)
    return Server(
        guild_id=guild_id,
        name=row["name"],
        policy=Policy() if row["policy"] is None else from_document(row["policy"]),
        version=row["version"],
        cap_usd_micros=row["cap_usd_micros"],
        access=row["access"],
        left_at=row["left_at"],
        blocked=blocked,
    )
