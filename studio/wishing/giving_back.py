"""What an order that came to nothing before it began gives back to its member."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from studio.moderation import petitions
from studio.wishing import picks


async def give_back(connection: AsyncConnection, job_id: str) -> None:
    """In the transaction that ends the order: its form or press counts again, its picks are kept again.

    Nobody else may have ended it: a form makes one clip at most.
    """
    await petitions.reopen(connection, job_id)
    await picks.put_back(connection, job_id)
