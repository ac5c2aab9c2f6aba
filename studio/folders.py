"""What is done to local folders of stored files; all of it blocks."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

_CHANGED_MEANWHILE = frozenset({errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST})
_DELETE_TRIES = 10


def move_into_place(source: Path, target: Path) -> None:
    """Move a file; it appears whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError:
        # Another file system: copy beside the target first, so that the target appears whole.
        partial = target.with_name(f".{target.name}.partial")
        shutil.copyfile(source, partial)
        partial.replace(target)
        source.unlink()


def move_all_into_place(source: Path, target: Path) -> bool:
    """Move every file of one folder into another, and return whether that left nothing behind."""
    for path in files_in(source):
        move_into_place(path, target / path.name)
    return not any(source.iterdir())


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def require_files(*paths: Path) -> None:
    """Raises FileNotFoundError for the first one that is not there."""
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(path)


def keys_below(root: Path, prefix: str) -> list[str]:
    """The paths of all files below `root / prefix`, as seen from `root`."""
    return [
        Path(folder, name).relative_to(root).as_posix()
        for folder, _, names in os.walk(root / prefix)
        for name in names
    ]


def delete_unless_empty(folder: Path) -> bool:
    """Return whether the folder is empty, and so as good as a new one."""
    if folder.is_dir() and not any(folder.iterdir()):
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def delete_folder(folder: Path) -> None:
    """Delete it with everything in it, also while others do so or still write there.

    Raises OSError when that cannot be done.
    """
    for tries_left in reversed(range(_DELETE_TRIES)):
        if not folder.is_dir():
            return
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if error.errno not in _CHANGED_MEANWHILE or not tries_left:
                raise
