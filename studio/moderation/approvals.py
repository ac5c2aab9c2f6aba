"""The questions that jobs wait for, as they are stored: each is answered once, whoever presses first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, Update, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.aliases import names_of
from studio.database import jobs
from studio.errors import OrderRefused
from studio.models import JobState, Order
from studio.moderation import audit
from studio.moderation.questions import History, Kind, Question, Standing
from studio.sharing.tables import approvals, blocks, reports

_ORDER = {kind: number for number, kind in enumerate(Kind)}


async def put(connection: AsyncConnection, questions: Sequence[Question]) -> None:
    """Store the questions that are not there yet."""
    if not questions:
        return
    rows = [{name: getattr(each, name) for name in Question.__dataclass_fields__} for each in questions]
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    await connection.execute(make(approvals).values(rows).on_conflict_do_nothing())


async def put_anew(connection: AsyncConnection, question: Question) -> None:
    """Store the question as one that nobody has answered, in place of an earlier one of its kind."""
    values = {name: getattr(question, name) for name in Question.__dataclass_fields__}
    key = (approvals.c.job_id == question.job_id, approvals.c.kind == question.kind.value)
    await connection.execute(delete(approvals).where(*key))
    await connection.execute(insert(approvals).values(**values))


async def of_job(connection: AsyncConnection, job_id: str) -> list[Question]:
    """All questions about the job, in the order in which they are to be asked."""
    rows = (await connection.execute(_OF_JOB, {"its_job": job_id})).mappings()
    return sorted(map(_question, rows), key=lambda question: _ORDER[question.kind])


# Made once: to write the statement takes longer than the database takes for it.
_OF_JOB = select(approvals).where(approvals.c.job_id == bindparam("its_job"))


async def posted(connection: AsyncConnection, question: Question, now: datetime) -> None:
    """Note where the question is asked, or could not be, and until when."""
    await connection.execute(
        _this(question.job_id, question.kind).values(
            channel_id=question.channel_id,
            message_id=question.message_id,
            asked_at=now,
            expires_at=question.expires_at,
        )
    )


async def settled(connection: AsyncConnection, question: Question) -> None:
    """Note that the question's message shows how it was answered, or is gone."""
    await connection.execute(_this(question.job_id, question.kind).values(message_id=None))


async def decide(
    connection: AsyncConnection,
    job_id: str,
    kind: Kind,
    state: Standing,
    *,
    now: datetime,
    by: int | None = None,
    reason: str | None = None,
    price: int | None = None,
) -> bool:
    """Answer the question if it is still open; False when somebody else was quicker.

    A yes counts only where the question asks about the same `price`; a no is one to any.
    """
    its = _this(job_id, kind).where(approvals.c.state == Standing.OPEN)
    if state is Standing.APPROVED:
        its = its.where(approvals.c.usd_micros.is_not_distinct_from(price))
    answered = await connection.execute(
        its.values(state=state.value, decided_at=now, decided_by=by, reason=reason)
    )
    return answered.rowcount == 1


async def rouse(connection: AsyncConnection, job_id: str) -> bool:
    """Have the waiting job look at once, whatever it is doing; False when it no longer waits for answers.

    The row changes, so that no step that began before can put the job to rest again.
    """
    roused = await connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == JobState.PENDING_APPROVAL)
        .values(wake_at=None, version=jobs.c.version + 1)
    )
    return roused.rowcount == 1


async def waiting_of(connection: AsyncConnection, *, guild_id: int, member_id: int) -> list[str]:
    """Ids of the member's jobs that wait for an answer."""
    query = select(jobs.c.id).where(
        jobs.c.ended_at.is_(None),
        jobs.c.guild_id == guild_id,
        jobs.c.member_id == member_id,
        jobs.c.state == JobState.PENDING_APPROVAL,
    )
    return list((await connection.execute(query)).scalars())


async def check_not_asking(connection: AsyncConnection, guild_id: int, member_id: int) -> None:
    """Raise `OrderRefused` while an order of the member's that is over a limit is under way.

    One at a time: the moderators' channel is no place for a flood.
    """
    query = select(jobs.c.id).where(
        jobs.c.ended_at.is_(None),
        jobs.c.guild_id == guild_id,
        jobs.c.member_id == member_id,
        jobs.c.overruled,
    )
    if (await connection.execute(query.limit(1))).first() is not None:
        raise OrderRefused("already_asked")


async def ask_over_limit(connection: AsyncConnection, order: Order) -> None:
    """Put on the record that the member asks for this order; raises as `check_not_asking`."""
    guild_id, member_id = order.place.guild_id, order.member.id
    await check_not_asking(connection, guild_id, member_id)
    entry = audit.Entry(
        at=order.ordered_at,
        guild_id=guild_id,
        actor_id=member_id,
        action="asked_over_limit",
        job_id=order.job_id,
    )
    await audit.add(connection, entry)


async def history_of(connection: AsyncConnection, *, guild_id: int, member_id: int) -> History:
    """The member's record in this server."""
    names = names_of(member_id)
    its = (jobs.c.guild_id == guild_id, jobs.c.member_id.in_(names))
    counted = select(
        func.count().filter(jobs.c.state == JobState.DELIVERED),
        func.count().filter(jobs.c.state == JobState.FAILED),
    ).where(*its)
    made, failed = (await connection.execute(counted)).one()
    blocked = select(func.count()).where(blocks.c.guild_id == guild_id, blocks.c.member_id.in_(names))
    reported = select(func.count()).select_from(reports).join(jobs, jobs.c.id == reports.c.job_id).where(*its)
    return History(
        made=int(made),
        failed=int(failed),
        blocks=int((await connection.execute(blocked)).scalar_one()),
        reports=int((await connection.execute(reported)).scalar_one()),
    )


def _this(job_id: str, kind: Kind) -> Update:
    return update(approvals).where(approvals.c.job_id == job_id, approvals.c.kind == kind.value)


def _question(row: RowMapping) -> Question:
    return Question(**{**row, "kind": Kind(row["kind"]), "state": Standing(row["state"])})
