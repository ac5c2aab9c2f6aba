"""Another version of a clip: what it was made of, for its own member, as long as that is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.database import jobs as rows
from studio.equipment import Equipment
from studio.errors import NotYours, OrderRefused
from studio.keeping import is_finished, is_kept, kept_files
from studio.lineage import Parent
from studio.models import Job
from studio.moderation.petitions import Wanted
from studio.motions import shelf


class Versions:
    """Every method raises `OrderRefused` for what cannot be, and while the database is away."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    async def own_clip(self, job_id: str, *, guild_id: int, member_id: int) -> Job:
        """The member's own finished clip of this server, also one that could not be posted."""
        async with self._looking() as connection:
            return await _own_clip(connection, job_id, guild_id=guild_id, member_id=member_id)

    async def ingredients(self, job_id: str, *, guild_id: int, member_id: int, alone: bool = False) -> Wanted:
        """What their own clip was made of, as the order of another version of it.

        `alone`: not while another one is being made; a second press is most often a slip.
        """
        async with self._looking() as connection:
            job = await _own_clip(connection, job_id, guild_id=guild_id, member_id=member_id)
            if job.inputs is None or job.purged_at is not None:
                raise OrderRefused("ingredients_gone")
            await _check_motion(connection, job)
            if alone:
                await _check_not_running(connection, job)
        picture, video = kept_files(job, job.inputs)
        if not await is_kept(self._equipment.storage, picture, video):
            raise OrderRefused("ingredients_gone")
        parent = Parent(job.id, *job.place.told_at)
        wishes = replace(job.order.wishes, left_out=(), as_last_time=())
        return Wanted(picture=picture, video=video, wishes=wishes, parent=parent)

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._equipment.database.read() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error


async def _own_clip(connection: AsyncConnection, job_id: str, *, guild_id: int, member_id: int) -> Job:
    job = await jobs.get(connection, job_id)
    if job is None or job.place.guild_id != guild_id:
        raise OrderRefused("result_unknown")
    if job.order.member.id != member_id:
        raise NotYours
    if job.removed_at is not None:
        raise OrderRefused("result_removed")
    if not is_finished(job):
        raise OrderRefused("result_failed" if job.state.ended else "result_unfinished")
    return job


async def _check_motion(connection: AsyncConnection, job: Job) -> None:
    motion_id = job.order.video.motion_id
    if motion_id is not None and await shelf.find(connection, job.place.guild_id, motion_id) is None:
        raise OrderRefused("motion_gone")


async def _check_not_running(connection: AsyncConnection, job: Job) -> None:
    query = select(rows.c.id).where(
        rows.c.ended_at.is_(None),
        rows.c.guild_id == job.place.guild_id,
        rows.c.member_id == job.order.member.id,
        rows.c.parent_id == job.id,
    )
    if (await connection.execute(query)).first() is not None:
        raise OrderRefused("version_running")
