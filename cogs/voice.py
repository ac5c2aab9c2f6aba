"""In which language Discord's people are spoken to: a member by their own, a server by its setting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import discord
import structlog

from cogs.line import Line
from cogs.verdicts import CALL_ERRORS
from studio.languages.spoken import speaking
from studio.languages.tongues import AUTOMATIC, Language, chosen, closest
from studio.models import Job
from studio.recent import Recent

if TYPE_CHECKING:
    from studio.moderation.questions import Question
    from studio.moderation.reports import Report

log = structlog.get_logger(__name__)

REMEMBERED_SERVERS = 2000
REMEMBERED_SECONDS = 3600.0
"""How long a process without a gateway connection believes what a server has told Discord."""

Settings = Callable[[int], str]

_LANGUAGES = {locale: closest(locale.value) for locale in discord.Locale}
"""Looked up where an answer waits; discord.py may come upon other locales than those that it knows."""


def everybody_automatic(_guild_id: int) -> str:
    return AUTOMATIC


def of_member(interaction: discord.Interaction[discord.Client]) -> Language:
    """What whoever interacts has their Discord in; for what only they see."""
    return _LANGUAGES.get(interaction.locale) or closest(str(interaction.locale))


def of_server(interaction: discord.Interaction[discord.Client], setting: str) -> Language:
    """What everybody reads here; where there is no server, it is between the member and us."""
    if interaction.guild_id is None:
        return of_member(interaction)
    if setting == AUTOMATIC and interaction.guild_locale in _LANGUAGES:
        return _LANGUAGES[interaction.guild_locale]
    return chosen(setting, str(interaction.guild_locale or ""))


class Voice:
    """What a server is spoken to outside of interactions; `setting_of` gives its moderators' choice."""

    def __init__(self, line: Line) -> None:
        self.setting_of: Settings = everybody_automatic
        self._line = line
        self._told: Recent[tuple[float, str]] = Recent(REMEMBERED_SERVERS)

    async def of(self, guild_id: int) -> Language:
        """Never fails: while Discord cannot be asked, it is English."""
        setting = self.setting_of(guild_id)
        if setting != AUTOMATIC:
            return chosen(setting, "")
        try:
            return closest(await self._offered(guild_id))
        except CALL_ERRORS as error:
            log.info("language_unknown", guild_id=guild_id, error=str(error))
            return Language.ENGLISH

    async def _offered(self, guild_id: int) -> str:
        known = self._line.known_guild(guild_id)
        if known is not None:
            return str(known.preferred_locale)
        now = asyncio.get_running_loop().time()
        told = self._told.get(guild_id)
        if told is None or now - told[0] > REMEMBERED_SECONDS:
            told = (now, str((await self._line.guild(guild_id)).preferred_locale))
            self._told[guild_id] = told
        return told[1]


Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])


def to_its_server(method: Method) -> Method:
    """Have a method that shows a job, a report or a question speak the language of its server.

    For classes with a `voice`; what it is about comes first.
    """

    @wraps(method)
    async def speaks(self: Any, about: Job | Report | Question, /, *args: Any, **kwargs: Any) -> Any:
        guild_id = about.place.guild_id if isinstance(about, Job) else about.guild_id
        with speaking(await self.voice.of(guild_id)):
            return await method(self, about, *args, **kwargs)

    return cast(Method, speaks)
