"""The clip: the picture drawn along its course, marked "sandbox", encoded with the video's sound."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from providers.sandbox_render.course import Course, plot
from providers.sandbox_render.motion import track
from providers.sandbox_render.probe import PICTURE_FORMATS
from providers.sandbox_render.sound import Sound

MOST_PIXELS = 864 * 486
MOST_FRAMES_PER_SECOND = 30
Planes = tuple[Image.Image, Image.Image, Image.Image]
"""Brightness, and two colour differences at half the size: as H.264 stores them, so nothing is converted."""


def draw(image: str, video: str, clip: str, *, keep_sound: bool, shape_of: str) -> dict[str, Any]:
    """Write the clip (and `<clip>.jpg`, its first frame); `shape_of` is `image` or `video`.

    Returns what was written. The file is H.264 yuv420p MP4 with its index in front.
    """
    scene = track(video)
    rate = Fraction(min(scene.frames_per_second, MOST_FRAMES_PER_SECOND)).limit_denominator(1001)
    frames = max(1, round(scene.seconds * rate))
    picture = _opened(image)
    shape = picture.size if shape_of == "image" else (scene.width, scene.height)
    frame = _frame_size(*shape)
    course = plot(scene, frames=frames, rate=float(rate), frame=frame, picture=picture.size)
    painter = _Painter(picture, course, frame)
    painter.still().save(f"{clip}.jpg", "JPEG", quality=80)
    with av.open(clip, "w", format="mp4", options={"movflags": "+faststart"}) as output:
        stream = _video_stream(output, rate=rate, frame=frame)
        with Sound(video if keep_sound else None, output, seconds=scene.seconds) as sound:
            for number, planes in enumerate(painter.frames()):
                sound.mux_until(float(number / rate))
                output.mux(stream.encode(_video_frame(planes, number)))
            output.mux(stream.encode(None))
            sound.mux_until(scene.seconds)
            return {"width": frame[0], "height": frame[1], "frames": frames, "has_sound": sound.audible}


def _opened(image: str) -> Image.Image:
    with Image.open(image, formats=PICTURE_FORMATS) as picture:
        picture.draft("RGB", (1920, 1920))
        return ImageOps.exif_transpose(picture).convert("RGB")


def _frame_size(width: int, height: int) -> tuple[int, int]:
    ratio = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5)
    return max(2, round(width * ratio / 4) * 4), max(2, round(height * ratio / 4) * 4)


def _video_stream(output: av.container.OutputContainer, *, rate: Fraction, frame: tuple[int, int]) -> Any:
    options = {
        "preset": "superfast",
        "crf": "23",
        "x264-params": "colormatrix=smpte170m:colorprim=smpte170m:transfer=smpte170m",
    }
    stream = output.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height = frame
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 2
    stream.codec_context.gop_size = round(2 * rate)
    return stream


def _video_frame(planes: Planes, number: int) -> av.VideoFrame:
    width, height = planes[0].size
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, part in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        rows[:, : plane.width] = np.asarray(part)
    frame.pts = number
    return frame


class _Painter:
    """Draws the frames, two at a time: Pillow lets go of the interpreter while it transforms."""

    def __init__(self, picture: Image.Image, course: Course, frame: tuple[int, int]) -> None:
        self._frame = frame
        # Scaled once to the size at which it is shown, so that each frame needs only a cheap bilinear read.
        scale = min(1.0, float(np.abs(course.turns).max()))
        size = tuple(max(16, round(side * scale / 2) * 2) for side in picture.size)
        self._turns = course.turns * (picture.width / size[0])
        self._shifts = course.shifts
        self._planes = _planes(picture.resize((size[0], size[1]), Image.Resampling.LANCZOS, reducing_gap=2.0))
        self._mark = _mark(frame)

    def frames(self) -> Iterator[Planes]:
        with ThreadPoolExecutor(2) as pool:
            ahead: deque[Future[Planes]] = deque()
            for number in range(len(self._turns)):
                ahead.append(pool.submit(self._paint, number))
                if len(ahead) > 6:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def still(self) -> Image.Image:
        """The first frame in colours, for the poster."""
        return Image.fromarray(_video_frame(self._paint(0), 0).to_ndarray(format="rgb24"))

    def _paint(self, number: int) -> Planes:
        back = 1 / complex(self._turns[number])
        shift = complex(self._shifts[number])
        luma, blue, red = (
            self._moved(plane, back, shift / divisor, divisor)
            for plane, divisor in zip(self._planes, (1, 2, 2), strict=True)
        )
        shadow, text, half = self._mark
        luma.paste(16, (0, 0), shadow)
        luma.paste(235, (0, 0), text)
        for colour in (blue, red):
            colour.paste(128, (0, 0), half)
        return luma, blue, red

    def _moved(self, plane: Image.Image, back: complex, shift: complex, divisor: int) -> Image.Image:
        width, height = self._frame[0] // divisor, self._frame[1] // divisor
        # Pillow wants, for each point of the frame, where in the picture to read.
        corner = back * (complex(-width / 2, -height / 2) - shift) + complex(
            plane.width / 2, plane.height / 2
        )
        matrix = (back.real, -back.imag, corner.real, back.imag, back.real, corner.imag)
        return plane.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _planes(picture: Image.Image) -> Planes:
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(format="yuv420p")
    images = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        images.append(Image.fromarray(np.ascontiguousarray(rows[:, : plane.width])))
    return images[0], images[1], images[2]


def _mark(frame: tuple[int, int]) -> Planes:
    """Masks of the watermark: its shadow, its text, and both at half the size for the colours."""
    size = max(12, min(frame) // 14)
    font = ImageFont.load_default(size)
    shadow, text = Image.new("L", frame), Image.new("L", frame)
    # Above, since a player's controls cover what is below.
    where = (frame[0] - size // 2, size // 2)
    ImageDraw.Draw(shadow).text(where, "sandbox", 160, font, anchor="rt", stroke_width=max(1, size // 10))
    ImageDraw.Draw(text).text(where, "sandbox", 230, font, anchor="rt")
    return shadow, text, shadow.resize((frame[0] // 2, frame[1] // 2), Image.Resampling.BOX)
