"""What a job's row may keep once the member's words and files are gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs


async def scrub(connection: AsyncConnection, job_id: str, **further: Any) -> None:
    """Blank words, file names, addresses and tokens of the job, and set `further` columns.

    What it cost, how long it was and how it ended stays.
    """
    columns = (jobs.c.wishes, jobs.c.picture, jobs.c.video, jobs.c.clip)
    query = select(*columns).where(jobs.c.id == job_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        return
    clip = row["clip"]
    values = {
        "wishes": {**row["wishes"], "prompt": "", "negative_prompt": ""},
        "picture": _nameless(row["picture"]),
        "video": _nameless(row["video"]),
        "clip": None if clip is None else {**clip, "source_url": ""},
        "source_url": None,
        "interaction_token": None,
    }
    await connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values, **further))


def _nameless(file: Mapping[str, Any]) -> dict[str, Any]:
    return {**file, "url": "", "filename": ""}
