"""The outermost boxes of an MP4 or MOV (ISO 14496-12, section 4.2): in which order, and whether all there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MOST_BOXES = 100_000


@dataclass(frozen=True, slots=True)
class Layout:
    """`complete` is False when a box goes on behind the end of the file: the file was cut off."""

    names: tuple[bytes, ...]
    complete: bool

    @property
    def index_first(self) -> bool:
        """Whether a player may begin before it has the whole file (and nothing is fragmented)."""
        if b"moov" not in self.names or b"moof" in self.names:
            return False
        return b"mdat" not in self.names or self.names.index(b"moov") < self.names.index(b"mdat")


def read_layout(path: Path) -> Layout:
    """Read the headers of the outermost boxes; a tail too short to be a box is ignored, as players do."""
    end = path.stat().st_size
    names: list[bytes] = []
    start = 0
    with path.open("rb") as file:
        while start + 8 <= end and len(names) < MOST_BOXES:
            file.seek(start)
            header = file.read(16)
            size, name = int.from_bytes(header[:4], "big"), header[4:8]
            if size == 1:
                size = int.from_bytes(header[8:16], "big")
            elif size == 0:
                size = end - start
            if size < 8:
                break
            names.append(name)
            start += size
    return Layout(tuple(names), complete=start <= end)
