"""Members' one-time word that they may use the likenesses in their files: stored by server and version."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.sharing.tables import consents

VERSION = 2
"""Grows whenever the text `consent_needed` changes in what it means: then everybody is asked anew."""

TRIAL_VERSION = -2
"""The same for `consent_needed_trial`: a word that covers no file that leaves the house."""


def version_of(*, trial: bool) -> int:
    """Which words are put to members now."""
    return TRIAL_VERSION if trial else VERSION


async def add(
    connection: AsyncConnection, *, guild_id: int, member_id: int, now: datetime, trial: bool = False
) -> None:
    """Store the member's word to the present version; repeats change nothing."""
    version = version_of(trial=trial)
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"guild_id": guild_id, "member_id": member_id, "version": version, "at": now}
    await connection.execute(make(consents).values(row).on_conflict_do_nothing())


async def given(connection: AsyncConnection, *, guild_id: int, member_id: int, trial: bool = False) -> bool:
    """Whether the member has given their word to the present version; found by its key.

    In a `trial` a word for real clips counts as well, but not the other way round.
    """
    versions = (VERSION, TRIAL_VERSION) if trial else (VERSION,)
    query = select(consents.c.at).where(
        consents.c.guild_id == guild_id, consents.c.member_id == member_id, consents.c.version.in_(versions)
    )
    return (await connection.execute(query)).first() is not None
