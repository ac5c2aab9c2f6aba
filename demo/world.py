"""The simulated Discord that demo and tests live in: a server, its people, and what they can do."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import discord
from discord.ext import commands
from simcord import ChannelHandle, GuildHandle, InteractionResult, MemberActor, SetupError
from simcord._clock import Clock
from simcord.backend import serializers
from simcord.backend.access import channel_accessible
from simcord.backend.errors import BackendError
from simcord.backend.models import Overwrite
from simcord.enums import ChannelType, OverwriteType
from simcord.env import Env
from simcord.results import to_discord_message

from demo.cdn import Cdn
from demo.discord_rules import LiveEnv, SimulatedDiscord, WallClock
from demo.waiting import eventually

# What the README's invite link grants; see discord.md, section 5.
INVITED_PERMISSIONS = 309237763072
MODERATOR_PERMISSIONS = discord.Permissions(
    manage_messages=True, manage_threads=True, manage_guild=True, moderate_members=True
)

# simcord's names, for those who have nothing else to do with it.
Person: TypeAlias = MemberActor
Channel: TypeAlias = ChannelHandle
Answer: TypeAlias = InteractionResult

FileContent = tuple[str, bytes | Path]
"""A member's file: its name, and its bytes or a path that is moved away."""


class ImpossibleError(Exception):
    """A real member could not do this here: no such command, button or permission. Says why."""


class World:
    """One server named "Demo server" with the channel `clips`, the bot and three people.

    `live` (default): everything runs in real time and a verb returns as soon as the bot has answered the
    interaction, or after `answer_seconds` without an answer (`result.acknowledged` is False then); what
    comes later is awaited with `eventually`. `live=False`: simcord's virtual time, in which a verb waits
    until the bot has nothing left to do.

    Made before the bot, which must be told `cdn_host`, and started with it.
    """

    def __init__(self, *, live: bool = True, answer_seconds: float = 10.0) -> None:
        self._live = live
        self._answer_seconds = answer_seconds
        self._folder = Path(tempfile.mkdtemp(prefix="simulated-discord-"))
        self.cdn = Cdn(self._folder)
        self.discord = SimulatedDiscord(
            self.cdn, WallClock() if live else Clock(), answer_seconds=answer_seconds
        )
        self.discord.changed = self._tell
        self._listeners: list[Callable[[], None]] = []
        self._lock = asyncio.Lock()
        self.env: Env
        self.guild: GuildHandle
        self.clips: Channel
        self.member: Person
        self.moderator: Person
        self.stranger: Person

    @property
    def cdn_host(self) -> str:
        """The host of attachment URLs, without its port; the bot must be allowed to fetch there by http."""
        return self.cdn.host.partition(":")[0]

    @property
    def bot_id(self) -> int:
        return self.discord.bot_user.id

    async def start(self, bot: commands.AutoShardedBot) -> None:
        """Bring up the server and log the bot in; returns when it is ready."""
        await self.cdn.start()
        self.env = (LiveEnv if self._live else Env)(bot, check_errors=False)
        self.env.backend = self.discord
        self.discord.bot_user.name = "Motion Studio"
        self._build()
        await self.env.start()
        await bot.wait_until_ready()

    def _build(self) -> None:
        self.guild = self.env.create_guild("Demo server")
        for role in self.discord.get_guild(self.guild.id).roles.values():
            if role.managed:
                role.permissions = INVITED_PERMISSIONS
        self.clips = self.guild.create_text_channel("clips", topic="Bring pictures to life with /animate")
        self.member = self.add_member("mira", "Mira")
        self.moderator = self.add_member("theo", "Theo", permissions=MODERATOR_PERMISSIONS)
        self.stranger = self.add_member("noor", "Noor")

    async def restart(self, bot: commands.AutoShardedBot) -> None:
        """Replace the bot by a fresh one, as after a restart of its process; the server stays as it is."""
        await self.env.restart_bot(bot)
        await bot.wait_until_ready()

    async def stop(self) -> None:
        """Take the bot off and delete all files. Close the bot before, and its engine before that."""
        if hasattr(self, "env"):
            await self.env.shutdown()
        await self.cdn.stop()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    @asynccontextmanager
    async def running(self, bot: commands.AutoShardedBot) -> AsyncIterator[World]:
        """`start`, and at the end close the bot and `stop`."""
        try:
            await self.start(bot)
            try:
                yield self
            finally:
                await bot.close()
        finally:
            await self.stop()

    # ── arranging ───────────────────────────────────────────────────────────────────────────────

    def add_member(
        self, name: str, display_name: str | None = None, *, permissions: discord.Permissions | None = None
    ) -> Person:
        user = self.env.create_user(name, global_name=display_name)
        roles = [self.guild.create_role(f"{name}'s role", permissions=permissions)] if permissions else []
        return self.guild.add_member(user, roles=roles)

    def deny(self, channel: Channel, *permissions: str, member_id: int | None = None) -> None:
        """Take permissions (names of `discord.Permissions`) from the bot or another member in a channel."""
        denied = discord.Permissions(**dict.fromkeys(permissions, True)).value
        overwrite = Overwrite(
            target_id=member_id or self.bot_id, type=OverwriteType.MEMBER, allow=0, deny=denied
        )
        self.discord.set_overwrite(channel.id, overwrite)

    def open_thread(self, parent: Channel, name: str, *, by: Person) -> Channel:
        """Have a member open a thread in a text channel, or a post in a forum."""
        thread = self.discord.create_thread(parent.id, name, by.id, broadcast=False)
        self.discord.announce_thread_create(thread)
        if self.discord.get_channel(parent.id).type == ChannelType.FORUM:
            self.discord.create_message(thread.id, by.id, name)
        return self.channel(thread.id)

    async def advance(self, seconds: float) -> None:
        """Let Discord's clock jump, as for expiring tokens; the bot's own clocks only when not live."""
        if self._live:
            self.discord.advance_clock(seconds)
        else:
            await self.env.advance_time(seconds)

    # ── what members do ─────────────────────────────────────────────────────────────────────────

    async def slash(self, member: Person, channel: Channel, command: str, /, **options: Any) -> Answer:
        """Run a slash command; a file option is a name with bytes or with a path that is moved away."""
        admitted = {name: await self._admit(value) for name, value in options.items()}
        return await self._act(lambda: member.slash(channel, command, **admitted))

    async def message_command(self, member: Person, command: str, message: MessageLike) -> Answer:
        """Run a command from a message's context menu."""
        target = self._discord_message(message)
        channel = self.channel(target.channel.id)
        return await self._act(lambda: member.context_menu(channel, command, target))

    async def click(
        self,
        member: Person,
        message: MessageLike,
        custom_id: str | None = None,
        *,
        label: str | None = None,
    ) -> Answer:
        """Press a button, found by its custom id or its label."""
        target = self._discord_message(message)
        return await self._act(lambda: member.click(target, custom_id=custom_id, label=label))

    async def select(
        self, member: Person, message: MessageLike, custom_id: str, values: Sequence[Any]
    ) -> Answer:
        target = self._discord_message(message)
        return await self._act(lambda: member.select(target, values, custom_id=custom_id))

    async def submit_modal(self, member: Person, shown: Answer, values: dict[str, Any]) -> Answer:
        """Fill in a modal that an earlier action has opened; values by custom id, files in a list."""
        admitted = {name: await self._admit(value) for name, value in values.items()}
        return await self._act(lambda: member.submit_modal(shown, admitted))

    async def say(self, member: Person, channel: Channel, text: str, *files: FileContent) -> int:
        """Write a message, perhaps with files, and return its id."""
        admitted = [await self._admit(file) for file in files]
        message: discord.Message = await self._alone(lambda: member.send(channel, text, attachments=admitted))
        return message.id

    async def _admit(self, value: Any) -> Any:
        if isinstance(value, list):
            return [await self._admit(item) for item in value]
        if isinstance(value, tuple):
            name, content = value
            return name, await asyncio.to_thread(self.cdn.admit, name, content)
        return value

    async def _act(self, verb: Callable[[], Awaitable[Answer]]) -> Answer:
        result: Answer = await self._alone(verb)
        if self._live:
            with suppress(TimeoutError):
                await eventually(lambda: result.acknowledged, within_seconds=self._answer_seconds)
        return result

    async def _alone(self, verb: Callable[[], Awaitable[Any]]) -> Any:
        # simcord refuses two actions at once; people do not wait for each other.
        async with self._lock:
            try:
                return await verb()
            except (SetupError, BackendError) as error:
                raise ImpossibleError(str(error)) from error

    # ── what can be seen ────────────────────────────────────────────────────────────────────────

    def channel(self, channel_id: int) -> Channel:
        """Raises `ImpossibleError` when there is none with this id."""
        try:
            return ChannelHandle(self.env, self.guild, self.discord.get_channel(channel_id))
        except BackendError as error:
            raise ImpossibleError("That channel is gone.") from error

    def threads(self, channel: Channel | None = None) -> list[Channel]:
        """The threads of a channel (`clips` by default), oldest first."""
        return (channel or self.clips).threads

    def sees(self, member: Person, channel_id: int) -> bool:
        return channel_accessible(self.discord, channel_id, member.id, history=True)

    def messages(self, channel_id: int, *, viewer: Person | None = None) -> list[dict[str, Any]]:
        """The messages of a channel or thread as Discord's API shows them, oldest first.

        With a viewer also the ephemeral ones that only they can see."""
        viewer_id = viewer.id if viewer else None
        stored = sorted(self.discord.messages.get(channel_id, {}).values(), key=lambda each: each.id)
        return [
            dict(serializers.message_payload(self.discord, each, for_user=viewer_id))
            for each in stored
            if each.visible_to(viewer_id)
        ]

    def was_pinged(self, member: Person, message: dict[str, Any]) -> bool:
        """Whether a message has rung the member's phone; a mention that may not ping does not."""
        stored = self.discord.get_message(int(message["channel_id"]), int(message["id"]))
        return member.id in stored.ping_user_ids

    def history(self, channel_id: int, *, viewer: Person | None = None) -> list[discord.Message]:
        """As `messages`, but as discord.py's objects."""
        return self.channel(channel_id).history(viewer=viewer)

    def commands(self, member: Person, channel_id: int, *, kind: int = 1) -> list[dict[str, Any]]:
        """The commands that a member is offered: kind 1 after a slash, 3 in a message's menu."""
        return self.discord.visible_commands(user_id=member.id, channel_id=channel_id, type=kind)

    @property
    def errors(self) -> list[BaseException]:
        """What the bot's handlers raised and nobody caught."""
        return self.env.errors

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called after every change that somebody could see; returns the way to stop it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def eventually(self, predicate: Callable[[], Any], *, timeout: float = 30.0) -> Any:  # noqa: ASYNC109  # handed on
        """See `demo.waiting.eventually`."""
        return await eventually(predicate, within_seconds=timeout)

    def _discord_message(self, message: MessageLike) -> discord.Message:
        if isinstance(message, discord.Message):
            channel_id, message_id = message.channel.id, message.id
        elif isinstance(message, dict):
            channel_id, message_id = int(message["channel_id"]), int(message["id"])
        else:
            channel_id, message_id = message
        try:
            return to_discord_message(self.env, self.discord.get_message(channel_id, message_id))
        except BackendError as error:
            raise ImpossibleError("That message is gone.") from error


MessageLike = discord.Message | dict[str, Any] | tuple[int, int]
"""A message as an object, as the API shows it, or as its channel's and its own id."""
