"""An estimate above what was agreed: the operator is told, and whoever has a say is asked again."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs, notes
from studio.answers import show_answers
from studio.crashpoints import passing
from studio.endings import put_back
from studio.equipment import Equipment, Outcome, Wait, because
from studio.models import Job, JobState
from studio.moderation import approvals
from studio.moderation.questions import Why, needed
from studio.sharing import admission, servers

DEARER = "provider: estimate"
"""The subject of the operator's alarm."""

TOLD_FOR = timedelta(days=1)
"""How long the alarm stands at least, whatever is estimated for other orders meanwhile."""

_TOLD = "dearer:told_at"


async def compare_with_list(equipment: Equipment, job: Job, estimate: int) -> None:
    """Tell the operator when the provider asks more than its list, once a day at most.

    It may do so for some inputs only: an estimate that keeps to the list says nothing about the next one.
    """
    assert job.inputs is not None
    listed = equipment.terms.usd_micros_per_second * math.ceil(job.inputs.seconds)
    told_at = await _told_at(equipment)
    if estimate <= listed:
        if told_at is not None and equipment.clock() - told_at >= TOLD_FOR:
            await equipment.operator.clear(DEARER)
            async with equipment.database.write() as connection:
                await notes.erase(connection, _TOLD)
        return
    if told_at is None:
        await _note_told(equipment)
    await equipment.operator.alarm(
        DEARER,
        f"the provider estimates {estimate} millionths of a dollar for order {job.id} where its list says "
        f"{listed}; where a price has to be confirmed or approved, it is asked for anew",
    )


async def _told_at(equipment: Equipment) -> datetime | None:
    async with equipment.database.read() as connection:
        noted = await notes.read(connection, _TOLD)
    return None if noted is None else datetime.fromisoformat(noted)


async def _note_told(equipment: Equipment) -> None:
    # Another process may note it at the same moment.
    with suppress(IntegrityError):
        async with equipment.database.write() as connection:
            await notes.add(connection, _TOLD, equipment.clock().isoformat())


async def agree(equipment: Equipment, job: Job, estimate: int) -> Job | Outcome:
    """Hold the estimate, which is above what is held; the job, if it may be ordered at that price.

    A yes to the lower price is none to this one: who gave it, or has a say from here on, is asked first.
    Raises `LimitReached`.
    """
    now = equipment.clock()
    async with equipment.database.read() as connection:
        questions = await approvals.of_job(connection, job.id)
    if not await show_answers(equipment, job, questions):
        # The buttons of the old question would say yes to the new price.
        # It is no try of the job's: those are counted for its uploads.
        return Wait(equipment.terms.waits.unshown)
    async with equipment.database.write() as connection:
        await admission.hold(
            connection,
            job,
            estimate,
            now=now,
            because=because("estimate above the listed price"),
            budget=equipment.terms.monthly_budget_usd_micros,
        )
        passing("ordering.hold_raised")
        if not await _ask_anew(connection, job, estimate, now):
            return await jobs.amend(connection, job, held_usd_micros=estimate)
        return await put_back(
            connection, job, to=JobState.PENDING_APPROVAL, now=now, held_usd_micros=estimate
        )


async def _ask_anew(connection: AsyncConnection, job: Job, price: int, now: datetime) -> bool:
    """Put every question that this price needs; whether there is one."""
    assert job.inputs is not None
    server = await servers.read_rules(connection, job.place.guild_id)
    found = job.inputs.found
    questions = needed(server.policy, job.order, price, now, found=found)
    for question in questions:
        why = question.why if question.why == found else Why.DEARER
        await approvals.put_anew(connection, replace(question, why=why))
    return bool(questions)
