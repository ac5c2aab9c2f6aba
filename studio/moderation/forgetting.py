"""Having everything about a member deleted: at once what can be, the rest as soon as it has come to rest."""

from __future__ import annotations

import re
from typing import Any

import structlog
from sqlalchemy import Column, ColumnElement, Table, TextClause, delete, select, text, true, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import notes
from studio.aliases import alias_of
from studio.database import jobs, ledger
from studio.database import notes as note_rows
from studio.equipment import Equipment
from studio.moderation import takedowns
from studio.motions.tables import motion_uses, motions
from studio.ports import Dispatcher
from studio.scrubbing import scrub
from studio.sharing import servers, tallies
from studio.sharing.tables import (
    BY_A_MEMBER,
    approvals,
    audit,
    blocks,
    consents,
    grants,
    petitions,
    reports,
)
from studio.wishing.tables import habits, picks

log = structlog.get_logger(__name__)

NOTE = "forget:"

_ALL = true()

_BY_NAME: tuple[Column[Any], ...] = (
    ledger.c.member_id,
    grants.c.member_id,
    grants.c.actor_id,
    blocks.c.member_id,
    blocks.c.actor_id,
    blocks.c.lifted_by,
    approvals.c.member_id,
    approvals.c.decided_by,
    reports.c.reporter_id,
    reports.c.decided_by,
    audit.c.actor_id,
    motions.c.added_by,
)
"""Where the books name a member; they are kept with the alias instead."""


class Forgetting:
    """A wish to be forgotten outlives any crash, and is repeated until nothing is left."""

    def __init__(self, equipment: Equipment, dispatcher: Dispatcher) -> None:
        self._equipment = equipment
        self._dispatcher = dispatcher

    async def ask(self, member_id: int) -> bool:
        """Note the member's wish, and do what can be done now; True when that was all.

        Clips that still run are cancelled if they can be. Raises `SQLAlchemyError` when the wish itself could
        not be noted; whatever fails afterwards is repeated until it is done.
        """
        async with self._equipment.database.write() as connection:
            await notes.write(connection, f"{NOTE}{member_id}", self._equipment.clock().isoformat())
        try:
            return await self.go_on(member_id)
        except SQLAlchemyError as error:
            log.warning("forgetting_interrupted", error=type(error).__name__)
            return False

    async def asked(self) -> list[int]:
        """Whose wishes are not fulfilled yet."""
        query = select(note_rows.c.key).where(note_rows.c.key.startswith(NOTE, autoescape=True))
        async with self._equipment.database.read() as connection:
            keys = (await connection.execute(query)).scalars()
        return [int(key.removeprefix(NOTE)) for key in keys]

    async def go_on(self, member_id: int) -> bool:
        """Do what can be done now; True when nothing is left to do."""
        now = self._equipment.clock()
        async with self._equipment.database.read() as connection:
            job_ids = await jobs_of(connection, member_id)
        left = 0
        for job_id in job_ids:
            async with self._equipment.database.write() as connection:
                await takedowns.mark(connection, job_id, by=member_id, named=False, now=now)
            self._dispatcher.wake(job_id)
            await takedowns.carry_out(self._equipment, job_id)
            left += not await self._forget_job(job_id, member_id)
        async with self._equipment.database.write() as connection:
            await forget_in_books(connection, member_id)
            if not left:
                await notes.erase(connection, f"{NOTE}{member_id}")
        log.info("member_forgotten" if not left else "member_partly_forgotten", jobs=len(job_ids), left=left)
        return not left

    async def _forget_job(self, job_id: str, member_id: int) -> bool:
        """Blank the job's row, once nobody works at it and nothing of it stands anywhere."""
        async with self._equipment.database.write() as connection:
            query = select(jobs.c.closed_at, jobs.c.purged_at).where(jobs.c.id == job_id)
            closed_at, purged_at = (await connection.execute(query)).one()
            if closed_at is None or purged_at is None:
                return False
            await forget_row(connection, job_id, alias_of(member_id))
        return True


async def jobs_of(connection: AsyncConnection, member_id: int) -> list[str]:
    """Ids of everything that the member ever ordered, oldest first."""
    query = select(jobs.c.id).where(jobs.c.member_id == member_id).order_by(jobs.c.id)
    return list((await connection.execute(query)).scalars())


async def forget_row(connection: AsyncConnection, job_id: str, member_id: int) -> None:
    """Blank all that a job's row says of its member, but for `member_id` in the member's stead.

    Who took it down goes as well.
    """
    ending = (await connection.execute(select(jobs.c.ending).where(jobs.c.id == job_id))).scalar_one_or_none()
    if ending is not None:
        await connection.execute(update(jobs).where(jobs.c.id == job_id).values(ending=_nobodys(ending)))
    await scrub(connection, job_id, member_id=member_id, member_name="", role_ids=[], inputs=None)


async def forget_in_books(connection: AsyncConnection, member_id: int) -> None:
    """Delete what is the member's own, and put the alias wherever the books name them."""
    alias = alias_of(member_id)
    for table in (consents, petitions, motion_uses, picks, habits):
        await connection.execute(delete(table).where(table.c.member_id == member_id))
    for column in _BY_NAME:
        table = column.table
        assert isinstance(table, Table)
        await connection.execute(update(table).where(column == member_id).values({column.name: alias}))
    await _rename_within(connection, ledger.c.actor, member_id, alias, among=text(BY_A_MEMBER))
    await _rename_within(connection, audit.c.subject, member_id, alias)
    await _blank_details(connection, member_id, alias)
    await _blank_endings(connection, member_id)
    await tallies.rename(connection, member_id, alias)
    # The blocks in every process's memory bear the member's own number.
    await servers.announce(connection)


async def _rename_within(
    connection: AsyncConnection,
    column: Column[Any],
    member_id: int,
    alias: int,
    *,
    among: ColumnElement[bool] | TextClause = _ALL,
) -> None:
    """Texts that consist of nothing else: `member:<id>` and `<@id>`; `among`: the rows that may have them."""
    for old, new in (
        (f"member:{member_id}", f"member:{alias}"),
        (f"<@{member_id}>", f"member {alias}"),
    ):
        table = column.table
        assert isinstance(table, Table)
        renaming = update(table).where(column == old, among).values({column.name: new})
        await connection.execute(renaming)


async def _blank_details(connection: AsyncConnection, member_id: int, alias: int) -> None:
    """What the record has beside who and what: few rows name a member there."""
    query = select(audit.c.id, audit.c.details, audit.c.reason).where(audit.c.subject == f"member {alias}")
    for row in (await connection.execute(query)).mappings().all():
        values = {
            "details": _without(row["details"], member_id, alias),
            "reason": _without(row["reason"], member_id, alias),
        }
        await connection.execute(update(audit).where(audit.c.id == row["id"]).values(**values))


async def _blank_endings(connection: AsyncConnection, member_id: int) -> None:
    """Who took a clip down stands in how it ended, whosesoever it was."""
    # By the record, where it has the alias already: there is no index over how jobs ended.
    deleted = select(audit.c.job_id).where(
        audit.c.actor_id == alias_of(member_id), audit.c.action == "clip_deleted"
    )
    job_ids = sorted({job_id for job_id in (await connection.execute(deleted)).scalars() if job_id})
    for job_id in job_ids:
        query = select(jobs.c.ending).where(jobs.c.id == job_id)
        ending = (await connection.execute(query)).scalar_one_or_none()
        if ending is None or ending["facts"].get("actor") != f"<@{member_id}>":
            continue
        await connection.execute(update(jobs).where(jobs.c.id == job_id).values(ending=_nobodys(ending)))


def _nobodys(ending: dict[str, Any]) -> dict[str, Any]:
    facts = {key: value for key, value in ending["facts"].items() if key != "actor"}
    return {**ending, "facts": facts}


def _without(value: Any, member_id: int, alias: int) -> Any:
    """The same with the alias wherever the member's number stands."""
    if isinstance(value, dict):
        return {key: _without(inner, member_id, alias) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, member_id, alias) for inner in value]
    if isinstance(value, str):
        return re.sub(rf"\b{member_id}\b", str(alias), value)
    return alias if value == member_id else value
