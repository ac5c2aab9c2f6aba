"""Files by key, in a local folder or a bucket, through obstore."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

from studio.bench import Bench
from studio.bucket import as_disk_trouble, bench_root, open_bucket
from studio.folders import (
    delete_folder,
    delete_unless_empty,
    files_in,
    keys_below,
    move_all_into_place,
    move_into_place,
    require_files,
)
from studio.settings import SettingsError

_CHUNK_BYTES = 4 * 1024 * 1024

_PART_BYTES = 8 * 1024 * 1024
"""S3 takes no part of an upload below 5 MiB, except for the last one."""


def open_storage(url: str, cloud: Mapping[str, str] | None = None) -> ObstoreFiles:
    """Open the storage that a STORAGE_URL names; a local folder is made if it is not there.

    `cloud` holds what opens a bucket, as in `Settings`. Raises `SettingsError` when that cannot be done.
    """
    folder = local_folder(url)
    try:
        if folder is None:
            return ObstoreFiles(open_bucket(url, cloud or {}), folder=None)
        folder.mkdir(parents=True, exist_ok=True)
        return ObstoreFiles(LocalStore(prefix=folder), folder=folder)
    except (OSError, BaseError) as error:
        # Only the first line: obstore adds a dump of its own values.
        reason = str(error).partition("\n")[0]
        raise SettingsError([f"STORAGE_URL cannot be used ({reason})."]) from error


def local_folder(url: str) -> Path | None:
    """The folder that a STORAGE_URL names; None for a bucket."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


class ObstoreFiles:
    """Satisfies `studio.ports.Storage`. `folder` is the local folder behind the store, if there is one.

    A bucket that does not answer is told as an OSError (EIO).
    """

    def __init__(self, store: ObjectStore, *, folder: Path | None) -> None:
        self._store = store
        self._folder = folder
        self._bench = Bench(folder / ".work" if folder else bench_root())
        self._emptied: set[Path] = set()
        self._spare: list[Path] = []

    async def put(self, key: str, path: Path) -> None:
        if self._folder is not None:
            target = self._folder / key
            await asyncio.to_thread(move_into_place, path, target)
            return
        with as_disk_trouble():
            await obstore.put_async(self._store, key, path, chunk_size=_PART_BYTES)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def put_all(self, prefix: str, workspace: Path) -> None:
        if self._folder is not None:
            if await asyncio.to_thread(move_all_into_place, workspace, self._folder / prefix):
                self._emptied.add(workspace)
            return
        for path in await asyncio.to_thread(files_in, workspace):
            await self.put(f"{prefix}/{path.name}", path)

    @asynccontextmanager
    async def checkout(self, key: str) -> AsyncIterator[Path]:
        async with self.checkout_all(key) as (path,):
            yield path

    @asynccontextmanager
    async def checkout_all(self, *keys: str) -> AsyncIterator[tuple[Path, ...]]:
        if self._folder is not None:
            paths = tuple(self._folder / key for key in keys)
            await asyncio.to_thread(require_files, *paths)
            yield paths
            return
        async with AsyncExitStack() as stack:
            yield tuple([await stack.enter_async_context(self._brought(key)) for key in keys])

    @asynccontextmanager
    async def _brought(self, key: str) -> AsyncIterator[Path]:
        async with self.workspace() as folder:
            path = folder / Path(key).name
            with as_disk_trouble():
                await self._bring(key, path)
            yield path

    async def _bring(self, key: str, path: Path) -> None:
        response = await obstore.get_async(self._store, key)
        with await asyncio.to_thread(path.open, "wb") as file:
            async for chunk in response.stream(min_chunk_size=_CHUNK_BYTES):
                await asyncio.to_thread(file.write, chunk)

    async def read(self, key: str, start: int, stop: int) -> bytes:
        with as_disk_trouble():
            return bytes(await obstore.get_range_async(self._store, key, start=start, end=stop))

    async def delete_tree(self, prefix: str) -> None:
        if self._folder is not None:
            await asyncio.to_thread(delete_folder, self._folder / prefix)
            return
        keys = await self.keys(prefix)
        if keys:
            with as_disk_trouble():
                await obstore.delete_async(self._store, list(keys))

    async def keys(self, prefix: str) -> Sequence[str]:
        if self._folder is not None:
            return await asyncio.to_thread(keys_below, self._folder, prefix)
        with as_disk_trouble():
            listing = await obstore.list(self._store, prefix=prefix).collect_async()
        return [item["path"] for item in listing]

    @asynccontextmanager
    async def workspace(self) -> AsyncIterator[Path]:
        folder = self._spare.pop() if self._spare else await asyncio.to_thread(self._new_folder)
        try:
            yield folder
        except BaseException:
            # Not for anybody else: where it was cancelled, a thread may still be about to write there.
            self._emptied.discard(folder)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        if folder in self._emptied or await asyncio.to_thread(delete_unless_empty, folder):
            # The next one needs no trip to another thread to make its own.
            self._emptied.discard(folder)
            self._spare.append(folder)

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="job-", dir=self._bench.own()))

    async def sweep(self) -> None:
        await asyncio.to_thread(self._bench.sweep)

    async def aclose(self) -> None:
        """Delete what was for this process alone; for when its work is done."""
        self._spare.clear()
        await asyncio.to_thread(self._bench.clear)
