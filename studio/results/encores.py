"""Showing a finished clip once more: shared with everybody, or brought back for its member."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.equipment import Equipment
from studio.errors import DeskError, DeskUnavailable, OrderRefused
from studio.fitting import post_fitted
from studio.ids import new_job_id
from studio.keeping import is_unposted
from studio.models import Job
from studio.moderation import findings
from studio.results import copies
from studio.results.copies import Copy

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a clip is to be shown. `covered`: until somebody presses it; `shared`: for everybody, once."""

    guild_id: int
    channel_id: int
    covered: bool
    shared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Where the clip stands; `anew`: since this very press."""

    link: str
    anew: bool


class Encores:
    """A copy is noted before it is posted, so that a takedown finds it whatever happens between the two."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def show(self, job: Job, stage: Stage) -> Shown:
        """Have the clip stand there: where it does already, else posted from our storage.

        Raises `OrderRefused` for one that is removed or no longer kept, or that Discord does not take there.
        """
        async with self._locks.setdefault(job.id, asyncio.Lock()):
            try:
                return await self._show(job, stage)
            except SQLAlchemyError as error:
                raise OrderRefused("database_busy") from error

    async def _show(self, job: Job, stage: Stage) -> Shown:
        async with self._equipment.database.read() as connection:
            await _check_showable(connection, job.id)
            known = await copies.of_job(connection, job.id)
        copy = next((each for each in known if _is_at(each, stage)), None)
        if copy is not None and copy.message_id is not None:
            if stage.shared or await self._stands(copy):
                return Shown(link=copy.link, anew=False)
            await self._forget(copy)
            copy = None
        begun = copy is not None
        return await self._post(
            job, copy or await self._begin(job, stage), covered=stage.covered, begun=begun
        )

    async def _begin(self, job: Job, stage: Stage) -> Copy:
        now = self._equipment.clock()
        copy = Copy(
            id=new_job_id(now),
            at=now,
            job_id=job.id,
            guild_id=stage.guild_id,
            channel_id=stage.channel_id,
            shared=stage.shared,
        )
        async with self._equipment.database.write() as connection:
            await _check_showable(connection, job.id)
            await copies.add(connection, copy)
            if is_unposted(job) and job.clip is not None and job.clip.found is not None:
                # Its moderators were not asked to look before: there was nothing to be seen.
                await findings.report(connection, job, job.clip.found, now)
        return copy

    async def _post(self, job: Job, copy: Copy, *, covered: bool, begun: bool) -> Shown:
        """`begun`: an earlier try may have posted it."""
        assert job.clip is not None
        desk = self._equipment.desk
        try:
            async with self._equipment.storage.checkout(job.clip.key) as path:
                message_id = await post_fitted(
                    self._equipment,
                    job,
                    path,
                    lambda file: desk.show_copy(job, copy, file, covered=covered, begun=begun),
                )
        except FileNotFoundError as error:
            await self._forget(copy)
            raise not_kept(job) from error
        except DeskUnavailable as error:
            # It may stand there all the same: the next press, or a takedown, looks for it.
            raise OrderRefused("copy_uncertain") from error
        except DeskError as error:
            await self._forget(copy)
            raise OrderRefused("copy_refused") from error
        async with self._equipment.database.write() as connection:
            await copies.note_posted(connection, copy.id, message_id)
        copy = replace(copy, message_id=message_id)
        await self._take_back_if_removed(job, copy)
        return Shown(link=copy.link, anew=True)

    async def _take_back_if_removed(self, job: Job, copy: Copy) -> None:
        """The clip may have been taken down while this was on its way."""
        try:
            async with self._equipment.database.read() as connection:
                await _check_showable(connection, job.id)
        except OrderRefused:
            try:
                await self._equipment.desk.erase_copy(copy)
            except DeskError as error:
                # What removed the clip is repeated until its copies are gone, too.
                log.info("copy_not_taken_back", copy_id=copy.id, error=error.code)
            else:
                await self._forget(copy)
            raise

    async def _stands(self, copy: Copy) -> bool:
        try:
            return await self._equipment.desk.has_copy(copy)
        except DeskError as error:
            log.info("copy_not_looked_at", copy_id=copy.id, error=error.code)
            return True

    async def _forget(self, copy: Copy) -> None:
        async with self._equipment.database.write() as connection:
            await copies.remove(connection, copy.id)


async def _check_showable(connection: AsyncConnection, job_id: str) -> None:
    """Raise `OrderRefused` for a clip that was taken down, or is past its time."""
    job = await jobs.get(connection, job_id)
    if job is None or job.removed_at is not None:
        raise OrderRefused("result_removed")
    if job.clip is None or job.purged_at is not None:
        raise not_kept(job)


def not_kept(job: Job) -> OrderRefused:
    """The refusal of a clip that is no longer in our storage, with where it was posted."""
    if job.place.outcome_id is None:
        return OrderRefused("result_not_kept")
    return OrderRefused("result_not_kept", link=job.place.told_link)


def _is_at(copy: Copy, stage: Stage) -> bool:
    if stage.shared:
        return copy.shared
    return copy.channel_id == stage.channel_id and not copy.shared
