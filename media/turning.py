"""How stored frames have to be turned to be seen upright: the display matrix of QuickTime and MP4 tracks.

The matrix is that of ISO 14496-12, section 8.3.2 (16.16 fixed point); only its eight right-angled cases are
used, and any other angle counts as the nearest of them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame


@dataclass(frozen=True, slots=True)
class Turn:
    """`swaps` says whether width and height change places; `filters` are FFmpeg's, in order."""

    swaps: bool
    filters: tuple[tuple[str, str], ...]


UPRIGHT = Turn(False, ())

_TURNS = {
    (-1, 1): Turn(False, (("hflip", ""),)),
    (1, -1): Turn(False, (("vflip", ""),)),
    (-1, -1): Turn(False, (("hflip", ""), ("vflip", ""))),
}
_SWAPS = {
    (1, -1): Turn(True, (("transpose", "dir=clock"),)),
    (-1, 1): Turn(True, (("transpose", "dir=cclock"),)),
    (1, 1): Turn(True, (("transpose", "dir=cclock_flip"),)),
    (-1, -1): Turn(True, (("transpose", "dir=clock_flip"),)),
}


def turn_of(frame: VideoFrame) -> Turn:
    """Return how this decoded frame wants to be shown."""
    if Type.DISPLAYMATRIX not in frame.side_data:
        return UPRIGHT
    matrix = bytes(frame.side_data[Type.DISPLAYMATRIX])  # type: ignore[typeddict-item]  # stub: other keys
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _TURNS.get((_sign(a), _sign(d)), UPRIGHT)
    return _SWAPS[(_sign(b), _sign(c))]


def _sign(value: int) -> int:
    return -1 if value < 0 else 1
