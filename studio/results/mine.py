"""A member's clips in a server, for `/jobs`: those under way, and those that ended."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError

from studio import jobs
from studio.database import jobs as rows
from studio.equipment import Equipment
from studio.errors import OrderRefused
from studio.forecast import Forecast
from studio.keeping import is_showable
from studio.models import Job, JobState, Progress
from studio.moderation import takedowns
from studio.progress import progress_of


class Mine:
    """Every method raises `OrderRefused` while the database is away."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._forecast = Forecast(equipment)

    async def running(self, guild_id: int, member_id: int) -> Sequence[tuple[Job, Progress]]:
        """The member's unfinished clips in the server, oldest first, and how far they are."""
        query = select(rows.c.id).where(
            rows.c.ended_at.is_(None), rows.c.guild_id == guild_id, rows.c.member_id == member_id
        )
        try:
            found = await self._read(query.order_by(rows.c.id))
            return [(job, await self._progress(job)) for job in found]
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error

    async def ended(self, guild_id: int, member_id: int, *, limit: int, before: str = "") -> Sequence[Job]:
        """The member's ended clips in the server, the latest order first; `before`: older than this one."""
        query = select(rows.c.id).where(
            rows.c.member_id == member_id, rows.c.guild_id == guild_id, rows.c.ended_at.is_not(None)
        )
        if before:
            query = query.where(rows.c.id < before)
        try:
            return await self._read(query.order_by(rows.c.id.desc()).limit(limit))
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error

    async def shown_again(self, guild_id: int, member_id: int, *, limit: int) -> Sequence[Job]:
        """Those that can be shown once more, the latest first; looked for among so many."""
        found = await self.ended(guild_id, member_id, limit=limit)
        return [job for job in found if is_showable(job)]

    async def by_message(self, guild_id: int, message_id: int) -> str:
        """The id of the clip that a message of the server belongs to; empty when there is none."""
        try:
            async with self._equipment.database.read() as connection:
                job = await takedowns.find(connection, guild_id, message_id)
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error
        return "" if job is None else job.id

    async def _read(self, query: Select[str]) -> Sequence[Job]:
        async with self._equipment.database.read() as connection:
            job_ids = list((await connection.execute(query)).scalars())
            found = [await jobs.get(connection, job_id) for job_id in job_ids]
        return [job for job in found if job is not None]

    async def _progress(self, job: Job) -> Progress:
        turn = await self._forecast.turn_of(job.id) if job.state is JobState.QUEUED else None
        return progress_of(
            job,
            now=self._equipment.clock(),
            turn=turn,
            usual_render_seconds=await self._forecast.usual_render_seconds(),
        )
