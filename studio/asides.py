"""Renders beside the one of an order: rows of their own among the attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.attempts import BESIDE, Attempt, AttemptState
from studio.database import attempts, in_question


@dataclass(frozen=True, slots=True)
class Aside:
    """`state` is one of `BESIDE`; `settled`: nothing more is to be found out or to be expected of it."""

    token: str
    job_id: str
    state: AttemptState
    created_at: datetime
    provider_job_id: str
    settled: bool
    estimate_usd_micros: int | None


async def unsettled(connection: AsyncConnection) -> list[Aside]:
    """Those of all orders, oldest first, but for orders of which the operator is still being asked."""
    disputed = select(attempts.c.job_id).where(in_question, attempts.c.state == AttemptState.DISPUTED)
    query = (
        select(attempts)
        .where(
            in_question,
            attempts.c.state.in_(BESIDE),
            attempts.c.answered_at.is_(None),
            attempts.c.job_id.not_in(disputed),
        )
        .order_by(attempts.c.created_at, attempts.c.token)
    )
    return [_aside(row) for row in (await connection.execute(query)).mappings()]


async def of_job(connection: AsyncConnection, job_id: str) -> list[Aside]:
    query = select(attempts).where(attempts.c.job_id == job_id, attempts.c.state.in_(BESIDE))
    rows = (await connection.execute(query.order_by(attempts.c.token))).mappings()
    return [_aside(row) for row in rows]


async def of_attempt(connection: AsyncConnection, attempt: Attempt) -> list[Aside]:
    """Those that were set aside for this attempt alone: an earlier one of its job may have been charged."""
    all_of_job = await of_job(connection, attempt.job_id)
    return [aside for aside in all_of_job if aside.token.startswith(f"{attempt.token}/")]


async def is_accepted(connection: AsyncConnection, aside: Aside) -> bool:
    """Whether the render has turned out to be the order's own."""
    query = select(attempts.c.token).where(
        attempts.c.provider_job_id == aside.provider_job_id, attempts.c.state == AttemptState.ACCEPTED
    )
    return (await connection.execute(query)).first() is not None


async def make_twin(connection: AsyncConnection, aside: Aside) -> bool:
    """Note that it is charged besides; False when another hand has decided on it meanwhile."""
    result = await connection.execute(
        update(attempts)
        .where(
            attempts.c.token == aside.token,
            attempts.c.state == AttemptState.SET_ASIDE,
            attempts.c.answered_at.is_(None),
        )
        .values(state=AttemptState.TWIN)
    )
    return result.rowcount == 1


async def settle(connection: AsyncConnection, aside: Aside, *, reason: str, now: datetime) -> bool:
    """Note why it needs no more looks; False when that is known already."""
    result = await connection.execute(
        update(attempts)
        .where(attempts.c.token == aside.token, attempts.c.answered_at.is_(None))
        .values(answered_at=now, reason=reason)
    )
    return result.rowcount == 1


def _aside(row: RowMapping) -> Aside:
    return Aside(
        token=row["token"],
        job_id=row["job_id"],
        state=AttemptState(row["state"]),
        created_at=row["created_at"],
        provider_job_id=row["provider_job_id"],
        settled=row["answered_at"] is not None,
        estimate_usd_micros=row["estimate_usd_micros"],
    )
