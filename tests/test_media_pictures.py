"""Pictures of every kind become an upright, opaque JPEG within the limits, or are refused with the reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media import pictures
from media.errors import MediaRefused, Reason
from media.facts import Change, PreparedPicture
from tests import media_files
from tests.media_files import Shelf, Size

RED, LIME, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.getbasetemp() / "media-files")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "ready.jpg"


def prepare(source: Path, target: Path) -> PreparedPicture:
    return pictures.prepare(source, target, target.with_name("thumbnail.jpg"))


def corners(path: Path) -> list[tuple[int, ...]]:
    """The colours near the corners, clockwise from the top left."""
    with Image.open(path) as picture:
        w, h = picture.size
        x, y = w // 12, h // 12
        places = ((x, y), (w - x, y), (w - x, h - y), (x, h - y))
        return [tuple(picture.convert("RGB").getpixel(place)) for place in places]


def assert_scene(path: Path) -> None:
    """The corners of the test scene are where they belong, with some tolerance for compression."""
    for seen, expected in zip(corners(path), (RED, LIME, YELLOW, BLUE), strict=True):
        assert max(abs(a - b) for a, b in zip(seen, expected, strict=True)) < 60, (seen, expected)


@pytest.mark.parametrize(
    "name",
    ["picture.jpg", "picture.webp", "picture.heic", "picture.avif", "still.gif", "cmyk.jpg", "profile.jpg"],
)
def test_every_kind_of_picture_becomes_a_jpeg_that_looks_the_same(
    name: str, shelf: Shelf, target: Path
) -> None:
    source = shelf(name)

    prepared = prepare(source, target)

    assert_scene(target)
    with Image.open(target) as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        assert picture.size == (prepared.after.width, prepared.after.height)
    assert prepared.after.size == target.stat().st_size
    assert (Change.CONVERTED in prepared.changes) is (source.suffix != ".jpg")


@pytest.mark.parametrize("image_format", ["BMP", "TIFF"])
def test_older_formats_are_taken_as_well(image_format: str, tmp_path: Path, target: Path) -> None:
    source = media_files.picture_saved_as(tmp_path / "old", image_format)

    prepare(source, target)

    assert_scene(target)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_rotation_of_exif_is_applied_to_the_pixels(
    orientation: int, tmp_path: Path, target: Path
) -> None:
    source = media_files.picture_jpeg(tmp_path / "a.jpg", size=(480, 640), orientation=orientation)

    prepared = prepare(source, target)

    assert_scene(target)
    assert (prepared.before.width, prepared.before.height) == (480, 640)
    assert (prepared.after.width, prepared.after.height) == (480, 640)


def test_no_metadata_is_left_above_all_no_place(tmp_path: Path, target: Path) -> None:
    source = media_files.picture_jpeg(tmp_path / "a.jpg", gps=True)

    prepare(source, target)

    with Image.open(target) as picture:
        assert not picture.getexif()
        assert "icc_profile" not in picture.info
    assert b"Exif" not in target.read_bytes()


def test_transparency_is_flattened_onto_a_neutral_ground(shelf: Shelf, target: Path) -> None:
    prepared = prepare(shelf("alpha.png"), target)

    assert Change.FLATTENED in prepared.changes
    for seen in corners(target):
        assert max(abs(a - b) for a, b in zip(seen, pictures.BACKGROUND, strict=True)) < 8


def test_an_opaque_alpha_channel_is_not_worth_telling(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "opaque.png"
    media_files.scene().convert("RGBA").save(source)

    prepared = prepare(source, target)

    assert Change.FLATTENED not in prepared.changes


def test_sixteen_bit_grey_keeps_its_shades(shelf: Shelf, target: Path) -> None:
    prepare(shelf("grey16.png"), target)

    with Image.open(target) as picture:
        row = np.asarray(picture.convert("L"))[240]
    assert row[0] < 4
    assert 120 < row[320] < 136
    assert row[-1] > 251


def test_a_palette_with_transparency_is_understood(shelf: Shelf, target: Path) -> None:
    prepared = prepare(shelf("palette.png"), target)

    assert (prepared.after.width, prepared.after.height) == (640, 480)
    assert Change.FLATTENED in prepared.changes


@pytest.mark.parametrize("name", ["animation.gif", "animation.webp"])
def test_of_an_animation_the_first_frame_is_taken(name: str, shelf: Shelf, target: Path) -> None:
    prepared = prepare(shelf(name), target)

    assert Change.FIRST_FRAME in prepared.changes


@pytest.mark.parametrize(
    ("size", "expected", "change"),
    [
        ((4000, 3000), (3850, 2888), Change.SCALED_DOWN),
        ((200, 150), (453, 340), Change.SCALED_UP),
        ((1200, 400), (1200, 480), Change.PADDED),
        ((400, 1200), (480, 1200), Change.PADDED),
    ],
)
def test_sizes_outside_the_limits_are_brought_within(
    size: Size, expected: Size, change: Change, tmp_path: Path, target: Path
) -> None:
    source = media_files.picture_jpeg(tmp_path / "a.jpg", size=size)

    prepared = prepare(source, target)

    assert (prepared.after.width, prepared.after.height) == expected
    assert change in prepared.changes


def test_a_noisy_picture_gets_a_lower_quality_rather_than_too_many_bytes(
    tmp_path: Path, target: Path
) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (3000, 3800, 3), np.uint8)
    source = tmp_path / "noise.png"
    Image.fromarray(noise).save(source, compress_level=0)

    prepared = prepare(source, target)

    assert prepared.after.size <= 10_000_000


def test_the_thumbnail_is_small(shelf: Shelf, tmp_path: Path) -> None:
    target = tmp_path / "thumbnail.jpg"

    pictures.thumbnail(shelf("picture.heic"), target)

    with Image.open(target) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 240))


def test_a_probe_tells_the_upright_size_without_writing(tmp_path: Path) -> None:
    source = media_files.picture_jpeg(tmp_path / "a.jpg", size=(480, 640), orientation=6)

    facts = pictures.probe(source)

    assert (facts.format, facts.width, facts.height) == ("JPEG", 480, 640)


def refusal(source: Path, target: Path) -> MediaRefused:
    with pytest.raises(MediaRefused) as caught:
        prepare(source, target)
    assert not target.exists()
    return caught.value


@pytest.mark.parametrize("name", ["bomb.png", "bomb.gif"])
def test_a_bomb_is_refused_by_its_header(name: str, shelf: Shelf, target: Path) -> None:
    refused = refusal(shelf(name), target)

    assert refused.reason is Reason.TOO_MANY_PIXELS
    assert refused.facts["width"] >= 50_000


@pytest.mark.parametrize("name", ["text.png", "clip.mp4"])
def test_what_is_no_picture_is_refused_as_that(name: str, shelf: Shelf, target: Path) -> None:
    assert refusal(shelf(name), target).reason is Reason.NOT_A_PICTURE


@pytest.mark.parametrize(
    "name", ["picture.jpg", "alpha.png", "picture.webp", "picture.heic", "picture.avif", "still.gif"]
)
@pytest.mark.parametrize("share", [0.05, 0.6])
def test_a_truncated_picture_is_broken(
    name: str, share: float, shelf: Shelf, tmp_path: Path, target: Path
) -> None:
    source = media_files.truncated(tmp_path / name, shelf(name), share=share)

    assert refusal(source, target).reason is Reason.BROKEN


def test_a_tiny_picture_is_refused_with_its_size(tmp_path: Path, target: Path) -> None:
    source = media_files.picture_png(tmp_path / "icon.png", size=(48, 300))

    refused = refusal(source, target)

    assert refused.reason is Reason.TOO_SMALL
    assert (refused.facts["width"], refused.facts["limit"]) == (48, 64)


@pytest.mark.filterwarnings("ignore")  # decoders grumble; the worker does not listen either
def test_garbage_behind_every_signature_is_refused_and_never_an_error(tmp_path: Path, target: Path) -> None:
    random = np.random.default_rng(3)
    buffer = io.BytesIO()
    media_files.scene().save(buffer, "JPEG")
    heads = [
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\x00\x10\x00\x00WEBPVP8 ",
        b"\xff\xd8\xff\xe0",
        b"II*\x00",
    ]
    heads += [
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00",
    ]

    for head in heads:
        source = tmp_path / "garbage"
        source.write_bytes(head + random.bytes(3000))

        assert refusal(source, target).reason in {Reason.BROKEN, Reason.TOO_MANY_PIXELS, Reason.TOO_SMALL}
