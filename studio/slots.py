"""How many renders the provider takes at once: fewer after it refused one, slowly more again."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import notes
from studio.database import jobs
from studio.models import JobState

_KEY = "provider_slots"


async def refused(connection: AsyncConnection, *, now: datetime) -> int:
    """Note that the provider takes no more than what it renders now; returns that number, at least 1."""
    query = select(func.count()).where(jobs.c.closed_at.is_(None), jobs.c.state == JobState.RENDERING)
    slots = max(1, int((await connection.execute(query)).scalar_one()))
    await notes.write(connection, _KEY, json.dumps({"slots": slots, "since": now.isoformat()}))
    return slots


async def allowed(connection: AsyncConnection, *, most: int, now: datetime, recovery: float) -> int:
    """Slots there are now: at most what was refused last, and one more for each `recovery` seconds since."""
    value = await notes.read(connection, _KEY)
    if value is None:
        return most
    parsed = json.loads(value)
    # Seconds in which the clock was set back count as none.
    passed = max(0.0, (now - datetime.fromisoformat(parsed["since"])).total_seconds())
    return min(most, int(parsed["slots"]) + int(passed // recovery))
