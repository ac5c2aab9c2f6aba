"""Deleting the files of motions that were removed, or that nobody has finished adding."""

from __future__ import annotations

from datetime import timedelta

import structlog

from studio.equipment import Equipment
from studio.motions import shelf
from studio.motions.motion import folder_of

log = structlog.get_logger(__name__)

ABANDONED = timedelta(hours=1)
"""Making a motion's files takes a minute; what takes longer has lost its process."""


async def clear(equipment: Equipment) -> int:
    """Delete what no unfinished order needs any more; return how many motions. May be repeated."""
    before = equipment.clock() - ABANDONED
    async with equipment.database.read() as connection:
        found = await shelf.removed(connection, abandoned_before=before)
        needed = {guild: await shelf.needed(connection, guild) for guild in {guild for _, guild in found}}
    gone = [motion_id for motion_id, guild in found if motion_id not in needed[guild]]
    for motion_id in gone:
        await delete(equipment, motion_id)
    return len(gone)


async def clear_server(equipment: Equipment, guild_id: int) -> None:
    """Delete the whole library of a server that was left."""
    async with equipment.database.read() as connection:
        found = await shelf.of_server(connection, guild_id)
    for motion_id in found:
        await delete(equipment, motion_id)


async def delete(equipment: Equipment, motion_id: str) -> None:
    """Delete the files first: a row without files is found again, files without a row are not."""
    await equipment.storage.delete_tree(folder_of(motion_id))
    async with equipment.database.write() as connection:
        await shelf.forget(connection, motion_id)
    log.info("motion_deleted", motion_id=motion_id)
