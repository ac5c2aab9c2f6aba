"""An order whose exact price passes one of the server's own limits: its moderators may let it through."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from studio import jobs
from studio.asking import ask_first
from studio.endings import end
from studio.equipment import Equipment, Moved, Outcome, because
from studio.errors import LimitReached
from studio.models import CAN_ASK, Job, JobState
from studio.moderation import petitions
from studio.moderation.petitions import Petition, Want, Wanted
from studio.sharing import admission, servers
from studio.sharing.policy import ApprovalMode, Policy


async def ask_or_refuse(
    equipment: Equipment, job: Job, price: int, met: LimitReached, now: datetime
) -> Outcome:
    """Have the moderators asked where they want to be, else refuse the order; `price` in usd_micros.

    Where moderators can be asked, the member may still do so by a press below the refusal.
    """
    try:
        async with equipment.database.write() as connection:
            server = await servers.read_rules(connection, job.place.guild_id)
            if met.can_ask and _wants_to_be_asked(server.policy):
                # The operator's own limits hold all the same.
                let_through = replace(job, order=replace(job.order, overruled=True))
                await admission.hold(
                    connection,
                    let_through,
                    price,
                    now=now,
                    because=because("waits for the moderators"),
                    budget=equipment.terms.monthly_budget_usd_micros,
                    server=server,
                )
                await ask_first(connection, let_through, server.policy, price, now)
                await jobs.overrule(connection, job)
                return Moved(
                    await jobs.move(
                        connection, let_through, JobState.PENDING_APPROVAL, now=now, held_usd_micros=price
                    )
                )
    except LimitReached as operators:
        met = operators
    facts = dict(met.facts)
    if met.can_ask and await _keep(equipment, job, now):
        facts[CAN_ASK] = True
    return await end(equipment, job, JobState.REFUSED, met.code, **facts)


async def _keep(equipment: Equipment, job: Job, now: datetime) -> bool:
    """Keep the order for its member's press, under the job's own id; False where nobody can be asked."""
    order, guild_id = job.order, job.place.guild_id
    wanted = Wanted(
        picture=order.picture, video=order.video, wishes=order.wishes, overruled=True, parent=order.parent
    )
    petition = Petition(
        id=job.id, at=now, guild_id=guild_id, member_id=order.member.id, wants=Want.MODERATOR, wanted=wanted
    )
    async with equipment.database.write() as connection:
        server = await servers.read_rules(connection, guild_id)
        if order.overruled or server.policy.approval.channel_id is None:
            return False
        if await petitions.read(connection, job.id) is None:
            await petitions.add(connection, petition)
    return True


def _wants_to_be_asked(policy: Policy) -> bool:
    return policy.approval.mode is ApprovalMode.OVER_LIMIT and policy.approval.channel_id is not None
