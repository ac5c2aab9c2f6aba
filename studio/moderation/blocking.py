"""Blocking a member: the same whether by command, from a request or from a report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from studio.errors import OrderRefused
from studio.moderation import approvals, audit
from studio.sharing import blocks
from studio.sharing.blocks import Block
from studio.texts import date, say


async def block(connection: AsyncConnection, new: Block, *, job_id: str | None = None) -> list[str]:
    """Write the block with its record; return the member's jobs that waited for an answer.

    Those look again, and end, when they are woken after the transaction. `job_id`: the clip that it is about.
    Raises `OrderRefused` for moderators who would block themselves.
    """
    if new.member_id == new.actor_id:
        raise OrderRefused("block_yourself")
    await blocks.add(connection, new)
    entry = audit.Entry(
        at=new.at,
        guild_id=new.guild_id,
        actor_id=new.actor_id,
        action="blocked",
        subject=subject_of(new.member_id),
        job_id=job_id,
        reason=new.reason,
        details=_until(new.until),
    )
    await audit.add(connection, entry)
    waiting = await approvals.waiting_of(connection, guild_id=new.guild_id, member_id=new.member_id)
    return [each for each in waiting if await approvals.rouse(connection, each)]


def told(member_id: int, until: datetime | None) -> str:
    """What a moderator reads who has blocked somebody; `until` None = for good."""
    return say("studio_blocked", subject=subject_of(member_id), **_until(until))


def _until(until: datetime | None) -> dict[str, Any]:
    return {} if until is None else {"until": date(until)}


def subject_of(member_id: int) -> str:
    """The member as the record names them; one who is forgotten has only an alias."""
    return f"<@{member_id}>" if member_id > 0 else f"member {member_id}"
