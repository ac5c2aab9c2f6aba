"""Another version of a clip: what it was made of, for its own member, as long as that is kept."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

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
        try:
            async with self._equipment.database.read() as connection:
                job = await jobs.get(connection, job_id)
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error
        if job is None or job.place.guild_id != guild_id:
            raise OrderRefused("result_unknown")
        if job.order.member.id != member_id:
            raise NotYours
        if job.removed_at is not None:
            raise OrderRefused("result_removed")
        if not is_finished(job):
            raise OrderRefused("result_failed" if job.state.ended else "result_unfinished")
        return job

    async def ingredients(self, job: Job) -> Wanted:
        """What the clip was made of, as the order of another version of it."""
        if job.inputs is None or job.purged_at is not None:
            raise OrderRefused("ingredients_gone")
        picture, video = kept_files(job, job.inputs)
        await self._check_motion(job)
        if not await is_kept(self._equipment.storage, picture, video):
            raise OrderRefused("ingredients_gone")
        parent = Parent(job.id, *job.place.told_at)
        wishes = replace(job.order.wishes, left_out=(), as_last_time=())
        return Wanted(picture=picture, video=video, wishes=wishes, parent=parent)

    async def _check_motion(self, job: Job) -> None:
        motion_id = job.order.video.motion_id
        if motion_id is None:
            return
        try:
            async with self._equipment.database.read() as connection:
                found = await shelf.find(connection, job.place.guild_id, motion_id)
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error
        if found is None:
            raise OrderRefused("motion_gone")

    async def check_not_running(self, job_id: str, *, guild_id: int, member_id: int) -> None:
        """Raise while another version of the clip is being made: a second press is most often a slip."""
        query = select(rows.c.id).where(
            rows.c.ended_at.is_(None),
            rows.c.guild_id == guild_id,
            rows.c.member_id == member_id,
            rows.c.parent_id == job_id,
        )
        try:
            async with self._equipment.database.read() as connection:
                running = (await connection.execute(query)).first()
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error
        if running is not None:
            raise OrderRefused("version_running")
