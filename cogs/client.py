"""The connection to Discord: what it subscribes to, keeps in memory, and when it publishes the commands."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
from collections.abc import Sequence
from typing import Any, Protocol

import aiohttp
import discord
import structlog
from discord import app_commands
from discord.ext import commands

from cogs.failures import Tree
from cogs.translating import Translator
from cogs.translating import digest as translations_digest

log = structlog.get_logger(__name__)

CONNECTIONS = 128
"""Open connections to Discord at once, REST and gateway shards together."""

LONGEST_RATE_LIMIT_SECONDS = 60.0

LOGIN_PAUSES = (2.0, 5.0, 15.0, 30.0)
"""Seconds between tries to log in while Discord is away; the last one repeats."""

COMMANDS_KEY = "commands_digest"


class Notes(Protocol):
    """Small values that outlive the process."""

    async def read(self, key: str) -> str | None: ...

    async def write(self, key: str, value: str) -> None: ...


def new_connector(limit: int = CONNECTIONS) -> aiohttp.TCPConnector:
    """A bounded connector; must be made inside the running loop."""
    return aiohttp.TCPConnector(limit=limit)


class Client(commands.AutoShardedBot):
    """The bot's Discord side. Cogs come ready-made; commands are published only when they have changed.

    Without cogs it is there for its REST calls alone, and publishes nothing.
    """

    def __init__(
        self,
        *,
        notes: Notes,
        connector: aiohttp.BaseConnector | None = None,
        shard_count: int | None = None,
        shard_ids: list[int] | None = None,
    ) -> None:
        # The libraries for voice are left out on purpose.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            # No prefix commands: without the message intents only slash commands ever arrive.
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=LONGEST_RATE_LIMIT_SECONDS,
            connector=connector,
            shard_count=shard_count,
            shard_ids=shard_ids,  # type: ignore[arg-type]  # None is its default, which its types do not say
        )
        self._notes = notes
        self._ready_made: list[commands.Cog] = []
        self._commands: list[app_commands.Group | app_commands.ContextMenu] = []
        self._own_server: int | None = None

    def install(
        self,
        cogs: Sequence[commands.Cog],
        more: Sequence[app_commands.Group | app_commands.ContextMenu] = (),
    ) -> None:
        """Say which cogs, groups and menus to load at login; they hold their collaborators already."""
        self._ready_made = list(cogs)
        self._commands = list(more)

    def install_for(self, guild_id: int, group: app_commands.Group) -> None:
        """Publish a command group to the operator's own server alone."""
        self._own_server = guild_id
        self.tree.add_command(group, guild=discord.Object(guild_id))

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        if event_name == "socket_event_type":
            # Told before every event, and nobody listens.
            return
        if event_name == "interaction" and args[0].type is discord.InteractionType.application_command:
            # The tree has it already; a task for each listener would only stand before its answer.
            return
        super().dispatch(event_name, *args, **kwargs)

    async def log_in(self, token: str, *, stop: asyncio.Event) -> bool:
        """Log in, waiting for Discord while it is away; False when told to stop meanwhile.

        Raises `discord.LoginFailure` for a token that Discord refuses.
        """
        for pause in itertools.chain(LOGIN_PAUSES, itertools.repeat(LOGIN_PAUSES[-1])):
            try:
                await self.login(token)
            except discord.LoginFailure:
                raise
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                log.warning("discord_away", error=type(error).__name__, next_try_seconds=pause)
                # `login` opens a session each time: the failed one goes, with the connector that it owns.
                await self.http.close()
                self.http.connector = new_connector()
            else:
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            if stop.is_set():
                break
        return False

    async def setup_hook(self) -> None:
        for cog in self._ready_made:
            # A login that broke off after this is repeated.
            if cog.qualified_name not in self.cogs:
                await self.add_cog(cog)
        for command in self._commands:
            self.tree.add_command(command, override=True)
        await self.tree.set_translator(Translator())
        if self._ready_made:
            await self._publish_commands(None)
        if self._own_server is not None:
            await self._publish_own()

    async def _publish_own(self) -> None:
        try:
            await self._publish_commands(self._own_server)
        except discord.Forbidden:
            # Everything else works without it.
            log.error("own_server_unreachable", guild_id=self._own_server, setting="DEV_GUILD_ID")  # noqa: TRY400 - the trace says nothing

    async def _publish_commands(self, guild_id: int | None) -> None:
        """Send the commands, global or a server's own, when they differ from what was last sent."""
        where = None if guild_id is None else discord.Object(guild_id)
        definition = [command.to_dict(self.tree) for command in self.tree.get_commands(guild=where)]
        digest = f"{self.application_id}:{_digest([definition, translations_digest()])}"
        key = COMMANDS_KEY if guild_id is None else f"{COMMANDS_KEY}:{guild_id}"
        if await self._notes.read(key) == digest:
            return
        published = await self._sync(where)
        await self._notes.write(key, digest)
        log.info("commands_published", guild_id=guild_id, count=len(published))

    async def _sync(self, where: discord.Object | None) -> list[app_commands.AppCommand]:
        tree = self.tree
        assert isinstance(tree, Tree)
        try:
            return await tree.sync(guild=where)
        except discord.HTTPException as error:
            if error.status != 400 or not tree.sends_file_types:
                raise
            # Newer than the rest of what we send, and only a convenience: without it all commands work.
            log.warning("file_types_refused", error=str(error)[:300])
            tree.sends_file_types = False
            return await tree.sync(guild=where)


def _digest(definition: Any) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
