"""The sandbox's clips are real, and the picture in them moves as the video does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from providers.sandbox.renders import DrawingFailed, Renders
from tests import media_files

SECONDS = 3.0
RATE = 10
SIZE = (400, 360)
Camera = Callable[[float], tuple[complex, complex]]
"""For a share of the clip, 0 to 1: the camera's factor (zoom and turn) and where it looks, in pixels."""

CAMERAS: dict[str, Camera] = {
    "right": lambda share: (1, 200 * share),
    "left": lambda share: (1, -200 * share),
    "down": lambda share: (1, 200j * share),
    "in": lambda share: (1 / (1 + 0.6 * share), 0),
    "out": lambda share: (1 + 0.6 * share, 0),
    "turn": lambda share: (np.exp(0.3j * share), 0),
    "still": lambda share: (1, 0),
}


def wall(size: tuple[int, int]) -> Image.Image:
    """A wall of soft patches; always the same."""
    patches = np.random.default_rng(3).integers(0, 255, (size[1] // 40, size[0] // 40, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC)


def film(path: Path, camera: Camera | None) -> Path:
    """Write a clip in which a camera moves over a wide wall; None films nothing but black."""
    world = wall((1600, 1440))
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        count = round(SECONDS * RATE)
        for number in range(count):
            shot = Image.new("RGB", SIZE)
            if camera is not None:
                factor, place = (complex(value) for value in camera(number / (count - 1)))
                corner = factor * complex(-SIZE[0] / 2, -SIZE[1] / 2) + place + 800 + 720j
                matrix = (factor.real, -factor.imag, corner.real, factor.imag, factor.real, corner.imag)
                shot = world.transform(SIZE, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(shot), format="rgb24")))
        output.mux(stream.encode(None))
    return path


def spots(path: Path, size: tuple[int, int] = (800, 720)) -> Path:
    """A grey picture with a red spot left of its middle and a blue one right of it."""
    picture = Image.new("RGB", size, "grey")
    draw = ImageDraw.Draw(picture)
    for sign, colour in ((-1, "red"), (1, "blue")):
        x, y = size[0] / 2 + sign * size[0] * 0.08, size[1] / 2
        draw.ellipse((x - 20, y - 20, x + 20, y + 20), fill=colour)
    picture.save(path, "PNG")
    return path


def frames_of(path: Path) -> list[NDArray[np.int16]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").astype(np.int16) for frame in container.decode(video=0)]


def spots_in(frame: NDArray[np.int16]) -> tuple[complex, complex]:
    """Where the red and the blue spot are."""
    red = (frame[..., 0] - frame[..., 2] > 80).nonzero()
    blue = (frame[..., 2] - frame[..., 0] > 80).nonzero()
    return complex(red[1].mean(), red[0].mean()), complex(blue[1].mean(), blue[0].mean())


async def drawn(
    video: Path, folder: Path, *, image: Path | None = None, keep_sound: bool = True, shape_of: str = "video"
) -> Path:
    renders = Renders(folder / "renders")
    image = image or spots(folder / "spots.png")
    return renders.clip(await renders.draw(image, video, keep_sound=keep_sound, shape_of=shape_of))


async def journey(name: str, folder: Path) -> tuple[complex, float, float]:
    """How the picture moves from the first frame to the last: pan in pixels, zoom, turn in radians."""
    clip = await drawn(film(folder / "video.mp4", CAMERAS[name]), folder)
    frames = frames_of(clip)
    assert len(frames) == SECONDS * RATE
    (red, blue), (last_red, last_blue) = spots_in(frames[0]), spots_in(frames[-1])
    factor = (last_blue - last_red) / (blue - red)
    return (last_red + last_blue - red - blue) / 2, abs(factor), float(np.angle(factor))


async def test_the_picture_pans_against_the_camera(tmp_path: Path) -> None:
    pans = {}
    for name in ("right", "left", "down"):
        (tmp_path / name).mkdir()
        pans[name], zoom, turn = await journey(name, tmp_path / name)
        assert zoom == pytest.approx(1, abs=0.05)
        assert turn == pytest.approx(0, abs=0.05)

    # The scene moves the other way than the camera.
    assert pans["right"].real < -80
    assert pans["left"].real == pytest.approx(-pans["right"].real, rel=0.1)
    assert abs(pans["right"].imag) < 5
    assert pans["down"].imag < -80
    assert abs(pans["down"].real) < 5


async def test_the_picture_zooms_with_the_camera(tmp_path: Path) -> None:
    zooms = {}
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        pan, zooms[name], _ = await journey(name, tmp_path / name)
        assert abs(pan) < 12

    assert zooms["in"] == pytest.approx(1.6, rel=0.08)
    assert zooms["out"] == pytest.approx(1 / 1.6, rel=0.08)


async def test_the_picture_turns_against_the_camera(tmp_path: Path) -> None:
    _, zoom, turn = await journey("turn", tmp_path)

    assert turn == pytest.approx(-0.3, abs=0.04)
    assert zoom == pytest.approx(1, abs=0.05)


async def test_a_dancer_in_front_does_not_carry_the_picture_along(tmp_path: Path) -> None:
    clip = await drawn(dance(tmp_path / "video.mp4"), tmp_path)

    frames = frames_of(clip)
    wandered = [abs(spots_in(frame)[0] - spots_in(frames[0])[0]) for frame in frames]
    assert max(wandered) < 6


def dance(path: Path) -> Path:
    """Before a wall that stands still, somebody moves to and fro over a fifth of the frame."""
    behind, body = wall(SIZE), wall((120, 240)).rotate(90, expand=True).resize((120, 240))
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(round(SECONDS * RATE)):
            shot = behind.copy()
            shot.paste(body, (round(140 + 100 * np.sin(number / 4)), round(70 + 20 * np.cos(number / 3))))
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(shot), format="rgb24")))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("camera", [CAMERAS["still"], None], ids=["still", "black"])
async def test_the_picture_stands_still_when_nothing_moves(tmp_path: Path, camera: Camera | None) -> None:
    clip = await drawn(film(tmp_path / "video.mp4", camera), tmp_path)

    frames = frames_of(clip)
    assert len(frames) == SECONDS * RATE
    assert np.abs(frames[0] - frames[-1]).mean() < 2


async def test_a_rotated_video_is_followed_as_it_is_shown(tmp_path: Path) -> None:
    """Stored panning right, shown turned clockwise: the camera goes down, so the picture goes up."""
    video = film(tmp_path / "video.mp4", CAMERAS["right"])
    turn_clockwise(video)

    frames = frames_of(await drawn(video, tmp_path))

    red, blue = spots_in(frames[0])
    last_red, last_blue = spots_in(frames[-1])
    pan = (last_red + last_blue - red - blue) / 2
    assert frames[0].shape[:2] == (SIZE[0], SIZE[1])
    assert pan.imag < -60
    assert abs(pan.real) < 5


def turn_clockwise(video: Path) -> None:
    """Write the 90° matrix into the track's header, as phones do."""
    body = bytearray(video.read_bytes())
    start = body.index(b"tkhd") + 4
    matrix = start + (52 if body[start] else 40)
    one = (1 << 16).to_bytes(4, "big", signed=True)
    minus = (-(1 << 16)).to_bytes(4, "big", signed=True)
    zero = bytes(4)
    body[matrix : matrix + 36] = b"".join(
        (zero, one, zero, minus, zero, zero, zero, zero, (1 << 30).to_bytes(4, "big"))
    )
    video.write_bytes(bytes(body))


@pytest.mark.parametrize(("keep", "made_with"), [(True, "aac"), (False, "aac"), (True, "libmp3lame")])
async def test_the_sound_is_kept_or_dropped(tmp_path: Path, keep: bool, made_with: str) -> None:
    recipe = media_files.Recipe(seconds=3, size=(352, 352), fps=10, sound=made_with)
    video = media_files.write_clip(tmp_path / "video.mp4", recipe)

    clip = await drawn(video, tmp_path, keep_sound=keep)

    with av.open(str(clip)) as container:
        assert bool(container.streams.audio) is keep
        if keep:
            assert container.streams.audio[0].codec_context.name == "aac"
            heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
            assert np.abs(heard).max() > 0.2
            assert len(heard) / 48_000 == pytest.approx(3, abs=0.15)


async def test_the_clip_plays_in_browsers_and_says_what_it_is(tmp_path: Path) -> None:
    video = media_files.clip_mp4(tmp_path / "video.mp4", seconds=3, size=(352, 352), fps=10)

    clip = await drawn(video, tmp_path)

    content = clip.read_bytes()
    frame = frames_of(clip)[0]
    corner = frame[:40, -120:]
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.duration * stream.time_base) == pytest.approx(3, abs=0.01)
    # White letters with a dark rim on the grey picture.
    assert corner.max() > 200
    assert corner.min() < 90


async def test_a_large_frame_is_drawn_smaller_in_the_shape_that_was_asked_for(tmp_path: Path) -> None:
    recipe = media_files.Recipe(seconds=3, size=(1280, 720), fps=2, sound=None)
    video = media_files.write_clip(tmp_path / "video.mp4", recipe)
    image = spots(tmp_path / "tall.png", size=(600, 1200))

    like_video = frames_of(await drawn(video, tmp_path, image=image))[0].shape
    like_image = frames_of(await drawn(video, tmp_path, image=image, shape_of="image"))[0].shape

    assert like_video[1] / like_video[0] == pytest.approx(16 / 9, rel=0.02)
    assert like_image[1] / like_image[0] == pytest.approx(1 / 2, rel=0.02)
    assert like_video[0] * like_video[1] <= 1280 * 720


async def test_the_same_inputs_are_drawn_once(tmp_path: Path) -> None:
    video = film(tmp_path / "video.mp4", CAMERAS["still"])
    first = await drawn(video, tmp_path)
    written = first.stat().st_ino

    again = await drawn(video, tmp_path)
    other = await drawn(video, tmp_path, keep_sound=False)

    assert again == first
    assert again.stat().st_ino == written
    assert other != first


async def test_a_playlist_in_disguise_is_not_read(tmp_path: Path) -> None:
    secret = media_files.clip_mp4(tmp_path / "secret.mp4", seconds=3, size=(352, 352), fps=2)
    trap = media_files.playlist_named_mp4(tmp_path / "video.mp4", reads=secret)
    renders = Renders(tmp_path / "renders")

    facts = await renders.probe(spots(tmp_path / "spots.png"), trap)
    with pytest.raises(DrawingFailed):
        await renders.draw(tmp_path / "spots.png", trap, keep_sound=True, shape_of="video")

    assert facts["video"] is None
    assert facts["picture"] is not None
    assert not list((tmp_path / "renders").glob("*.draft*"))


async def test_a_cancelled_drawing_leaves_nothing_behind(tmp_path: Path) -> None:
    video = film(tmp_path / "video.mp4", CAMERAS["right"])
    drawing = asyncio.create_task(drawn(video, tmp_path))
    await asyncio.sleep(0.1)

    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing

    assert list((tmp_path / "renders").iterdir()) == []
