"""Opening a bucket: with the operator's credentials, limits of time, and its trouble told as a disk's."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig  # they exist for type checkers alone

CONNECT_SECONDS, REQUEST_SECONDS = "10s", "120s"
"""A request carries 8 MiB at most one way, and a whole input the other."""

_RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
"""Little: a step that fails for the bucket is repeated anyway, and nobody waits in between."""

_TRUE = {"1", "true", "on", "yes", "y"}

_environment_lock = threading.Lock()


def open_bucket(url: str, cloud: Mapping[str, str]) -> ObjectStore:
    """Open the bucket that a STORAGE_URL names; `cloud` as in `Settings`. Raises obstore's `BaseError`."""
    allow_http = any(
        value.strip().lower() in _TRUE for name, value in cloud.items() if name.endswith("_ALLOW_HTTP")
    )
    options: ClientConfig = {
        "timeout": REQUEST_SECONDS,
        "connect_timeout": CONNECT_SECONDS,
        "allow_http": allow_http,
    }
    with _in_environment(cloud):
        return from_url(url, client_options=options, retry_config=_RETRIES)


@contextmanager
def _in_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Show the variables to a library for a moment.

    obstore takes them as arguments too, but refuses those that it does not know, and there are always some.
    """
    with _environment_lock:
        missing = [name for name in variables if name not in os.environ]
        os.environ.update({name: variables[name] for name in missing})
        try:
            yield
        finally:
            for name in missing:
                del os.environ[name]


@contextmanager
def as_disk_trouble() -> Iterator[None]:
    """Raise a bucket's trouble as an OSError: like a broken disk's it passes, and is no order's fault."""
    try:
        yield
    except BaseError as error:
        # Only the first line: obstore adds a dump of its own values.
        raise OSError(errno.EIO, str(error).partition("\n")[0]) from error


def bench_root() -> Path:
    """Where unfinished files are kept while the finished ones are in a bucket.

    Raises OSError when another user has taken that place.
    """
    root = Path(tempfile.gettempdir()) / f"animate-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    found = root.lstat()
    if not root.is_dir() or root.is_symlink() or found.st_uid != os.getuid():
        raise PermissionError(errno.EACCES, f"{root} belongs to somebody else")
    return root
