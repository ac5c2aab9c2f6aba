"""Files by key in a local folder: whole or not at all, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sys
import threading
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


TENANT = """
import asyncio, sys
from studio.storage import open_storage

async def main():
    storage = open_storage(sys.argv[1])
    async with storage.workspace() as folder:
        (folder / ".workshop-child").mkdir()
        (folder / ".workshop-child" / "half").write_bytes(b"x")
        print(folder / ".workshop-child" / "half", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            await storage.sweep()
            print("swept", flush=True)
    await storage.aclose()

asyncio.run(main())
"""
"""Has an unfinished file, sweeps for each line that it is given, and ends when there are no more."""


class Tenant:
    """One of several processes on one folder."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def move_in(self) -> Path:
        """Start; return the path of the unfinished file."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            TENANT,
            self._url,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return Path(await self._said())

    async def sweep(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        assert await self._said() == "swept"

    async def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert await self.process.wait() == 0

    async def die(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def _said(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode().strip()


async def test_of_several_processes_on_one_folder_only_the_files_of_killed_ones_are_swept(
    tmp_path: Path,
) -> None:
    url = (tmp_path / "files").as_uri()
    tenants = [Tenant(url) for _ in range(4)]
    halves = [await tenant.move_in() for tenant in tenants]

    for killed in (0, 1):
        await tenants[killed].die()
    await asyncio.gather(*(tenant.sweep() for tenant in tenants[2:]))
    left = [half.exists() for half in halves]
    for tenant in tenants[2:]:
        await tenant.leave()

    assert left == [False, False, True, True]
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


async def test_processes_that_come_and_are_killed_while_others_sweep_never_harm_each_other(
    tmp_path: Path,
) -> None:
    url = (tmp_path / "files").as_uri()
    sweeper = Tenant(url)
    kept = await sweeper.move_in()

    async def life(*, is_killed: bool) -> bool:
        tenant = Tenant(url)
        half = await tenant.move_in()
        await asyncio.gather(*(open_storage(url).sweep() for _ in range(20)))
        lived_on = half.exists()
        await (tenant.die() if is_killed else tenant.leave())
        return lived_on

    lived_on = await asyncio.gather(*(life(is_killed=number % 2 == 0) for number in range(6)))
    await sweeper.sweep()
    still_there = kept.exists()
    await sweeper.leave()

    assert all(lived_on)
    assert still_there
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("is_local", [True, False], ids=["folder", "bucket"])
async def test_a_whole_workspace_is_put_and_several_keys_are_checked_out_at_once(
    tmp_path: Path, is_local: bool
) -> None:
    files = open_storage(tmp_path.as_uri()) if is_local else ObstoreFiles(MemoryStore(), folder=None)
    async with files.workspace() as folder:
        for name in ("a", "b"):
            (folder / name).write_text(name)
        await files.put_all("jobs/x/input", folder)

    async with files.checkout_all("jobs/x/input/b", "jobs/x/input/a") as paths:
        read = [path.read_text() for path in paths]
    with pytest.raises(FileNotFoundError):
        async with files.checkout_all("jobs/x/input/a", "jobs/x/input/c"):
            pass

    assert read == ["b", "a"]
    assert sorted(await files.keys("jobs/x")) == ["jobs/x/input/a", "jobs/x/input/b"]


async def test_every_workspace_is_empty_and_nobody_else_s(storage: ObstoreFiles) -> None:
    async with storage.workspace() as first:
        (first / "file").touch()
        (first / "folder").mkdir()
        await storage.put_all("jobs/a", first)
    async with storage.workspace() as second:
        (second / "left").touch()
    async with storage.workspace() as third, storage.workspace() as fourth:
        found = [*third.iterdir(), *fourth.iterdir()]
        are_apart = third != fourth
        await storage.put_all("jobs/b", third)
    async with storage.workspace() as fifth, storage.workspace() as sixth:
        found += [*fifth.iterdir(), *sixth.iterdir()]
        are_apart = are_apart and fifth != sixth
    await storage.aclose()
    async with storage.workspace() as last:
        found += list(last.iterdir())

    assert are_apart
    assert found == []
    assert list(await storage.keys("jobs")) == ["jobs/a/file"]


async def test_a_cancelled_one_s_late_file_is_in_nobody_else_s_workspace(storage: ObstoreFiles) -> None:
    begun, may_go_on, is_over = threading.Event(), threading.Event(), threading.Event()

    def write_late(path: Path) -> None:
        begun.set()
        may_go_on.wait(10)
        with contextlib.suppress(FileNotFoundError):
            path.touch()
        is_over.set()

    async def work() -> None:
        async with storage.workspace() as folder:
            await asyncio.to_thread(write_late, folder / "late")

    working = asyncio.create_task(work())
    await asyncio.to_thread(begun.wait, 10)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    async with storage.workspace() as next_one:
        may_go_on.set()
        await asyncio.to_thread(is_over.wait, 10)
        found = list(next_one.iterdir())

    assert found == []


async def test_what_cannot_be_deleted_is_said(storage: ObstoreFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(storage, "jobs/a/clip.mp4", b"x")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "read only")

    monkeypatch.setattr(os, "unlink", refused)

    with pytest.raises(PermissionError):
        await storage.delete_tree("jobs/a")


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
