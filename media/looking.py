"""Looks for nudity in pictures and in frames of clips.

Runs in the worker: importing this loads the code that runs the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from nudenet import NudeDetector

from media import pictures
from media.facts import Kind, Sight, Sign
from media.recognise import family_of
from media.samples import samples

LONGEST_SIDE = 640
"""The model itself sees 320; what is larger would only be carried about."""

FRAMES = 8


def look(sources: Sequence[Path], signs: Sequence[Sign]) -> Sight:
    """Return the surest of the signs in the first of the files that shows any.

    Raises `MediaRefused` for what cannot be decoded.
    """
    detector = NudeDetector()
    wanted = {sign.label: sign for sign in signs}
    looked, sight = 0, Sight()
    for number, source in enumerate(sources):
        for pixels in _pixels(source):
            looked += 1
            for seen in detector.detect(pixels):
                sign, score = wanted.get(seen["class"]), float(seen["score"])
                if sign is not None and score >= sign.least and score > sight.score:
                    sight = Sight(source=number, part=sign.part, score=score)
        if sight.part is not None:
            break
    return replace(sight, frames=looked)


def _pixels(source: Path) -> Iterator[np.ndarray]:
    """The pictures to look at, in the order of colours in which the model was shown its own."""
    if family_of(source).kind is Kind.VIDEO:
        shown: Iterator[np.ndarray] = samples(source, number=FRAMES, longest=LONGEST_SIDE)
    else:
        shown = iter([np.asarray(pictures.upright(source, longest=LONGEST_SIDE))])
    for rgb in shown:
        yield np.ascontiguousarray(rgb[:, :, ::-1])
