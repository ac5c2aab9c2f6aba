"""Which bytes of a file a request asks for (RFC 9110, section 14), without I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=\s*(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))\s*", re.ASCII)


class CannotSatisfy(Exception):
    """The range lies outside of the file: 416."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to, not including, `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def of(self, size: int) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def read_range(header: str | None, size: int) -> Span | None:
    """Return the one range that is asked for; None: the whole file, also for what may be ignored.

    Several ranges may be (section 14.2), and no player asks for them. Raises `CannotSatisfy`.
    """
    match = _SINGLE.fullmatch(header) if header else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, stop = max(0, size - int(suffix)), size
    else:
        start, stop = int(first), size if last is None else min(size, int(last) + 1)
        if last is not None and int(last) < start:
            return None  # no range at all (section 14.1.1): ignored
    if start >= size or start >= stop:
        raise CannotSatisfy
    return Span(start, stop)
