"""Getting a clip's file into a message: as large as the server takes, else by the link alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import discord
import structlog

from cogs import cards
from cogs.attached import Attached
from cogs.line import Line
from cogs.room import Rooms
from cogs.verdicts import CALL_ERRORS, Verdict, verdict
from studio.errors import ClipTooLarge
from studio.models import Clip, Job
from studio.outgoing import open_outgoing

log = structlog.get_logger(__name__)

Send = Callable[[Attached, Path | None, bool], Awaitable[int]]
"""Posts with so much of the clip, from that file, with the link to the original or without."""

WITHOUT = frozenset({Verdict.UPLOAD_REFUSED, Verdict.CONTENT_REFUSED, Verdict.FORBIDDEN})
"""Verdicts after which the message is tried without its file."""


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
            return await send(Attached.NOTHING, None, True)
        guild_id = job.place.guild_id
        size = (await asyncio.to_thread(file.stat)).st_size
        room = self._rooms.of(guild_id, stated=await self._line.upload_limit(guild_id))
        if size > room.most:
            # Spares an upload that is bound to be refused.
            raise ClipTooLarge(limit=room.sure)
        attached = Attached.COPY if size < clip.size else Attached.ITSELF
        try:
            message_id = await _with_file(job, attached, file, send)
        except CALL_ERRORS as error:
            what = verdict(error)
            if what is Verdict.TOO_LARGE:
                raise ClipTooLarge(limit=self._rooms.refused(guild_id, room, size).sure) from error
            if what not in WITHOUT:
                raise
            log.warning("upload_refused", job_id=job.id, error=str(error))
            return await send(Attached.REFUSED, None, True)
        self._rooms.took(guild_id, room, size)
        return message_id


async def _with_file(job: Job, attached: Attached, file: Path, send: Send) -> int:
    """Post the file, without the link where Discord takes that for a harmful one."""
    try:
        return await send(attached, file, True)
    except CALL_ERRORS as error:
        if verdict(error) is not Verdict.LINK_REFUSED:
            raise
        log.warning("link_refused", job_id=job.id, error=str(error))
    return await send(attached, file, False)


async def attachment(job: Job, file: Path, text: str, *, covered: bool) -> discord.File:
    """The clip's file, opened anew for each try: sending uses it up."""
    opened, _ = await asyncio.to_thread(open_outgoing, file)
    return _Opened(opened, filename=cards.clip_file_name(job), description=text, spoiler=covered)


async def attachments(*files: tuple[Path, str, str]) -> list[discord.File]:
    """Small files, each with its name and its description."""
    opened = await asyncio.to_thread(lambda: [open_outgoing(path)[0] for path, _, _ in files])
    return [
        _Opened(file, filename=name, description=text)
        for file, (_, name, text) in zip(opened, files, strict=True)
    ]


class _Opened(discord.File):
    """Closes the file that it was given: nobody else has it."""

    def close(self) -> None:
        super().close()
        self.fp.close()
