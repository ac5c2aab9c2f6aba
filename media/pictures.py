"""Pictures made ready: one upright, opaque sRGB JPEG within every provider's limits, without metadata.

Runs in the worker: decoding what a stranger sent belongs into a process with limits.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageFile, ImageOps

from media import limits
from media.errors import MediaRefused, Reason
from media.facts import Change, PictureFacts, PreparedPicture
from media.limits import Frame, lay_out
from media.recognise import Family, family_of

BACKGROUND = (230, 230, 230)
"""What shows through where a picture is transparent."""

QUALITIES = (95, 90, 85, 75, 60)
THUMBNAIL_QUALITY = 82

_PILLOW_FORMATS = {
    Family.JPEG: ("JPEG", "MPO"),
    Family.PNG: ("PNG",),
    Family.WEBP: ("WEBP",),
    Family.WEBP_ANIMATION: ("WEBP",),
    Family.GIF: ("GIF",),
    Family.HEIF: ("HEIF",),
    Family.AVIF: ("AVIF",),
    Family.BMP: ("BMP",),
    Family.TIFF: ("TIFF",),
}
_SIXTEEN_BITS = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})

_DECODER_COMPLAINTS = (
    OSError, ValueError, SyntaxError, EOFError, RuntimeError, IndexError, KeyError, TypeError,
    OverflowError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow and its plugins raise for damaged files, beside MemoryError, which stays what it is."""

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
Image.MAX_IMAGE_PIXELS = None  # `_opened` checks the header itself, before anything is decoded
ImageFile.LOAD_TRUNCATED_IMAGES = False


def probe(source: Path) -> PictureFacts:
    """Return what a picture is, from its header; raises `MediaRefused` as `prepare` does."""
    with _opened(source) as (picture, family):
        return _facts(picture, family, source)


def prepare(source: Path, target: Path, thumbnail_target: Path) -> PreparedPicture:
    """Write the picture as a JPEG within the limits, and its thumbnail.

    Raises `MediaRefused` with NOT_A_PICTURE, BROKEN, TOO_SMALL (width, height, limit) or
    TOO_MANY_PIXELS (width, height, limit).
    """
    with _opened(source) as (picture, family):
        before = _facts(picture, family, source)
        frame = lay_out(before.width, before.height)
        changes = [Change.CONVERTED] if before.format != "JPEG" else []
        if getattr(picture, "is_animated", False) and family in {Family.GIF, Family.WEBP_ANIMATION}:
            changes.append(Change.FIRST_FRAME)
        with _complaints():
            upright, flattened = _decoded(picture, frame)
    if flattened:
        changes.append(Change.FLATTENED)
    changes += _changes_of_size(before, frame)
    ready = _on_canvas(upright, frame)
    size = _write_jpeg(ready, target)
    _write_thumbnail(ready, thumbnail_target)
    after = PictureFacts(format="JPEG", width=ready.width, height=ready.height, size=size)
    return PreparedPicture(before=before, after=after, changes=tuple(changes))


def thumbnail(source: Path, target: Path) -> None:
    """Write a JPEG of at most `limits.THUMBNAIL_SIDE` pixels a side; raises as `prepare`."""
    with _opened(source) as (picture, family):
        facts = _facts(picture, family, source)
        with _complaints():
            upright, _ = _decoded(picture, Frame(facts.width, facts.height, facts.width, facts.height))
    _write_thumbnail(upright, target)


def upright(source: Path, *, longest: int) -> Image.Image:
    """Return the picture as it is seen, at most `longest` pixels a side; raises as `prepare`."""
    with _opened(source) as (picture, family):
        facts = _facts(picture, family, source)
        factor = min(1.0, longest / max(facts.width, facts.height))
        width, height = (max(1, round(side * factor)) for side in (facts.width, facts.height))
        with _complaints():
            plain, _ = _decoded(picture, Frame(width, height, width, height))
    return plain


@contextmanager
def _opened(source: Path) -> Iterator[tuple[Image.Image, Family]]:
    """Open the header with the one decoder that the content asks for; refuse too many or too few pixels."""
    family = family_of(source)
    if family not in _PILLOW_FORMATS:
        raise MediaRefused(Reason.NOT_A_PICTURE)
    with _complaints():
        picture = Image.open(source, formats=_PILLOW_FORMATS[family])
    with picture:
        width, height = picture.size
        if width * height > limits.PICTURE_PIXELS:
            raise MediaRefused(
                Reason.TOO_MANY_PIXELS, width=width, height=height, limit=limits.PICTURE_PIXELS
            )
        if min(width, height) < limits.SMALLEST_USABLE_SIDE:
            raise MediaRefused(
                Reason.TOO_SMALL, width=width, height=height, limit=limits.SMALLEST_USABLE_SIDE
            )
        yield picture, family


@contextmanager
def _complaints() -> Iterator[None]:
    """Turn what a decoder says about a damaged file into BROKEN."""
    try:
        yield
    except _DECODER_COMPLAINTS as error:
        raise MediaRefused(Reason.BROKEN, detail=f"{type(error).__name__}: {error}"[:200]) from error


def _facts(picture: Image.Image, family: Family, source: Path) -> PictureFacts:
    """Sides are as seen: EXIF tells the orientation (the HEIF decoder has applied and cleared it)."""
    width, height = picture.size
    with _complaints():
        if picture.getexif().get(0x0112, 1) in {5, 6, 7, 8}:
            width, height = height, width
    name = "WEBP" if family is Family.WEBP_ANIMATION else str(family)
    return PictureFacts(format=name, width=width, height=height, size=source.stat().st_size)


def _decoded(picture: Image.Image, frame: Frame) -> tuple[Image.Image, bool]:
    """Return upright, opaque sRGB pixels of the picture, already scaled, and whether it was flattened."""
    longest = max(frame.width, frame.height)
    picture.draft("RGB" if picture.mode == "RGB" else picture.mode, (longest, longest))
    picture.load()
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    transparent = upright.has_transparency_data
    plain = _eight_bits(upright) if upright.mode in _SIXTEEN_BITS or upright.mode == "F" else upright
    if transparent:
        plain = plain.convert("RGBA")
        transparent = np.asarray(plain.getchannel("A")).min() < 255
    elif plain.mode in {"1", "P"}:
        plain = plain.convert("RGB")
    plain = _in_srgb(plain, profile)
    if plain.mode == "RGBA":
        plain = _flattened(plain)
    if plain.size != (frame.width, frame.height):
        plain = plain.resize((frame.width, frame.height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return plain, transparent


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Pillow would clip deep greys to white instead of scaling them."""
    values = np.asarray(picture)
    if picture.mode == "F":
        values = np.nan_to_num(values) * (255 if float(np.nanmax(values)) <= 1 else 1)
    else:
        values = values.astype(np.int64) >> 8
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from the embedded profile; one that cannot be read or does not fit counts as sRGB."""
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    if not profile:
        return picture.convert(mode)
    try:
        converted = ImageCms.profileToProfile(
            picture if picture.mode in {"RGB", "RGBA", "CMYK", "L"} else picture.convert(mode),
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode=mode,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture.convert(mode)
    assert converted is not None  # only in-place conversions return None
    return converted


def _flattened(picture: Image.Image) -> Image.Image:
    ground = Image.new("RGB", picture.size, BACKGROUND)
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _changes_of_size(before: PictureFacts, frame: Frame) -> list[Change]:
    changes = []
    if frame.width < before.width or frame.height < before.height:
        changes.append(Change.SCALED_DOWN)
    elif frame.width > before.width or frame.height > before.height:
        changes.append(Change.SCALED_UP)
    if frame.padded:
        changes.append(Change.PADDED)
    return changes


def _on_canvas(picture: Image.Image, frame: Frame) -> Image.Image:
    """Centre the picture on a plain ground in the mean colour of its own outline."""
    if not frame.padded:
        return picture
    pixels = np.asarray(picture)
    outline = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).mean(axis=0)
    red, green, blue = (round(float(value)) for value in outline)
    canvas = Image.new("RGB", (frame.canvas_width, frame.canvas_height), (red, green, blue))
    canvas.paste(picture, ((canvas.width - picture.width) // 2, (canvas.height - picture.height) // 2))
    return canvas


def _write_jpeg(picture: Image.Image, target: Path) -> int:
    """Write with the best quality that stays within the limit and return the size in bytes."""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2)
        if buffer.tell() <= limits.PICTURE_BYTES:
            return target.write_bytes(buffer.getvalue())
    raise MediaRefused(Reason.TOO_LARGE, size=buffer.tell(), limit=limits.PICTURE_BYTES)


def _write_thumbnail(picture: Image.Image, target: Path) -> None:
    small = picture.copy()
    small.thumbnail((limits.THUMBNAIL_SIDE, limits.THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    small.save(target, "JPEG", quality=THUMBNAIL_QUALITY)
