"""How the scene of a video moves: pan, zoom and rotation between its frames.

Consecutive frames are aligned directly (robust Gauss–Newton over a small pyramid) rather than read from the
codec's motion vectors: few codecs give those, and in H.264 their length depends on which reference frame each
block chose. A movement is a complex pair (turn, shift): a point z, measured from the middle, goes to
`turn * z + shift`.
"""

from __future__ import annotations

import cmath
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from providers.sandbox_render.probe import open_video

Plane = NDArray[np.float32]

LONG_SIDE = 160
FRAMES_PER_SECOND = 10.0
LEAST_LIKENESS = 0.4
# Brightness steps between neighbouring points; below is flat or the noise of the codec.
_TEXTURE = 2.0


@dataclass(frozen=True, slots=True)
class Movement:
    """`turn` is scale and rotation as one factor, `shift` the pan in units of the frame's shorter side."""

    turn: complex = 1 + 0j
    shift: complex = 0j

    def then(self, later: Movement) -> Movement:
        return Movement(later.turn * self.turn, later.turn * self.shift + later.shift)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Where the scene has gone since the first frame, at some moments (in seconds); and the video's shape."""

    moments: tuple[float, ...]
    movements: tuple[Movement, ...]
    width: int
    height: int
    frames_per_second: float
    seconds: float


def track(path: str) -> Track:
    """Follow the scene through the whole video; a black or still one yields movements of nothing."""
    moments: list[float] = []
    movements: list[Movement] = []
    with open_video(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.options = {"skip_loop_filter": "all"}
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        declared = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        before: Plane | None = None
        shape, end, due = (0, 0), 0.0, 0.0
        for moment, frame in _timed(container, stream):
            end = moment + 1 / rate
            if moment + 1e-6 < due:
                continue
            due = moment + 1 / FRAMES_PER_SECOND
            plane, shape = _plane(frame)
            step = Movement() if before is None else align(before, plane)
            movements.append(movements[-1].then(step) if movements else step)
            moments.append(moment)
            before = plane
    return Track(
        moments=tuple(moments),
        movements=tuple(movements),
        width=shape[0],
        height=shape[1],
        frames_per_second=rate,
        seconds=declared or end,
    )


def _timed(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield every frame with its moment, in seconds since the first."""
    first: float | None = None
    for frame in container.decode(stream):
        if frame.time is not None:
            first = frame.time if first is None else first
            yield frame.time - first, frame


def _plane(frame: av.VideoFrame) -> tuple[Plane, tuple[int, int]]:
    """The frame as it is shown: small, grey, upright; with the size that it is shown at."""
    ratio = min(1.0, LONG_SIDE / max(frame.width, frame.height))
    width, height = (max(16, round(side * ratio / 4) * 4) for side in (frame.width, frame.height))
    small = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    quarters = round(frame.rotation / 90) % 4
    plane = np.rot90(small.to_ndarray(), quarters).astype(np.float32)
    shown = (frame.height, frame.width) if quarters % 2 else (frame.width, frame.height)
    return np.ascontiguousarray(plane), shown


def align(before: Plane, after: Plane) -> Movement:
    """Find the movement that carries `before` onto `after`; none at all when they do not look alike."""
    unit = min(before.shape)
    pyramid = [(before, after)]
    while min(pyramid[-1][0].shape) >= 40:
        pyramid.append((_halved(pyramid[-1][0]), _halved(pyramid[-1][1])))
    top_before, top_after = pyramid[-1]
    shift = _best_start(top_before, top_after)
    turn = 1 + 0j
    for level, (one, other) in enumerate(reversed(pyramid)):
        if level:
            shift *= 2
        turn, shift = _refine(one, other, turn, shift)
    if _likeness(before, after, turn, shift) < LEAST_LIKENESS or not _plausible(turn, shift / unit):
        return Movement()
    return Movement(turn, shift / unit)


def _plausible(turn: complex, shift: complex) -> bool:
    """Within a tenth of a second no hand-held camera does more than this; a cut or a flash does."""
    return 0.7 < abs(turn) < 1.4 and abs(cmath.phase(turn)) < 0.5 and abs(shift) < 0.8


def _halved(plane: Plane) -> Plane:
    even = plane[: plane.shape[0] // 2 * 2, : plane.shape[1] // 2 * 2]
    quarters = even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]
    return quarters * np.float32(0.25)


def _best_start(before: Plane, after: Plane) -> complex:
    """The pan by phase correlation, where that explains the frames better than standing still does."""
    height, width = before.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    spectrum = np.fft.rfft2((after - after.mean()) * window) * np.conj(
        np.fft.rfft2((before - before.mean()) * window)
    )
    surface = np.fft.irfft2(spectrum / (np.abs(spectrum) + 1e-3), s=before.shape)
    row, column = np.unravel_index(int(np.argmax(surface)), surface.shape)
    dy = int(row) - height if row > height // 2 else int(row)
    dx = int(column) - width if column > width // 2 else int(column)
    shift = complex(dx, dy)
    return shift if _likeness(before, after, 1 + 0j, shift) > _likeness(before, after, 1 + 0j, 0j) else 0j


def _grid(shape: tuple[int, ...]) -> tuple[Plane, Plane]:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    return columns - np.float32((shape[1] - 1) / 2), rows - np.float32((shape[0] - 1) / 2)


def _sample(plane: Plane, turn: complex, shift: complex) -> tuple[Plane, NDArray[np.bool_]]:
    """Read `plane` (bilinear) where each point of the grid has gone; and which of them are inside."""
    height, width = plane.shape
    x, y = _grid(plane.shape)
    at_x = np.float32(turn.real) * x - np.float32(turn.imag) * y + np.float32(shift.real + (width - 1) / 2)
    at_y = np.float32(turn.imag) * x + np.float32(turn.real) * y + np.float32(shift.imag + (height - 1) / 2)
    inside = (at_x >= 0) & (at_x <= width - 1) & (at_y >= 0) & (at_y <= height - 1)
    left = np.clip(at_x.astype(np.int32), 0, width - 2)
    upper = np.clip(at_y.astype(np.int32), 0, height - 2)
    part_x = np.clip(at_x - left, 0, 1)
    part_y = np.clip(at_y - upper, 0, 1)
    flat = plane.ravel()
    corner = upper * width + left
    top = flat[corner] * (1 - part_x) + flat[corner + 1] * part_x
    bottom = flat[corner + width] * (1 - part_x) + flat[corner + width + 1] * part_x
    return (top * (1 - part_y) + bottom * part_y).astype(np.float32), inside


def _likeness(before: Plane, after: Plane, turn: complex, shift: complex) -> float:
    """The share of the textured points that the movement explains; 1 for two flat frames, 0 without overlap.

    A share rather than a correlation: somebody who dances through the picture must not hide the rest.
    """
    moved, inside = _sample(after, turn, shift)
    if inside.mean() < 0.15:
        return 0.0
    judged = inside & (_steepness(before) > _TEXTURE)
    if judged.mean() < 0.005:
        return 1.0
    error = np.abs(moved - before)[judged]
    return float((error < 0.3 * before[judged].std() + 3.0).mean())


def _steepness(plane: Plane) -> Plane:
    down, across = np.gradient(plane)
    return np.asarray(np.hypot(across, down), dtype=np.float32)


def _refine(
    before: Plane, after: Plane, turn: complex, shift: complex, *, rounds: int = 6
) -> tuple[complex, complex]:
    """Inverse compositional Gauss–Newton with weights that let a dancer in front be an outlier."""
    x, y = _grid(before.shape)
    gradient_y, gradient_x = np.gradient(before)
    columns = (gradient_x * x + gradient_y * y, gradient_y * x - gradient_x * y, gradient_x, gradient_y)
    slopes = np.stack([column.ravel() for column in columns], axis=1)
    # Where the picture is flat any movement explains it, so only the textured part is asked for the fit.
    steep = np.hypot(gradient_x, gradient_y).ravel()
    textured = steep > max(1.0, float(steep.mean()))
    # Keeps frames without any structure (black, fog) from being solved into a random movement.
    floor = (
        np.diag([float(before.size) * side for side in (before.size / 12, before.size / 12, 1.0, 1.0)]) * 1e-4
    )
    for number in range(rounds):
        moved, inside = _sample(after, turn, shift)
        error = (moved - before).ravel()
        seen = inside.ravel()
        judged = seen & textured
        if judged.sum() < 16:
            break
        # Generous at first, so that a step that is still far off is not taken for an outlier itself.
        scale = float(np.median(np.abs(error[judged]))) * max(1.5, 4.0 - number) + 1.0
        weights = (seen / (1 + (error / scale) ** 2) ** 2).astype(np.float32)
        weighted = slopes * weights[:, None]
        step = np.linalg.solve(weighted.T @ slopes + floor, weighted.T @ error)
        grow, push = complex(1 + step[0], step[1]), complex(step[2], step[3])
        # The step moves `before` towards the warped `after`, so its inverse is applied first.
        turn, shift = turn / grow, shift - turn * push / grow
        if abs(push) < 0.01 and abs(grow - 1) * max(before.shape) < 0.01:
            break
    return turn, shift
