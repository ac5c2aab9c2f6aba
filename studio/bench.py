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
        """This process's folder, made at its first use. Raises OSError if it cannot be."""
        with self._making:
            if self._own is None:
                self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
                own = self._root / secrets.token_hex(8)
                # First the lock, then the folder: one without a held lock belongs to nobody.
                self._lock = _locked(_lock_of(own))
                own.mkdir()
                self._own = own
            return self._own

    def sweep(self) -> None:
        """Delete the folders whose processes are no more."""
        if not self._root.is_dir():
            return
        for lock in list(self._root.glob("*.lock")):
            _delete_unless_held(lock)
        for entry in list(self._root.iterdir()):
            if entry.is_dir() and not _lock_of(entry).exists():
                # What a dying child still wrote while its folder was being deleted.
                shutil.rmtree(entry, ignore_errors=True)

    def clear(self) -> None:
        """Delete this process's own folder: its work is done."""
        with self._making:
            if self._own is None or self._lock is None:
                return
            shutil.rmtree(self._own, ignore_errors=True)
            _lock_of(self._own).unlink(missing_ok=True)
            os.close(self._lock)
            self._own = self._lock = None


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _locked(lock: Path) -> int:
    """Make the file and hold its lock; return the descriptor that holds it."""
    while True:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if lock.exists() and os.path.samestat(os.fstat(descriptor), lock.stat()):
            return descriptor
        # Between the two lines somebody swept it away: a lock on it would guard nothing.
        os.close(descriptor)


def _delete_unless_held(lock: Path) -> None:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
