"""Files on their way out: small ones read at once, large ones a large piece at a time."""

from __future__ import annotations

import io
import os
from pathlib import Path

PIECE_BYTES = 1024 * 1024
"""What one upload may hold in memory, and what each of its trips to another thread brings."""


class Outgoing(io.BufferedReader):
    """A large file; who sends it reads `PIECE_BYTES` at a time, and whoever opened it closes it."""


def open_outgoing(path: Path) -> tuple[io.BytesIO | Outgoing, int]:
    """Open a file to be sent, and return it with its bytes; blocks."""
    raw = io.FileIO(path)
    size = os.fstat(raw.fileno()).st_size
    if size > PIECE_BYTES:
        return Outgoing(raw), size
    with raw:
        return io.BytesIO(raw.readall()), size
