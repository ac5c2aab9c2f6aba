"""Whether a refusal that names no reason we know is about the one order that met it, or about everybody."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.attempts import AttemptState
from studio.database import attempts
from studio.errors import OperatorMustAct, OperatorProblem, ProviderError

REFUSALS = 3
"""How often an order must have been refused; one refusal may have been everybody's at that moment."""

OF_ONE_ORDER = frozenset({OperatorProblem.ACCESS, OperatorProblem.MODEL})
"""What a status may mean that is one order's trouble; a key and a balance are everybody's."""


def may_be_its_own(error: ProviderError) -> bool:
    """Whether the refusal of a submit may be for what this order holds; of other calls it never is."""
    return isinstance(error, OperatorMustAct) and error.guessed and error.problem in OF_ONE_ORDER


async def is_refused_alone(connection: AsyncConnection, job_id: str) -> bool:
    """Whether the provider goes on refusing this order although it has taken others meanwhile."""
    refusals = (
        select(attempts.c.created_at)
        .where(
            attempts.c.job_id == job_id,
            attempts.c.state == AttemptState.REFUSED,
            attempts.c.may_be_its_own.is_(True),
        )
        .order_by(attempts.c.created_at.desc())
        .limit(REFUSALS)
    )
    moments = list((await connection.execute(refusals)).scalars())
    if len(moments) < REFUSALS:
        return False
    others = select(attempts.c.token).where(
        attempts.c.state == AttemptState.ACCEPTED,
        attempts.c.job_id != job_id,
        attempts.c.created_at > moments[-1],
    )
    return (await connection.execute(others.limit(1))).first() is not None
