"""A server's motion library for tests: motions with real files, made once in a test run."""

from __future__ import annotations

import functools
import shutil
from dataclasses import asdict
from pathlib import Path

from media import clips, previews
from studio.equipment import Equipment
from studio.ids import new_job_id
from studio.models import SourceFile
from studio.motions import shelf
from studio.motions.motion import Content, Cut, Motion, folder_of
from tests import media_files, sandbox_world

NAMES = ("motion.mp4", "thumbnail.jpg", "preview.gif")


@functools.cache
def prepared() -> Path:
    """A folder with the files of one motion, as the workshop would make them."""
    folder = Path(sandbox_world.workshop().name) / "motion"
    folder.mkdir()
    clips.prepare(sandbox_world.clip(), folder / NAMES[0], folder / NAMES[1], longest=30)
    previews.write_preview(folder / NAMES[0], folder / NAMES[2])
    return folder


@functools.cache
def long_clip() -> Path:
    """A video of 11 s: longer than orders that face like the picture take."""
    path = Path(sandbox_world.workshop().name) / "long.mp4"
    return media_files.clip_mp4(path, seconds=11, size=(352, 352), fps=5)


def on_disk(path: Path) -> SourceFile:
    """A file as `tests.studio_world.Disk` fetches it."""
    return SourceFile(f"file://{path}", path.name, path.stat().st_size, "video/mp4")


async def a_motion(
    equipment: Equipment, name: str, *, guild_id: int = 1, by: int = 99, tags: tuple[str, ...] = ()
) -> Motion:
    """Put a motion on the shelf whose files were made before."""
    motion_id = new_job_id(equipment.clock())
    keys = [f"{folder_of(motion_id)}/{each}" for each in NAMES]
    async with equipment.storage.workspace() as folder:
        for key in keys:
            copy = Path(shutil.copy(prepared() / Path(key).name, folder))
            await equipment.storage.put(key, copy)
    content = Content(
        cuts=(Cut(key=keys[0], seconds=3.2),),
        thumbnail_key=keys[1],
        preview_key=keys[2],
        width=352,
        height=352,
        has_sound=True,
    )
    async with equipment.database.write() as connection:
        taken = {"motion_id": motion_id, "guild_id": guild_id, "name": name, "by": by}
        await shelf.reserve(connection, **taken, now=equipment.clock())
        values = {"content": asdict(content), "size": 1000, "tags": list(tags)}
        await shelf.change(connection, guild_id, motion_id, **values)
        found = await shelf.find(connection, guild_id, motion_id)
    assert found is not None
    return found
