"""The real, small pictures and videos of tests and benchmarks.

`python tests/media_files.py FOLDER` writes them all. Every writer takes the path first, writes one file and
returns that path; nothing is kept between calls.
"""

from __future__ import annotations

import math
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageDraw

Size = tuple[int, int]

TICKS = 90_000  # of the written videos' time base, in a second
SOUND_RATE = 48_000
EXIF_ORIENTATION = 0x0112

# ── pictures ────────────────────────────────────────────────────────────────────────────────────


def scene(size: Size = (640, 480)) -> Image.Image:
    """A busy, opaque picture; its corners are, from the top left: red, lime, blue, yellow."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    waves = 0.5 + 0.5 * np.sin(x * 40) * np.cos(y * 34)
    picture = Image.fromarray(np.stack([90 + 120 * x, 80 + 100 * waves, 200 - 120 * y], -1).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    w, h = width // 5, height // 5
    for left, top, colour in (
        (0, 0, "red"),
        (width - w, 0, "lime"),
        (0, height - h, "blue"),
        (width - w, height - h, "yellow"),
    ):
        draw.rectangle((left, top, left + w, top + h), fill=colour)
    draw.ellipse(
        (width * 0.4, height * 0.3, width * 0.6, height * 0.7), fill="white", outline="black", width=3
    )
    return picture


def cut_out(size: Size = (640, 480)) -> Image.Image:
    """The scene within an ellipse; everything around it is transparent."""
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((40, 20, size[0] - 40, size[1] - 20), fill=255)
    picture = scene(size).convert("RGBA")
    picture.putalpha(mask)
    return picture


def picture_jpeg(path: Path, *, size: Size = (640, 480), orientation: int = 1, gps: bool = False) -> Path:
    """A JPEG that is seen at `size`; `orientation` is the EXIF value that turns the stored pixels upright."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    picture = scene(size)
    if orientation in undo:
        picture = picture.transpose(undo[orientation])
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    if gps:
        exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    picture.save(path, "JPEG", quality=90, exif=exif)
    return path


def picture_cmyk_jpeg(path: Path) -> Path:
    scene().convert("CMYK").save(path, "JPEG", quality=90)
    return path


def picture_with_profile(path: Path) -> Path:
    """A JPEG with an embedded profile that swaps red and green: without it, the scene looks wrong."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for entry in range(int.from_bytes(profile[128:132], "big")):
        at = 132 + 12 * entry
        if bytes(profile[at : at + 4]) in {b"rXYZ", b"gXYZ"}:
            profile[at : at + 1] = b"g" if profile[at : at + 1] == b"r" else b"r"
    red, green, blue = scene().split()
    Image.merge("RGB", (green, red, blue)).save(path, "JPEG", quality=90, icc_profile=bytes(profile))
    return path


def picture_png(path: Path, *, size: Size = (640, 480), alpha: bool = False) -> Path:
    (cut_out(size) if alpha else scene(size)).save(path, "PNG")
    return path


def picture_grey16_png(path: Path) -> Path:
    """A 16-bit grey ramp from black on the left to white on the right."""
    Image.fromarray(np.tile(np.linspace(0, 65535, 640).astype(np.uint16), (480, 1))).save(path, "PNG")
    return path


def picture_palette_png(path: Path) -> Path:
    """A palette picture one of whose colours is transparent."""
    picture = scene().quantize(32)
    picture.save(path, "PNG", transparency=0)
    return path


def picture_webp(path: Path, *, alpha: bool = False) -> Path:
    (cut_out() if alpha else scene()).save(path, "WEBP", quality=85)
    return path


def picture_heic(path: Path, *, size: Size = (640, 480)) -> Path:
    pillow_heif.from_pillow(scene(size)).save(path, quality=80)
    return path


def picture_avif(path: Path) -> Path:
    scene().save(path, "AVIF", quality=80, speed=9)
    return path


def picture_saved_as(path: Path, image_format: str) -> Path:
    """The scene in any other format that Pillow writes, such as BMP or TIFF."""
    scene().save(path, image_format)
    return path


def bomb_png(path: Path, *, size: Size = (50_000, 50_000)) -> Path:
    """A PNG of a few bytes whose header claims `size`."""
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(4096))), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(body)) + tag + body + _crc(tag + body) for tag, body in chunks)
    )
    return path


def _crc(body: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(body))


# ── animations ──────────────────────────────────────────────────────────────────────────────────


def gif_still(path: Path) -> Path:
    scene((400, 360)).save(path, "GIF")
    return path


def gif_animation(
    path: Path, *, frames: int = 20, delay_ms: int = 200, size: Size = (360, 360), transparent: bool = False
) -> Path:
    """A moving GIF; a `delay_ms` of 0 or 10 is written as it is, which players show as 100 ms."""
    pictures = [Image.fromarray(pixels) for pixels in _motion(size, frames)]
    if transparent:
        mask = cut_out(size).getchannel("A")
        for picture in pictures:
            picture.putalpha(mask)
    pictures[0].save(
        path, "GIF", save_all=True, append_images=pictures[1:], duration=max(delay_ms, 20), loop=0, disposal=2
    )
    if delay_ms < 20:
        marker = b"\x21\xf9\x04"  # the graphic control extension; two bytes later stands the delay, in 10 ms
        first, *rest = path.read_bytes().split(marker)
        body = (part[:1] + struct.pack("<H", delay_ms // 10) + part[3:] for part in rest)
        path.write_bytes(marker.join((first, *body)))
    return path


def gif_bomb(path: Path) -> Path:
    """A GIF of a few bytes whose screen claims 65 000 × 65 000 pixels."""
    small = path.with_suffix(".small.gif")
    gif_animation(small, frames=5)
    body = bytearray(small.read_bytes())
    small.unlink()
    body[6:10] = struct.pack("<HH", 65_000, 65_000)
    path.write_bytes(bytes(body))
    return path


def webp_animation(path: Path, *, frames: int = 20, delay_ms: int = 200) -> Path:
    pictures = [Image.fromarray(pixels) for pixels in _motion((360, 360), frames)]
    pictures[0].save(path, "WEBP", save_all=True, append_images=pictures[1:], duration=delay_ms, quality=60)
    return path


# ── videos ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a video is written; `moment` gives the second at which frame number n is shown (VFR).

    `sound` is an encoder's name or None; `colours` are (primaries, transfer, matrix) as H.273 numbers.
    """

    seconds: float = 4.0
    size: Size = (640, 480)
    fps: float = 25
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: Mapping[str, str] = field(
        default_factory=lambda: {"preset": "ultrafast", "crf": "26", "g": "50"}
    )
    sound: str | None = "aac"
    sound_seconds: float | None = None
    container: Mapping[str, str] = field(default_factory=lambda: {"movflags": "+faststart"})
    metadata: Mapping[str, str] = field(default_factory=dict)
    colours: tuple[int, int, int] | None = None
    moment: Callable[[int], float] | None = None


X265 = {"preset": "ultrafast", "crf": "30", "x265-params": "log-level=none"}


def write_clip(path: Path, recipe: Recipe) -> Path:
    """Write a video of a scene that pans, zooms and turns as a whole, with a beep in each second."""
    count = max(1, round(recipe.seconds * recipe.fps))
    moment = recipe.moment or (lambda n: n / recipe.fps)
    with av.open(str(path), "w", container_options=dict(recipe.container)) as output:
        output.metadata.update(recipe.metadata)
        video = output.add_stream(
            recipe.codec, rate=Fraction(recipe.fps).limit_denominator(1001), options=dict(recipe.options)
        )
        video.width, video.height = recipe.size
        video.pix_fmt = recipe.pixel_format
        video.codec_context.time_base = Fraction(1, TICKS)
        if recipe.colours:
            context = video.codec_context
            context.color_primaries, context.color_trc, context.colorspace = recipe.colours
        sound = output.add_stream(recipe.sound, rate=SOUND_RATE, layout="stereo") if recipe.sound else None
        for number, pixels in enumerate(_motion(recipe.size, count)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=recipe.pixel_format)
            frame.time_base = Fraction(1, TICKS)
            frame.pts = round(moment(number) * TICKS)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if sound:
            for chunk in _beeps(recipe.sound_seconds or recipe.seconds):
                output.mux(sound.encode(chunk))
            output.mux(sound.encode(None))
    return path


def clip_mp4(
    path: Path, *, seconds: float = 4, sound: bool = True, size: Size = (640, 480), fps: float = 25
) -> Path:
    """A conforming MP4: H.264 yuv420p with visible pan, zoom and turn, and AAC beeps if `sound`."""
    return write_clip(path, Recipe(seconds=seconds, sound="aac" if sound else None, size=size, fps=fps))


def clip_hevc(path: Path, *, seconds: float = 4, size: Size = (640, 480), fps: float = 30) -> Path:
    """HEVC with AAC; the suffix chooses MP4 or MOV."""
    return write_clip(path, Recipe(seconds=seconds, size=size, fps=fps, codec="libx265", options=X265))


def clip_hdr_mov(path: Path, *, seconds: float = 3.5) -> Path:
    """10-bit HEVC in BT.2020 with the HLG curve, as iPhones film."""
    return write_clip(
        path,
        Recipe(
            seconds=seconds,
            codec="libx265",
            options=X265,
            pixel_format="yuv420p10le",
            colours=(9, 18, 9),
            fps=30,
        ),
    )


def clip_webm(path: Path, *, seconds: float = 4) -> Path:
    return write_clip(
        path,
        Recipe(
            seconds=seconds,
            codec="libvpx-vp9",
            sound="libopus",
            options={"deadline": "realtime", "cpu-used": "8", "b": "800k"},
            container={},
        ),
    )


def clip_mov_h264(path: Path, *, sound: str = "aac", gps: bool = False) -> Path:
    """H.264 in a MOV with its index at the end, as cameras write it; optionally with the place of filming."""
    place = {"location": "+52.5200+013.4050/"} if gps else {}
    return write_clip(path, Recipe(sound=sound, container={}, metadata=place))


def clip_rotated_mov(path: Path, *, degrees: int = 90, size: Size = (640, 480)) -> Path:
    """A MOV whose stored frames have `size` and whose track says that they be shown turned clockwise."""
    write_clip(path, Recipe(size=size, container={}))
    one = 1 << 16
    turn = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[degrees]
    body = bytearray(path.read_bytes())
    start = body.index(b"tkhd") + 4
    matrix = start + (52 if body[start] else 40)
    a, b, c, d = turn
    body[matrix : matrix + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(body))
    return path


def clip_variable(path: Path, *, codec: str = "libx265") -> Path:
    """100 frames in 4 s: the first second at 70 frames a second, the rest at 10."""

    def moment(number: int) -> float:
        return number / 70 if number < 70 else 1 + (number - 70) / 10

    options = X265 if codec == "libx265" else Recipe().options
    return write_clip(path, Recipe(codec=codec, options=options, moment=moment))


def clip_35_seconds(path: Path) -> Path:
    return clip_mp4(path, seconds=35, size=(352, 352), fps=12)


def clip_2_seconds(path: Path) -> Path:
    return clip_mp4(path, seconds=2, fps=12)


def clip_flat(path: Path, *, size: Size = (9000, 6000), frames: int = 2, fps: int = 10) -> Path:
    """Real H.264 frames of any size, each a flat green."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        frame = av.VideoFrame(*size, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for number in range(frames):
            frame.pts = number
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return path


def sound_only_mp4(path: Path, *, cover: bool = False) -> Path:
    """Sound without video in an MP4; `cover` adds the album's cover as an attached picture."""
    with av.open(str(path), "w", format="mp4") as output:
        sound = output.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        picture = output.add_stream("mjpeg", rate=1) if cover else None
        if picture:
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic.value
            output.mux(picture.encode(av.VideoFrame.from_image(scene((64, 64))).reformat(format="yuvj420p")))
            output.mux(picture.encode(None))
        for chunk in _beeps(4):
            output.mux(sound.encode(chunk))
        output.mux(sound.encode(None))
    return path


def _motion(size: Size, count: int) -> Iterator[np.ndarray]:
    """`count` frames of one scene under a camera that pans, zooms in and turns."""
    width, height = size
    world = scene((width * 2, height * 2))
    for number in range(count):
        phase = number / max(count - 1, 1)
        angle, zoom = math.radians(20 * math.sin(phase * 2 * math.pi)), 1.2 - 0.4 * phase
        cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
        x, y = width * (0.8 + 0.4 * phase), height * (1.1 - 0.2 * phase)
        matrix = (
            cos,
            -sin,
            x - cos * width / 2 + sin * height / 2,
            sin,
            cos,
            y - sin * width / 2 - cos * height / 2,
        )
        yield np.asarray(world.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))


def _beeps(seconds: float) -> Iterator[av.AudioFrame]:
    """A 440 Hz beep in the first tenth of every second, silence between, in chunks of 20 ms."""
    step = SOUND_RATE // 50
    for start in range(0, int(seconds * SOUND_RATE), step):
        times = np.arange(start, start + step) / SOUND_RATE
        wave = 0.4 * np.sin(2 * np.pi * 440 * times) * (times % 1 < 0.1)
        chunk = av.AudioFrame.from_ndarray(
            np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo"
        )
        chunk.sample_rate, chunk.pts, chunk.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        yield chunk


# ── things that are not what they claim ─────────────────────────────────────────────────────────


def text_named_png(path: Path) -> Path:
    path.write_text("This is a shopping list: milk, bread, a picture frame.\n" * 20, encoding="utf-8")
    return path


def truncated(path: Path, whole: Path, *, share: float = 0.5) -> Path:
    """The first `share` of another file."""
    body = whole.read_bytes()
    path.write_bytes(body[: int(len(body) * share)])
    return path


def playlist_named_mp4(path: Path, *, reads: Path) -> Path:
    """An HLS playlist in disguise that asks its player to read another local file."""
    path.write_text(f"#EXTM3U\n#EXTINF:4,\nfile://{reads}\n#EXT-X-ENDLIST\n", encoding="utf-8")
    return path


FILES: Mapping[str, Callable[[Path], Path]] = {
    "picture.jpg": picture_jpeg,
    "rotated.jpg": lambda path: picture_jpeg(path, orientation=6, gps=True),
    "cmyk.jpg": picture_cmyk_jpeg,
    "profile.jpg": picture_with_profile,
    "alpha.png": lambda path: picture_png(path, alpha=True),
    "grey16.png": picture_grey16_png,
    "palette.png": picture_palette_png,
    "picture.webp": picture_webp,
    "picture.heic": picture_heic,
    "picture.avif": picture_avif,
    "bomb.png": bomb_png,
    "text.png": text_named_png,
    "still.gif": gif_still,
    "animation.gif": gif_animation,
    "transparent.gif": lambda path: gif_animation(path, transparent=True),
    "bomb.gif": gif_bomb,
    "animation.webp": webp_animation,
    "clip.mp4": clip_mp4,
    "silent.mp4": lambda path: clip_mp4(path, sound=False),
    "hevc.mp4": clip_hevc,
    "hevc.mov": clip_hevc,
    "hdr.mov": clip_hdr_mov,
    "camera.mov": clip_mov_h264,
    "rotated.mov": clip_rotated_mov,
    "clip.webm": clip_webm,
    "variable.mp4": clip_variable,
    "long.mp4": clip_35_seconds,
    "short.mp4": clip_2_seconds,
    "huge.mp4": clip_flat,
    "sound.mp4": sound_only_mp4,
}


class Shelf:
    """Gives the files of `FILES` by their name and makes each only once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str) -> Path:
        path = self._folder / name
        return path if path.exists() else FILES[name](path)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in FILES.items():
        print(write(folder / name), flush=True)
    for name in ("picture.jpg", "clip.mp4"):
        print(truncated(folder / f"truncated-{name}", folder / name))


if __name__ == "__main__":
    main()
