"""Attempts to order a render: one row before each paid call, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import attempts, jobs
from studio.ports import Submission


class AttemptState(StrEnum):
    """`open` and `unclear` may have been charged; at most one such row can exist for an account."""

    OPEN = "open"
    UNCLEAR = "unclear"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    ABANDONED = "abandoned"


UNEXPLAINED = (AttemptState.OPEN, AttemptState.UNCLEAR)


@dataclass(frozen=True, slots=True)
class Attempt:
    token: str
    job_id: str
    state: AttemptState
    created_at: datetime


async def begin(connection: AsyncConnection, *, token: str, job_id: str, account: str, now: datetime) -> bool:
    """Record that a submit is about to be sent; False while another of the account is unexplained."""
    try:
        async with connection.begin_nested():
            await connection.execute(
                attempts.insert().values(
                    token=token, job_id=job_id, account=account, state=AttemptState.OPEN, created_at=now
                )
            )
    except IntegrityError:
        return False
    return True


async def accept(connection: AsyncConnection, token: str, *, submission: Submission, now: datetime) -> None:
    await connection.execute(
        update(attempts)
        .where(attempts.c.token == token)
        .values(
            state=AttemptState.ACCEPTED,
            answered_at=now,
            provider_job_id=submission.provider_job_id,
            request_id=submission.request_id,
        )
    )


async def finish(
    connection: AsyncConnection, token: str, state: AttemptState, *, reason: str, now: datetime
) -> None:
    """End or doubt an attempt that was not accepted; `reason` is the provider's, for the log."""
    await connection.execute(
        update(attempts)
        .where(attempts.c.token == token)
        .values(state=state, answered_at=now, reason=reason[:2000])
    )


async def unexplained_of(connection: AsyncConnection, job_id: str) -> Attempt | None:
    """The job's attempt of which nobody knows yet whether it was charged."""
    query = select(attempts).where(attempts.c.job_id == job_id, attempts.c.state.in_(UNEXPLAINED))
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else _attempt(row)


async def by_token(connection: AsyncConnection, token: str) -> Attempt | None:
    row = (
        (await connection.execute(select(attempts).where(attempts.c.token == token))).mappings().one_or_none()
    )
    return None if row is None else _attempt(row)


async def any_unexplained(connection: AsyncConnection, account: str) -> bool:
    query = select(attempts.c.token).where(attempts.c.account == account, attempts.c.state.in_(UNEXPLAINED))
    return (await connection.execute(query)).first() is not None


async def owned_among(connection: AsyncConnection, provider_job_ids: list[str]) -> set[str]:
    """Which of the provider's ids already belong to a job of ours."""
    query = select(jobs.c.provider_job_id).where(jobs.c.provider_job_id.in_(provider_job_ids))
    return {str(value) for value in (await connection.execute(query)).scalars()}


def _attempt(row: RowMapping) -> Attempt:
    return Attempt(row["token"], row["job_id"], AttemptState(row["state"]), row["created_at"])
