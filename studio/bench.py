"""Where a process keeps its unfinished files: a folder of its own, beside those of others."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import threading
from pathlib import Path


class Bench:
    """Folders below `root`, one for each process, each guarded by a lock that ends with its process.

    A process id would not do: in containers every one is 1, and a killed one's is soon used again.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._making = threading.Lock()
        self._own: Path | None = None
        self._lock: int | None = None

    def own(self) -> Path:
        """This process's folder, made at its first use."""
        with self._making:
            if self._own is None:
                self._root.mkdir(parents=True, exist_ok=True)
                own = self._root / secrets.token_hex(8)
                # First the lock, then the folder: one without a held lock belongs to nobody.
                self._lock = os.open(_lock_of(own), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                own.mkdir()
                self._own = own
            return self._own

    def sweep(self) -> None:
        """Delete the folders whose processes are no more."""
        if not self._root.is_dir():
            return
        for folder in list(self._root.iterdir()):
            if folder.is_dir() and not _is_held(_lock_of(folder)):
                shutil.rmtree(folder, ignore_errors=True)
                _lock_of(folder).unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _is_held(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
