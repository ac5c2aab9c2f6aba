"""Files by key in a local folder: whole or not at all, and nothing left behind."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from studio.storage import ObstoreFiles, open_storage

ROOT = Path(__file__).parent.parent


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


async def test_a_process_that_starts_leaves_the_workspaces_of_others_alone(
    storage: ObstoreFiles, tmp_path: Path
) -> None:
    async with storage.workspace() as folder:
        (folder / "half").write_bytes(b"x")
        beside = open_storage((tmp_path / "with space").as_uri())
        await beside.sweep()
        await storage.sweep()

        assert (folder / "half").exists()


async def test_the_workspaces_of_a_process_that_died_are_swept_by_the_next(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from studio.storage import open_storage\n"
        "async def main():\n"
        "    async with open_storage(sys.argv[1]).workspace() as folder:\n"
        "        (folder / 'half').write_bytes(b'x')\n"
        "        os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    url = (tmp_path / "files").as_uri()
    died = await asyncio.create_subprocess_exec(sys.executable, "-c", script, url, cwd=ROOT)
    await died.wait()
    left = list((tmp_path / "files" / ".work").rglob("half"))

    await open_storage(url).sweep()

    assert died.returncode == -9
    assert len(left) == 1
    assert list((tmp_path / "files" / ".work").iterdir()) == []


async def test_in_a_bucket_files_are_put_checked_out_listed_and_deleted_alike(tmp_path: Path) -> None:
    # obstore's store in memory takes the same way through our code as S3 does.
    storage = ObstoreFiles(MemoryStore(), folder=None)
    content = bytes(range(256)) * 40_000
    for key in ("jobs/a/source/picture", "jobs/a/clip.mp4", "jobs/ab/clip.mp4"):
        await put(storage, key, content)

    async with storage.checkout("jobs/a/clip.mp4") as path:
        read = path.read_bytes()
    listed = await storage.keys("jobs/a")
    await storage.delete_tree("jobs/a")

    assert read == content
    assert not path.exists()
    assert sorted(listed) == ["jobs/a/clip.mp4", "jobs/a/source/picture"]
    assert list(await storage.keys("jobs")) == ["jobs/ab/clip.mp4"]
    with pytest.raises(FileNotFoundError):
        async with storage.checkout("jobs/a/clip.mp4"):
            pass


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
