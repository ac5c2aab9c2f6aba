"""Files by key in a local folder: whole or not at all, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.storage import ObstoreFiles, open_storage


@pytest.fixture
def storage(tmp_path: Path) -> ObstoreFiles:
    return open_storage((tmp_path / "with space").as_uri())


async def put(storage: ObstoreFiles, key: str, content: bytes) -> None:
    async with storage.workspace() as folder:
        (folder / "file").write_bytes(content)
        await storage.put(key, folder / "file")


async def test_a_stored_file_is_read_back_and_its_source_is_consumed(storage: ObstoreFiles) -> None:
    async with storage.workspace() as folder:
        path = folder / "file"
        path.write_bytes(b"content")
        await storage.put("jobs/a/clip.mp4", path)
        consumed = not path.exists()

    async with storage.checkout("jobs/a/clip.mp4") as stored:
        assert stored.read_bytes() == b"content"
    assert consumed


async def test_a_missing_key_is_said_plainly(storage: ObstoreFiles) -> None:
    with pytest.raises(FileNotFoundError):
        async with storage.checkout("jobs/a/nothing"):
            pass


async def test_keys_are_listed_below_a_prefix_and_deleted_with_it(storage: ObstoreFiles) -> None:
    for key in ("jobs/a/source/picture", "jobs/a/clip.mp4", "jobs/ab/clip.mp4"):
        await put(storage, key, b"x")

    listed = await storage.keys("jobs/a")
    await storage.delete_tree("jobs/a")
    await storage.delete_tree("jobs/never")

    assert sorted(listed) == ["jobs/a/clip.mp4", "jobs/a/source/picture"]
    assert list(await storage.keys("jobs/a")) == []
    assert list(await storage.keys("jobs")) == ["jobs/ab/clip.mp4"]


async def test_workspaces_vanish_and_those_of_a_killed_process_are_swept(
    storage: ObstoreFiles, tmp_path: Path
) -> None:
    async with storage.workspace() as folder:
        (folder / "left").write_bytes(b"x")
        kept = folder
    left_behind = tmp_path / "with space" / ".work" / "job-killed"
    left_behind.mkdir(parents=True)
    await storage.sweep()

    assert not kept.exists()
    assert not left_behind.exists()
