"""What a file is by its content: the first bytes decide, never the name.

Signatures: RFC 2083 (PNG), ITU T.81 (JPEG), GIF89a, RFC 9649 (WebP), ISO 14496-12 (boxes) with the brands of
mp4ra.org, QuickTime File Format (files without `ftyp`), RFC 8794 (EBML), TIFF 6.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from media.facts import Kind

HEAD_BYTES = 4096
"""How much of a file is read."""


class Family(StrEnum):
    """The formats that we open; anything else is never handed to a decoder."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    WEBP_ANIMATION = "WEBP_ANIMATION"
    GIF = "GIF"
    HEIF = "HEIF"
    AVIF = "AVIF"
    BMP = "BMP"
    TIFF = "TIFF"
    MP4 = "MP4"
    MOV = "MOV"
    MATROSKA = "MATROSKA"
    UNKNOWN = "UNKNOWN"

    @property
    def kind(self) -> Kind:
        if self in _EITHER:
            return Kind.EITHER
        if self in _VIDEOS:
            return Kind.VIDEO
        return Kind.NEITHER if self is Family.UNKNOWN else Kind.PICTURE


_EITHER = frozenset({Family.GIF, Family.WEBP_ANIMATION})
_VIDEOS = frozenset({Family.MP4, Family.MOV, Family.MATROSKA})

_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"}
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MP4_BRANDS = frozenset(
    {
        b"isom", b"mp41", b"mp42", b"mp71", b"avc1", b"hvc1", b"hev1", b"av01", b"dash", b"iso2", b"iso3",
        b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"M4V ", b"M4VH", b"M4VP", b"M4A ", b"M4B ",
        b"MSNV", b"XAVC", b"f4v ", b"F4V ", b"mmp4", b"ndsc", b"ndsh", b"ndsm", b"ndsp", b"ndss", b"ndxc",
    }
)  # fmt: skip
_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})


def recognise(path: Path) -> Kind:
    """Return what the file is; reads at most `HEAD_BYTES` and raises only the `OSError` of reading."""
    return family_of(path).kind


def family_of(path: Path) -> Family:
    """Return the format family of the file; as `recognise`."""
    with path.open("rb") as file:
        return family(file.read(HEAD_BYTES))


def family(head: bytes) -> Family:
    """Return the format family that a file with these first bytes belongs to; never raises."""
    if head.startswith(b"\xff\xd8\xff"):
        return Family.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Family.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Family.GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    if head[4:8] in _QUICKTIME_BOXES and _is_box_size(head[:4]):
        return Family.MOV
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Family.MATROSKA if b"webm" in head[:64] or b"matroska" in head[:64] else Family.UNKNOWN
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return Family.BMP
    if head.startswith((b"II*\x00", b"MM\x00*")):
        return Family.TIFF
    return Family.UNKNOWN


def _webp(head: bytes) -> Family:
    """An extended WebP has its flags in the 21st byte; the second bit says that it moves."""
    moves = head[12:16] == b"VP8X" and len(head) > 20 and head[20] & 0x02
    return Family.WEBP_ANIMATION if moves else Family.WEBP


def _by_brands(head: bytes) -> Family:
    """The major brand decides; `mif1`, a structure rather than a format, leaves it to the compatible ones."""
    brands = list(_brands(head))
    if _AVIF_BRANDS.intersection(brands[:1]) or (brands[:1] == [b"mif1"] and _AVIF_BRANDS & set(brands)):
        return Family.AVIF
    for brand in brands:
        if brand in _HEIF_BRANDS:
            return Family.HEIF
        if brand in _AVIF_BRANDS:
            return Family.AVIF
        if brand == b"qt  ":
            return Family.MOV
        if brand in _MP4_BRANDS or brand[:2] in {b"3g", b"mp"}:
            return Family.MP4
    return Family.UNKNOWN


def _brands(head: bytes) -> Iterator[bytes]:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    yield head[8:12]
    for start in range(16, end - 3, 4):
        yield head[start : start + 4]


def _is_box_size(size: bytes) -> bool:
    """0 means up to the end of the file, 1 that a 64-bit size follows; no box is smaller than 8."""
    value = int.from_bytes(size, "big")
    return value in {0, 1} or value >= 8
