"""What fitting a result promises, with real files: it plays everywhere, keeps its sound, stays watchable."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from media import clips
from media.errors import MediaRefused, Reason
from tests import media_files
from tests.media_files import Recipe, Size, write_clip

FAST = {"preset": "ultrafast", "crf": "18"}


@pytest.fixture(scope="module")
def full_hd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results") / "result.mp4"
    return write_clip(path, Recipe(seconds=3, size=(1920, 1080), fps=8, options=FAST))


def assert_plays_everywhere(path: Path, *, max_bytes: int) -> None:
    """H.264 of 8 bits with its index first, and sound to its end that can be heard."""
    layout = path.read_bytes()
    assert len(layout) <= max_bytes
    assert layout.index(b"moov") < layout.index(b"mdat")
    with av.open(str(path)) as container:
        (video,), (sound,) = container.streams.video, container.streams.audio
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert sound.codec_context.name == "aac"
        loud = [abs(frame.to_ndarray()).max() for frame in container.decode(sound)]
    assert max(loud) > 0.05
    assert len(loud) * 1024 / media_files.SOUND_RATE == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize(
    ("max_bytes", "size"),
    [(900_000, (1920, 1080)), (400_000, (1280, 720)), (130_000, (854, 480))],
)
def test_the_fewer_bytes_there_are_the_fewer_pixels_are_left(
    full_hd: Path, tmp_path: Path, max_bytes: int, size: Size
) -> None:
    facts = clips.fit(full_hd, tmp_path / "fitted.mp4", max_bytes=max_bytes)

    assert (facts.width, facts.height) == size
    assert_plays_everywhere(tmp_path / "fitted.mp4", max_bytes=max_bytes)


def test_rather_than_below_480_lines_there_is_no_copy_at_all(full_hd: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaRefused) as caught:
        clips.fit(full_hd, tmp_path / "fitted.mp4", max_bytes=25_000)

    assert caught.value.reason is Reason.TOO_LARGE


def test_what_has_fewer_lines_than_that_is_not_made_smaller(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "small.mp4", Recipe(seconds=3, size=(432, 768), fps=8, options=FAST))

    facts = clips.fit(source, tmp_path / "fitted.mp4", max_bytes=110_000)

    assert source.stat().st_size > 110_000
    assert (facts.width, facts.height) == (432, 768)
    assert_plays_everywhere(tmp_path / "fitted.mp4", max_bytes=110_000)


@pytest.mark.parametrize(("pixels", "max_bytes"), [("yuv420p", 50_000_000), ("yuv420p10le", 90_000)])
def test_a_result_that_few_can_play_becomes_one_that_all_can_also_where_it_would_fit(
    tmp_path: Path, pixels: str, max_bytes: int
) -> None:
    colours = (9, 18, 9) if pixels == "yuv420p10le" else None
    recipe = Recipe(
        seconds=3, size=(480, 640), fps=5, codec="libx265", options={**media_files.X265, "crf": "10"},
        pixel_format=pixels, colours=colours,
    )  # fmt: skip
    source = write_clip(tmp_path / "hevc.mp4", recipe)
    assert 90_000 < source.stat().st_size < 50_000_000

    clips.fit(source, tmp_path / "fitted.mp4", max_bytes=max_bytes)

    assert_plays_everywhere(tmp_path / "fitted.mp4", max_bytes=max_bytes)


def test_a_result_whose_index_comes_last_gets_it_first(tmp_path: Path) -> None:
    recipe = Recipe(seconds=3, size=(480, 640), fps=8, options=FAST, container={})
    source = write_clip(tmp_path / "late.mp4", recipe)
    layout = source.read_bytes()
    assert layout.index(b"moov") > layout.index(b"mdat")

    clips.fit(source, tmp_path / "fitted.mp4", max_bytes=50_000_000)

    assert_plays_everywhere(tmp_path / "fitted.mp4", max_bytes=50_000_000)
