"""A real photograph of a person, as a picture and as a clip: what a model that looks for people has to see.

Grace Hopper's portrait is in the public domain (US Navy) and comes with matplotlib, which draws our charts.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import matplotlib
from PIL import Image

from media.facts import Sign
from tests import media_files

FACES = (
    Sign(label="FACE_FEMALE", part="breasts", least=0.3),
    Sign(label="FACE_MALE", part="breasts", least=0.3),
)
"""Harmless signs in place of the real ones, so that the real model has something to find."""

SIZE = (400, 468)


def portrait(path: Path) -> Path:
    _portrait().save(path, "JPEG", quality=92)
    return path


def portrait_clip(path: Path, *, seconds: float = 3.2, from_second: float = 0.0) -> Path:
    """A clip that shows the portrait from a moment on; before that, a drawing."""
    rate = 10
    shown = av.VideoFrame.from_image(_portrait()), av.VideoFrame.from_image(media_files.scene(SIZE))
    with av.open(str(path), "w", container_options={"movflags": "+faststart"}) as output:
        video = output.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "20"})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        for number in range(round(seconds * rate)):
            frame = shown[number / rate < from_second].reformat(format="yuv420p")
            frame.time_base, frame.pts = Fraction(1, rate), number
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return path


def _portrait() -> Image.Image:
    with Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg") as whole:
        return whole.convert("RGB").resize(SIZE)
