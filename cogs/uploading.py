"""Getting a clip's file into a message: as large as the server takes, else by the link alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import discord
import structlog

from cogs import cards
from cogs.line import Line
from cogs.room import Rooms
from cogs.verdicts import CALL_ERRORS, Verdict, verdict
from studio.errors import ClipTooLarge
from studio.models import Clip, Job

log = structlog.get_logger(__name__)

Send = Callable[[cards.Attached, Path | None], Awaitable[int]]


class Uploading:
    """Remembers what each server has taken and refused."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._rooms = Rooms()

    async def send(self, job: Job, clip: Clip, file: Path | None, *, send: Send) -> int:
        """Post by `send`, with the file if the server takes it, and return the message's id.

        Raises `ClipTooLarge`, and what `send` raises: `CALL_ERRORS`.
        """
        if file is None:
            return await send(cards.Attached.NOTHING, None)
        guild_id = job.place.guild_id
        size = (await asyncio.to_thread(file.stat)).st_size
        room = self._rooms.of(guild_id, stated=await self._line.upload_limit(guild_id))
        if size > room.most:
            # Spares an upload that is bound to be refused.
            raise ClipTooLarge(limit=room.sure)
        try:
            copied = size < clip.size
            message_id = await send(cards.Attached.COPY if copied else cards.Attached.ITSELF, file)
        except CALL_ERRORS as error:
            match verdict(error):
                case Verdict.TOO_LARGE:
                    raise ClipTooLarge(limit=self._rooms.refused(guild_id, room, size).sure) from error
                case Verdict.UPLOAD_REFUSED | Verdict.FORBIDDEN:
                    log.warning("upload_refused", job_id=job.id, error=str(error))
                    return await send(cards.Attached.NOTHING, None)
                case _:
                    raise
        self._rooms.took(guild_id, room, size)
        return message_id


async def attachment(job: Job, file: Path, text: str, *, covered: bool) -> discord.File:
    """The clip's file, opened anew for each try: sending uses it up."""
    name = cards.clip_file_name(job)
    return await asyncio.to_thread(discord.File, file, filename=name, description=text, spoiler=covered)
