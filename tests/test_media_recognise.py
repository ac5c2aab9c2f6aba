"""What a file is by its content, and how pictures and videos are laid out within the limits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media import limits
from media.facts import Kind
from media.limits import lay_out
from media.recognise import HEAD_BYTES, Family, family, recognise
from tests.media_files import Shelf

SIGNATURES = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x00\x00\x00\x00WEBP",
    b"RIFF\x00\x00\x00\x00WEBPVP8X",
    b"\x00\x00\x00\x18ftyp", b"\x00\x00\x00\x14ftypheic", b"\x00\x00\x00\x08moov", b"\x1a\x45\xdf\xa3", b"BM",
    b"II*\x00",
)  # fmt: skip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.getbasetemp() / "media-files")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("picture.jpg", Kind.PICTURE),
        ("alpha.png", Kind.PICTURE),
        ("picture.webp", Kind.PICTURE),
        ("picture.heic", Kind.PICTURE),
        ("picture.avif", Kind.PICTURE),
        ("still.gif", Kind.EITHER),
        ("animation.gif", Kind.EITHER),
        ("animation.webp", Kind.EITHER),
        ("clip.mp4", Kind.VIDEO),
        ("hevc.mov", Kind.VIDEO),
        ("clip.webm", Kind.VIDEO),
        ("sound.mp4", Kind.VIDEO),
        ("text.png", Kind.NEITHER),
    ],
)
def test_a_file_is_recognised_by_its_content(name: str, kind: Kind, shelf: Shelf, tmp_path: Path) -> None:
    misnamed = tmp_path / "something.exe"
    misnamed.write_bytes(shelf(name).read_bytes())

    recognised = recognise(misnamed)

    assert recognised is kind


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", Family.AVIF),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", Family.HEIF),
        (b"\x00\x00\x00\x14ftyphevx\x00\x00\x00\x00mif1", Family.HEIF),
        (b"\x00\x00\x00\x14ftypavis\x00\x00\x00\x00msf1", Family.AVIF),
        (b"\x00\x00\x00\x14ftyp3gp5\x00\x00\x00\x003gp4", Family.MP4),
        (b"\x00\x00\x00\x14ftypM4V \x00\x00\x00\x00isom", Family.MP4),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", Family.MOV),
        (b"\x00\x00\x00\x14ftypXXXX\x00\x00\x00\x00isom", Family.MP4),
        (b"\x00\x00\x00\x14ftypcrx \x00\x00\x00\x00crx ", Family.UNKNOWN),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", Family.MOV),
        (b"\x00\x01\x00\x00moov", Family.MOV),
        (b"\x00\x00\x00\x01mdat\x00\x00\x00\x00", Family.MOV),
        (b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd", Family.UNKNOWN),
        (b"ffconcat version 1.0\nfile /etc/passwd", Family.UNKNOWN),
        (b"%PDF-1.7", Family.UNKNOWN),
        (b"", Family.UNKNOWN),
    ],
)
def test_brands_and_boxes_decide_between_formats_that_look_alike(head: bytes, expected: Family) -> None:
    assert family(head) is expected


@given(
    st.one_of(
        st.binary(max_size=200), st.builds(bytes.__add__, st.sampled_from(SIGNATURES), st.binary(max_size=99))
    )
)
@example(b"\x00\x00\x00\x00ftyp")
@example(b"\xff\xff\xff\xffftypmif1")
def test_arbitrary_bytes_are_something_or_nothing_but_never_an_error(head: bytes) -> None:
    assert isinstance(family(head).kind, Kind)


def test_only_the_beginning_of_a_file_is_read(tmp_path: Path) -> None:
    sparse = tmp_path / "huge.bin"
    with sparse.open("wb") as file:
        file.write(b"x" * HEAD_BYTES)
        file.truncate(50 * 1024**3)

    assert recognise(sparse) is Kind.NEITHER


@given(
    width=st.integers(limits.SMALLEST_USABLE_SIDE, 20_000),
    height=st.integers(limits.SMALLEST_USABLE_SIDE, 20_000),
    longest=st.sampled_from([limits.LONGEST_SIDE, limits.REENCODED_SIDE]),
    step=st.sampled_from([1, 2]),
)
@example(width=3850, height=1540, longest=3850, step=1)
@example(width=64, height=20_000, longest=1920, step=2)
@example(width=849, height=340, longest=3850, step=2)
def test_whatever_comes_in_is_laid_out_within_every_limit(
    width: int, height: int, longest: int, step: int
) -> None:
    frame = lay_out(width, height, longest=longest, step=step)

    sides = (frame.canvas_width, frame.canvas_height)
    assert limits.SHORTEST_SIDE <= min(sides) <= max(sides) <= longest
    assert limits.NARROWEST <= frame.canvas_width / frame.canvas_height <= limits.WIDEST
    assert 0 < frame.width <= frame.canvas_width
    assert 0 < frame.height <= frame.canvas_height
    assert all(side % step == 0 for side in (*sides, frame.width, frame.height))


def test_what_is_within_the_limits_is_left_alone() -> None:
    frame = lay_out(1170, 1561)

    assert (frame.width, frame.height, frame.padded) == (1170, 1561, False)


def test_the_side_of_the_bot_loads_no_codec() -> None:
    code = "import sys, media.workshop; sys.exit(any(name in sys.modules for name in ('av', 'PIL', 'numpy')))"

    finished = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, timeout=60)

    assert finished.returncode == 0
