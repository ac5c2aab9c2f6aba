"""A drawn portrait and a drawn dance, for the demo's test and for the pictures in the documentation."""

from __future__ import annotations

import math
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

SKIN, HAIR, TROUSERS = (241, 194, 155), (74, 44, 42), (52, 73, 120)
EVENING = (
    (255, 183, 120),
    (255, 236, 200),
    (255, 247, 214),
    ((126, 170, 146), (88, 140, 120), (60, 110, 98)),
)
NIGHT = ((96, 120, 190), (190, 205, 235), (250, 240, 200), ((120, 120, 150), (90, 92, 124), (70, 72, 104)))


def portrait(path: Path) -> Path:
    """Write a JPEG of somebody on a hill in the evening."""
    picture = _hills(1200, 1500, *EVENING)
    _person(picture, (600, 820), 520, lift=0.35, shirt=(232, 93, 117))
    picture.save(path, "JPEG", quality=92)
    return path


def dance(path: Path, *, seconds: int = 4, size: tuple[int, int] = (360, 640), rate: int = 20) -> Path:
    """Write an H.264 video with sound of somebody else dancing, filmed by an unsteady hand."""
    width, height = size
    ground = _hills(width, height, *NIGHT)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        video = container.add_stream("h264", rate=rate)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        sound = container.add_stream("aac", rate=44_100)
        sound.layout = "mono"
        for number in range(rate * seconds):
            frame = av.VideoFrame.from_image(_dance_at(ground, number / rate))
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for frame in _tune(seconds):
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def _dance_at(ground: Image.Image, at: float) -> Image.Image:
    width, height = ground.size
    picture = ground.copy()
    sway = math.sin(at * 2.4)
    feet = (width / 2 + width * 0.1 * sway, height * 0.56 + height * 0.012 * abs(math.sin(at * 5)))
    _person(
        picture,
        feet,
        width * 0.46,
        lift=0.5 + 0.6 * math.sin(at * 4.8),
        shirt=(240, 180, 60),
        lean=0.14 * sway,
    )
    turned = picture.rotate(3 * math.sin(at * 1.6), resample=Image.Resampling.BICUBIC)
    return turned.crop((20, 30, width - 20, height - 30)).resize((width, height))


def _tune(seconds: int) -> list[av.AudioFrame]:
    times = np.arange(44_100 * seconds) / 44_100
    pitch = 220 + 110 * ((times * 2).astype(int) % 4)
    wave = (0.15 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)
    frames = []
    for start in range(0, len(wave), 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
        frame.rate, frame.pts = 44_100, start
        frames.append(frame)
    return frames


def _hills(
    width: int, height: int, top: Colour, bottom: Colour, sun: Colour, hills: tuple[Colour, ...]
) -> Image.Image:
    depth = np.linspace(0, 1, height)[:, None, None]
    sky = (np.array(top) * (1 - depth) + np.array(bottom) * depth) * np.ones((height, width, 1))
    picture = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.62, height * 0.12, width * 0.84, height * 0.12 + width * 0.22), fill=sun)
    for number, colour in enumerate(hills):
        base = height * (0.62 + 0.1 * number)
        crest = [
            (x, base + height * 0.05 * math.sin(x / width * 5 + number * 2)) for x in range(0, width + 10, 10)
        ]
        draw.polygon([(0, height), *crest, (width, height)], fill=colour)
    return picture


def _person(
    picture: Image.Image,
    middle: tuple[float, float],
    size: float,
    *,
    lift: float,
    shirt: Colour,
    lean: float = 0.0,
) -> None:
    draw = ImageDraw.Draw(picture)
    foot, y = middle
    x = foot + lean * size
    for side in (-1, 1):
        leg = [(foot + side * 0.16 * size, y + size), (x + side * 0.1 * size, y + 0.4 * size)]
        draw.line(leg, fill=TROUSERS, width=int(0.16 * size))
    body = (x - 0.22 * size, y - 0.18 * size, x + 0.22 * size, y + 0.48 * size)
    draw.rounded_rectangle(body, radius=0.14 * size, fill=shirt)
    for side in (-1, 1):
        hand = (x + side * 0.42 * size * math.cos(lift), y - 0.08 * size - 0.42 * size * math.sin(lift))
        draw.line([(x + side * 0.19 * size, y - 0.08 * size), hand], fill=shirt, width=int(0.12 * size))
        _disc(draw, hand, 0.075 * size, SKIN)
    _head(draw, (x + lean * 0.2 * size, y - 0.42 * size), size)


def _head(draw: ImageDraw.ImageDraw, at: tuple[float, float], size: float) -> None:
    x, y = at
    draw.ellipse((x - 0.2 * size, y - 0.22 * size, x + 0.2 * size, y + 0.2 * size), fill=SKIN)
    draw.pieslice((x - 0.22 * size, y - 0.26 * size, x + 0.22 * size, y + 0.18 * size), 180, 360, fill=HAIR)
    for side in (-1, 1):
        _disc(draw, (x + side * 0.08 * size, y + 0.02 * size), 0.022 * size, (40, 30, 30))
    mouth = (x - 0.08 * size, y + 0.02 * size, x + 0.08 * size, y + 0.13 * size)
    draw.arc(mouth, 20, 160, fill=(150, 60, 60), width=max(2, int(0.018 * size)))


def _disc(draw: ImageDraw.ImageDraw, at: tuple[float, float], radius: float, colour: Colour) -> None:
    x, y = at
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
