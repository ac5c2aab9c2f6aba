"""Attempts to order a render: one row before each paid call, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import attempts, in_question, jobs
from studio.ports import Submission


class AttemptState(StrEnum):
    """`open` and `unclear` may have been charged; at most one such row can exist for an account.

    `disputed` may have been charged too, but several renders could be its own: it holds up nobody else any
    more. Renders beside the one of an order are rows of their own, out of every search: `set_aside` until it
    is known whose they are, `twin` once they are booked to the operator (`studio.twins`).
    """

    OPEN = "open"
    UNCLEAR = "unclear"
    DISPUTED = "disputed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    ABANDONED = "abandoned"
    SET_ASIDE = "set_aside"
    TWIN = "twin"


UNEXPLAINED = (AttemptState.OPEN, AttemptState.UNCLEAR)
UNDECIDED = (*UNEXPLAINED, AttemptState.DISPUTED)
BESIDE = (AttemptState.SET_ASIDE, AttemptState.TWIN)

NEVER_APPEARED = "never appeared"
NEVER_EXPLAINED = "never explained"
"""Why an attempt was abandoned by ourselves; in both cases its render may still appear."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`provider_job_id` of an attempt that is not accepted is what a webhook said, still to be checked.

    `estimate_usd_micros` is the provider's own figure for what was sent, None where it stated none.
    """

    token: str
    job_id: str
    state: AttemptState
    created_at: datetime
    answered_at: datetime | None
    provider_job_id: str | None
    estimate_usd_micros: int | None


async def begin(
    connection: AsyncConnection,
    *,
    token: str,
    job_id: str,
    account: str,
    now: datetime,
    estimate_usd_micros: int | None = None,
) -> bool:
    """Record that a submit is about to be sent; False while another of the account is unexplained."""
    values = {
        "token": token,
        "job_id": job_id,
        "account": account,
        "state": AttemptState.OPEN,
        "created_at": now,
        "estimate_usd_micros": estimate_usd_micros,
    }
    return (await connection.execute(_BEGUN[connection.dialect.name], values)).first() is not None


async def accept(
    connection: AsyncConnection, token: str, *, submission: Submission, now: datetime
) -> int | None:
    """Note that the provider has taken it; return its own estimate in usd_micros, if it stated one."""
    values = {
        "its_token": token,
        "state": AttemptState.ACCEPTED,
        "answered_at": now,
        "provider_job_id": submission.provider_job_id,
        "request_id": submission.request_id,
    }
    taken = await connection.execute(_ACCEPTED, values)
    estimate: int | None = taken.scalar_one_or_none()
    return estimate


async def finish(
    connection: AsyncConnection,
    token: str,
    state: AttemptState,
    *,
    reason: str,
    now: datetime,
    may_be_its_own: bool | None = None,
) -> None:
    """End or doubt an attempt that was not accepted; `reason` is the provider's, for the log.

    `may_be_its_own`: of a refusal, whether it may be about this order alone (`studio.blame`).
    """
    await connection.execute(
        update(attempts)
        .where(attempts.c.token == token)
        .values(state=state, answered_at=now, reason=reason[:2000], may_be_its_own=may_be_its_own)
    )


async def hear(connection: AsyncConnection, token: str, provider_job_id: str) -> bool:
    """Note which render a webhook names for an attempt without an answer; the first word stands."""
    result = await connection.execute(
        update(attempts)
        .where(
            attempts.c.token == token,
            attempts.c.state.in_(UNDECIDED),
            attempts.c.provider_job_id.is_(None),
        )
        .values(provider_job_id=provider_job_id)
    )
    return result.rowcount == 1


async def unhear(connection: AsyncConnection, token: str) -> None:
    """What the webhook named was not the attempt's render."""
    await connection.execute(
        update(attempts)
        .where(attempts.c.token == token, attempts.c.state.in_(UNDECIDED))
        .values(provider_job_id=None)
    )


async def set_aside(
    connection: AsyncConnection, attempt: Attempt, provider_job_ids: Sequence[str], *, now: datetime
) -> None:
    """Take renders that may be the attempt's out of every later search; repeats are harmless."""
    query = select(attempts.c.provider_job_id).where(
        attempts.c.job_id == attempt.job_id, attempts.c.state.in_(BESIDE)
    )
    known = set((await connection.execute(query)).scalars())
    for number, provider_job_id in enumerate(sorted({*provider_job_ids} - known), start=len(known) + 1):
        await connection.execute(
            attempts.insert().values(
                # No URL-safe token has a slash, so no webhook can name such a row.
                token=f"{attempt.token}/{number}",
                job_id=attempt.job_id,
                account="",
                state=AttemptState.SET_ASIDE,
                created_at=now,
                provider_job_id=provider_job_id,
                estimate_usd_micros=attempt.estimate_usd_micros,
            )
        )


async def unexplained_of(connection: AsyncConnection, job_id: str) -> Attempt | None:
    """The job's attempt of which nobody knows yet whether it was charged, disputed ones included."""
    query = select(attempts).where(attempts.c.job_id == job_id, attempts.c.state.in_(UNDECIDED))
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else _attempt(row)


async def given_up(connection: AsyncConnection, job_id: str, *, reason: str) -> Attempt | None:
    """The job's attempt that was abandoned for this reason."""
    query = select(attempts).where(
        attempts.c.job_id == job_id,
        attempts.c.state == AttemptState.ABANDONED,
        attempts.c.reason == reason,
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _attempt(row)


async def of_job(connection: AsyncConnection, job_id: str) -> list[Attempt]:
    """All of the job's attempts; not what is beside them."""
    rows = (await connection.execute(_OF_JOB, {"its_job": job_id})).mappings()
    return [_attempt(row) for row in rows]


async def by_token(connection: AsyncConnection, token: str) -> Attempt | None:
    row = (await connection.execute(_BY_TOKEN, {"its_token": token})).mappings().one_or_none()
    return None if row is None else _attempt(row)


async def is_unclear(connection: AsyncConnection, account: str) -> bool:
    """Whether a submit of the account was left without an answer; one in the air does not count."""
    return (await connection.execute(_UNCLEAR, {"its_account": account})).first() is not None


# Made once: to write a statement takes longer than the database takes for it.
_BEGUN = {
    "postgresql": postgresql.insert(attempts).on_conflict_do_nothing().returning(attempts.c.token),
    "sqlite": sqlite.insert(attempts).on_conflict_do_nothing().returning(attempts.c.token),
}
_ACCEPTED = (
    update(attempts)
    .where(attempts.c.token == bindparam("its_token"))
    .returning(attempts.c.estimate_usd_micros)
)
_OF_JOB = select(attempts).where(attempts.c.job_id == bindparam("its_job"), attempts.c.state.not_in(BESIDE))
_BY_TOKEN = select(attempts).where(attempts.c.token == bindparam("its_token"))
_UNCLEAR = select(attempts.c.token).where(
    attempts.c.account == bindparam("its_account"), attempts.c.state == AttemptState.UNCLEAR
)
_DISPUTED = select(attempts.c.job_id).where(in_question, attempts.c.state == AttemptState.DISPUTED)


async def is_in_doubt(connection: AsyncConnection, account: str) -> bool:
    """Whether the account may have a render that nobody knows to be ours: a submit is in the air, or lost."""
    query = select(attempts.c.token).where(attempts.c.account == account, attempts.c.state.in_(UNDECIDED))
    return (await connection.execute(query.limit(1))).first() is not None


async def lost_since(connection: AsyncConnection, account: str, moment: datetime) -> list[Attempt]:
    """The attempts since then of which no render was found, oldest first."""
    query = select(attempts).where(
        attempts.c.account == account,
        attempts.c.state == AttemptState.ABANDONED,
        attempts.c.reason.in_((NEVER_APPEARED, NEVER_EXPLAINED)),
        attempts.c.created_at >= moment,
    )
    rows = (await connection.execute(query.order_by(attempts.c.created_at))).mappings()
    return [_attempt(row) for row in rows]


async def request_of(connection: AsyncConnection, provider_job_id: str | None) -> str | None:
    """The id of the request that ordered a render, which the provider's support asks for."""
    query = select(attempts.c.request_id).where(
        attempts.c.provider_job_id == provider_job_id, attempts.c.state == AttemptState.ACCEPTED
    )
    request_id = (await connection.execute(query)).scalars().first()
    return None if request_id is None else str(request_id)


async def times_accepted(connection: AsyncConnection, job_id: str) -> int:
    """How often the provider has taken the job."""
    query = select(func.count()).where(attempts.c.job_id == job_id, attempts.c.state == AttemptState.ACCEPTED)
    return int((await connection.execute(query)).scalar_one())


async def disputed_jobs(connection: AsyncConnection) -> set[str]:
    """Ids of the jobs that wait for the operator to say which render is theirs."""
    return set((await connection.execute(_DISPUTED)).scalars())


async def accepted_among(connection: AsyncConnection, provider_job_ids: Sequence[str]) -> list[Attempt]:
    query = select(attempts).where(
        attempts.c.provider_job_id.in_(provider_job_ids), attempts.c.state == AttemptState.ACCEPTED
    )
    return [_attempt(row) for row in (await connection.execute(query)).mappings()]


async def owned_among(
    connection: AsyncConnection, provider_job_ids: Sequence[str], *, but: str = ""
) -> set[str]:
    """Which of the provider's ids belong to a job of ours, or to another attempt than the one named `but`."""
    in_jobs = select(jobs.c.provider_job_id).where(jobs.c.provider_job_id.in_(provider_job_ids))
    in_attempts = select(attempts.c.provider_job_id).where(
        attempts.c.provider_job_id.in_(provider_job_ids), attempts.c.token != but
    )
    return {str(value) for value in (await connection.execute(in_jobs.union(in_attempts))).scalars()}


async def is_anothers(connection: AsyncConnection, provider_job_id: str, attempt: Attempt) -> bool:
    """Whether a render belongs to anything but this attempt and what was set aside for its job."""
    of_jobs = select(jobs.c.id).where(jobs.c.provider_job_id == provider_job_id)
    of_attempts = select(attempts.c.job_id).where(
        attempts.c.provider_job_id == provider_job_id,
        attempts.c.token != attempt.token,
        (attempts.c.job_id != attempt.job_id) | attempts.c.state.not_in(BESIDE),
    )
    return (await connection.execute(of_jobs.union(of_attempts))).first() is not None


def _attempt(row: RowMapping) -> Attempt:
    return Attempt(
        token=row["token"],
        job_id=row["job_id"],
        state=AttemptState(row["state"]),
        created_at=row["created_at"],
        answered_at=row["answered_at"],
        provider_job_id=row["provider_job_id"],
        estimate_usd_micros=row["estimate_usd_micros"],
    )
