"""The course of the picture through the frame: the scene's movements, tamed so that it always fills it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from providers.sandbox_render.motion import Track

Complex = NDArray[np.complex128]

MOST_PAN = 0.22
MOST_ZOOM = math.log(1.6)
MOST_ROTATION = math.radians(25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """For each frame where the picture is: `turns` include the scale from picture pixels to frame pixels.

    A picture point u (from the picture's middle) is shown at `turn * u + shift` (from the frame's middle).
    """

    turns: Complex
    shifts: Complex


def plot(
    track: Track, *, frames: int, rate: float, frame: tuple[int, int], picture: tuple[int, int]
) -> Course:
    """Lay the course of a picture of `picture` pixels through `frames` frames of `frame` pixels."""
    turns, shifts = _interpolated(track, frames=frames, rate=rate)
    spread = np.log(turns)
    zoom = _within(spread.real, MOST_ZOOM)
    zoom -= zoom.min()
    rotation = _within(_unwrapped(spread.imag), MOST_ROTATION)
    turns = np.exp(zoom + 1j * rotation)
    unit = min(frame)
    shifts = unit * (_centred(shifts.real) + 1j * _centred(shifts.imag))
    cover = _cover(turns, shifts, frame=frame, picture=picture)
    return Course(turns=turns * cover, shifts=shifts)


def _interpolated(track: Track, *, frames: int, rate: float) -> tuple[Complex, Complex]:
    moments = np.arange(frames) / rate
    if not track.movements:
        return np.ones(frames, complex), np.zeros(frames, complex)
    known = np.array(track.moments)
    turns = np.array([movement.turn for movement in track.movements])
    shifts = np.array([movement.shift for movement in track.movements])
    return np.interp(moments, known, turns), np.interp(moments, known, shifts)


def _unwrapped(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.unwrap(angles), dtype=np.float64)


def _within(values: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Shrink the whole curve, rather than clip it, so that it never stands still while the scene moves."""
    furthest = float(np.abs(values).max(initial=0.0))
    return values * min(1.0, limit / furthest) if furthest else values


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return _within(values - (values.max() + values.min()) / 2, MOST_PAN)


def _cover(turns: Complex, shifts: Complex, *, frame: tuple[int, int], picture: tuple[int, int]) -> float:
    """The smallest scale at which every corner of every frame still lies inside the picture."""
    half = complex(frame[0] / 2, frame[1] / 2)
    corners = np.array([half, half.conjugate(), -half, -half.conjugate()])
    reach = (corners[None, :] - shifts[:, None]) / turns[:, None]
    wide = float(np.abs(reach.real).max()) / (picture[0] / 2)
    high = float(np.abs(reach.imag).max()) / (picture[1] / 2)
    # One pixel more on each side, so that bilinear reads never touch the outside.
    return max(wide, high) * (1 + 4 / min(frame))
