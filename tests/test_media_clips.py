"""Videos of every kind become an MP4 within the limits, changed as little as possible, or are refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from media import clips
from media.boxes import read_layout
from media.errors import MediaRefused, Reason
from media.facts import Change, PreparedClip
from tests import media_files
from tests.media_files import Recipe, Shelf

Prepare = Callable[..., PreparedClip]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.getbasetemp() / "media-files")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "ready.mp4"


@pytest.fixture
def prepare(target: Path) -> Prepare:
    def run(source: Path, longest: float = 30.0) -> PreparedClip:
        return clips.prepare(source, target, target.with_suffix(".jpg"), longest=longest)

    return run


def pictures(path: Path) -> list[np.ndarray]:
    """All frames, in the order in which they are seen, as they are stored."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def moments(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def coded_picture(path: Path) -> str:
    """A digest of the coded picture data, whatever the container around it."""
    digest = hashlib.sha256()
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            digest.update(bytes(packet))
    return digest.hexdigest()


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def assert_sendable(path: Path, longest: float = 30.0) -> None:
    """The published limits, checked without using the code that is tested."""
    layout = read_layout(path)
    assert layout.names.index(b"moov") < layout.names.index(b"mdat")
    assert path.stat().st_size <= 100_000_000
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        width, height = video.codec_context.width, video.codec_context.height
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert 340 <= min(width, height) <= max(width, height) <= 3850
        assert 0.4 <= width / height <= 2.5
        assert width % 2 == height % 2 == 0
        assert 2.99 <= container.duration / 1e6 <= longest + 0.03
        assert video.average_rate <= 60.5
        assert all(sound.codec_context.name == "aac" for sound in container.streams.audio)
        assert len(container.streams) == 1 + len(container.streams.audio)
        for frame in container.decode(video):
            assert "DISPLAYMATRIX" not in {side.type.name for side in frame.side_data}
            assert not frame.is_corrupt


@pytest.mark.parametrize("name", ["clip.mp4", "silent.mp4"])
def test_a_conforming_video_is_passed_on_byte_for_byte(
    name: str, shelf: Shelf, prepare: Prepare, target: Path
) -> None:
    source = shelf(name)

    prepared = prepare(source)

    assert target.read_bytes() == source.read_bytes()
    assert not prepared.reencoded
    assert prepared.changes == ()
    assert prepared.before.has_sound is (name == "clip.mp4")


@pytest.mark.parametrize(
    ("name", "seconds", "sound"),
    [
        ("hevc.mp4", 4.0, True),
        ("hevc.mov", 4.0, True),
        ("hdr.mov", 3.5, True),
        ("clip.webm", 4.0, True),
        ("variable.mp4", 4.0, True),
        ("rotated.mov", 4.0, True),
        ("animation.gif", 4.0, False),
        ("transparent.gif", 4.0, False),
        ("animation.webp", 4.0, False),
    ],
)
def test_every_other_kind_is_encoded_within_the_limits(
    name: str, seconds: float, sound: bool, shelf: Shelf, prepare: Prepare, target: Path
) -> None:
    prepared = prepare(shelf(name))

    assert_sendable(target)
    assert prepared.reencoded
    assert Change.CONVERTED in prepared.changes
    assert prepared.before.seconds == pytest.approx(seconds, abs=0.1)
    assert prepared.after.seconds == pytest.approx(seconds, abs=0.1)
    assert prepared.after.has_sound is sound
    with Image.open(target.with_suffix(".jpg")) as poster:
        assert (poster.format, max(poster.size)) == ("JPEG", 320)


@pytest.mark.parametrize("sound", ["aac", "pcm_s16le"])
def test_h264_in_a_mov_only_changes_its_container_and_sound(
    sound: str, tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    source = media_files.clip_mov_h264(tmp_path / "camera.mov", sound=sound)

    prepared = prepare(source)

    assert_sendable(target)
    assert not prepared.reencoded
    assert prepared.changes == (Change.CONVERTED,)
    assert coded_picture(target) == coded_picture(source)
    assert prepared.after.has_sound


def test_h264_in_matroska_only_changes_its_container(tmp_path: Path, prepare: Prepare, target: Path) -> None:
    source = media_files.write_clip(tmp_path / "clip.mkv", Recipe(container={}))

    prepared = prepare(source)

    assert_sendable(target)
    assert not prepared.reencoded
    assert len(pictures(target)) == 100


def test_the_place_of_filming_is_removed_without_encoding(
    tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    faststart = {"movflags": "+faststart+use_metadata_tags"}
    place = {"location": "+52.5200+013.4050/"}
    source = media_files.write_clip(tmp_path / "a.mp4", Recipe(container=faststart, metadata=place))
    assert b"+52.5200" in source.read_bytes()

    prepared = prepare(source)

    assert not prepared.reencoded
    assert b"+52.5200" not in target.read_bytes()
    assert coded_picture(target) == coded_picture(source)


def test_an_index_at_the_end_is_moved_to_the_front(tmp_path: Path, prepare: Prepare, target: Path) -> None:
    source = media_files.write_clip(tmp_path / "slow-start.mp4", Recipe(container={}))

    prepared = prepare(source)

    assert_sendable(target)
    assert not prepared.reencoded


@pytest.mark.parametrize("longest", [30.0, 10.0])
def test_a_long_video_is_trimmed_to_just_inside_the_limit_without_encoding(
    longest: float, shelf: Shelf, prepare: Prepare, target: Path
) -> None:
    prepared = prepare(shelf("long.mp4"), longest)

    assert_sendable(target, longest)
    assert not prepared.reencoded
    assert prepared.changes == (Change.TRIMMED,)
    assert longest - 0.3 < prepared.after.seconds <= longest - 0.05


def test_a_trim_between_frames_that_refer_to_each_other_leaves_no_hole(
    tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    options = {"preset": "fast", "bf": "3", "g": "250"}
    recipe = Recipe(seconds=10.03, fps=30, size=(352, 352), options=options)
    source = media_files.write_clip(tmp_path / "b-frames.mp4", recipe)

    prepared = prepare(source, longest=10)

    assert_sendable(target, 10)
    assert Change.TRIMMED in prepared.changes
    kept, whole = pictures(target), pictures(source)
    assert len(kept) >= 290
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(kept, whole, strict=False))
    assert np.diff(moments(target)) == pytest.approx(1 / 30, abs=0.001)


def test_a_long_video_that_must_be_encoded_is_trimmed_as_well(
    tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    source = media_files.clip_hevc(tmp_path / "long.mov", seconds=11, size=(352, 352), fps=15)

    prepared = prepare(source, longest=10)

    assert_sendable(target, 10)
    assert {Change.TRIMMED, Change.CONVERTED} <= set(prepared.changes)
    assert 9.8 < prepared.after.seconds <= 9.95


def test_exactly_the_longest_length_is_not_trimmed(tmp_path: Path, prepare: Prepare, target: Path) -> None:
    source = media_files.clip_mp4(tmp_path / "ten.mp4", seconds=10, size=(352, 352), fps=12)

    prepared = prepare(source, longest=10)

    assert prepared.changes == ()
    assert prepared.after.seconds == pytest.approx(10)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_metadata_is_applied_to_the_pixels(
    degrees: int, tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    source = media_files.clip_rotated_mov(tmp_path / "rotated.mov", degrees=degrees)
    upright = [np.rot90(picture, -degrees // 90) for picture in pictures(source)]

    prepared = prepare(source)

    size = (480, 640) if degrees != 180 else (640, 480)
    assert (prepared.before.width, prepared.before.height) == size
    for mine, theirs in zip(pictures(target), upright, strict=True):
        assert difference(mine, theirs) < 8


def test_a_variable_frame_rate_becomes_constant_and_keeps_its_timing(
    shelf: Shelf, prepare: Prepare, target: Path
) -> None:
    source = shelf("variable.mp4")
    shown, originals = moments(source), pictures(source)

    prepare(source)

    made, copies = moments(target), pictures(target)
    assert np.diff(made) == pytest.approx(1 / 60, abs=0.001)
    for moment in (0.5, 1.55, 2.05, 3.45):
        before = max(number for number, at in enumerate(shown) if at <= moment + 1 / 120)
        after = min(range(len(made)), key=lambda number: abs(made[number] - moment))
        assert difference(copies[after], originals[before]) < 8


def test_more_than_sixty_frames_a_second_are_thinned_out(
    tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    source = media_files.write_clip(tmp_path / "slow-motion.mp4", Recipe(fps=120, size=(352, 352), seconds=3))

    prepared = prepare(source)

    assert_sendable(target)
    assert prepared.reencoded
    assert prepared.after.frames_per_second == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("delay_ms", [0, 10])
def test_a_gif_without_delays_plays_as_browsers_play_it(
    delay_ms: int, tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    source = media_files.gif_animation(tmp_path / "quick.gif", frames=32, delay_ms=delay_ms, size=(96, 96))

    prepared = prepare(source)

    assert prepared.after.seconds == pytest.approx(3.2, abs=0.1)


def test_a_transparent_gif_gets_a_neutral_ground(shelf: Shelf, prepare: Prepare, target: Path) -> None:
    prepare(shelf("transparent.gif"))

    for picture in pictures(target)[::20]:
        assert np.abs(picture[3, 3].astype(int) - 230).max() < 12


@pytest.mark.parametrize(
    ("size", "expected", "change"),
    [
        ((320, 240), (454, 340), Change.SCALED_UP),
        ((640, 200), (850, 340), Change.PADDED),
        ((200, 640), (340, 850), Change.PADDED),
        ((4096, 1800), (1920, 844), Change.SCALED_DOWN),
    ],
)
def test_sizes_outside_the_limits_are_brought_within(
    size: media_files.Size, expected: media_files.Size, change: Change, tmp_path: Path, prepare: Prepare
) -> None:
    source = media_files.clip_flat(tmp_path / "a.mp4", size=size, frames=30)

    prepared = prepare(source)

    assert_sendable(tmp_path / "ready.mp4")
    assert (prepared.after.width, prepared.after.height) == expected
    assert change in prepared.changes


def test_full_range_colours_are_brought_to_studio_range(
    tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    source = media_files.write_clip(tmp_path / "phone.mp4", Recipe(pixel_format="yuvj420p", seconds=3))

    prepare(source)

    assert_sendable(target)
    assert difference(pictures(target)[30], pictures(source)[30]) < 8


def test_hdr_becomes_an_ordinary_picture_of_ordinary_brightness(
    shelf: Shelf, prepare: Prepare, target: Path
) -> None:
    prepare(shelf("hdr.mov"))

    with av.open(str(target)) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == "yuv420p"
        assert container.streams.video[0].codec_context.color_trc == 1
        assert 60 < frame.to_ndarray(format="gray").mean() < 200


def test_sound_that_outlasts_the_picture_is_cut_with_it(
    tmp_path: Path, prepare: Prepare, target: Path
) -> None:
    recipe = Recipe(seconds=9.5, sound_seconds=12, fps=12, size=(352, 352))
    source = media_files.write_clip(tmp_path / "a.mp4", recipe)

    prepared = prepare(source, longest=10)

    assert_sendable(target, 10)
    assert not prepared.reencoded
    assert prepared.after.seconds == pytest.approx(9.5, abs=0.01)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("short.mp4", Reason.TOO_SHORT),
        ("sound.mp4", Reason.NO_VIDEO_STREAM),
        ("huge.mp4", Reason.TOO_MANY_PIXELS),
        ("bomb.gif", Reason.TOO_MANY_PIXELS),
        ("still.gif", Reason.NOT_A_VIDEO),
        ("text.png", Reason.NOT_A_VIDEO),
        ("picture.jpg", Reason.NOT_A_VIDEO),
        ("picture.webp", Reason.NOT_A_VIDEO),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    name: str, reason: Reason, shelf: Shelf, prepare: Prepare, target: Path
) -> None:
    with pytest.raises(MediaRefused) as probed:
        clips.probe(shelf(name))
    with pytest.raises(MediaRefused) as prepared:
        prepare(shelf(name))

    assert probed.value.reason is prepared.value.reason is reason
    assert not target.exists()


def test_too_short_says_how_short(shelf: Shelf) -> None:
    with pytest.raises(MediaRefused) as caught:
        clips.probe(shelf("short.mp4"))

    assert caught.value.facts == {"seconds": 2.0, "limit": 3.0}


def test_an_attached_cover_is_no_video(tmp_path: Path) -> None:
    source = media_files.sound_only_mp4(tmp_path / "song.mp4", cover=True)

    with pytest.raises(MediaRefused) as caught:
        clips.probe(source)

    assert caught.value.reason is Reason.NO_VIDEO_STREAM


@pytest.mark.parametrize("name", ["clip.mp4", "camera.mov", "clip.webm"])
@pytest.mark.parametrize("share", [0.1, 0.7])
def test_a_truncated_video_is_broken(name: str, share: float, shelf: Shelf, tmp_path: Path) -> None:
    source = media_files.truncated(tmp_path / name, shelf(name), share=share)

    with pytest.raises(MediaRefused) as caught:
        clips.probe(source)

    assert caught.value.reason is Reason.BROKEN


def test_a_video_whose_pictures_are_overwritten_is_broken(shelf: Shelf, tmp_path: Path) -> None:
    body = bytearray(shelf("clip.mp4").read_bytes())
    start = body.index(b"mdat") + 4
    body[start:] = np.random.default_rng(5).bytes(len(body) - start)
    source = tmp_path / "damaged.mp4"
    source.write_bytes(bytes(body))

    with pytest.raises(MediaRefused) as caught:
        clips.probe(source)

    assert caught.value.reason is Reason.BROKEN


def test_an_absurd_number_of_frames_a_second_is_refused(tmp_path: Path) -> None:
    source = media_files.write_clip(
        tmp_path / "flood.mp4", Recipe(fps=600, seconds=0.5, size=(96, 96), sound=None)
    )

    with pytest.raises(MediaRefused) as caught:
        clips.probe(source)

    assert caught.value.reason is Reason.TOO_MANY_FRAMES


@pytest.mark.parametrize("extension", ["mp4", "mov", "gif", "webm"])
def test_a_playlist_in_disguise_opens_nothing(extension: str, shelf: Shelf, tmp_path: Path) -> None:
    source = media_files.playlist_named_mp4(tmp_path / f"list.{extension}", reads=shelf("clip.mp4"))

    with pytest.raises(MediaRefused) as caught:
        clips.verify(source)

    assert caught.value.reason is Reason.NOT_A_VIDEO


def test_garbage_in_a_container_is_refused_and_never_an_error(shelf: Shelf, tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    source = tmp_path / "garbage"
    for name in ("clip.mp4", "clip.webm", "animation.gif", "animation.webp"):
        body = bytearray(shelf(name).read_bytes())
        for _ in range(15):
            damaged = bytearray(body)
            for place in random.integers(12, min(len(damaged), 4000), 40):
                damaged[place] = random.integers(0, 256)
            source.write_bytes(bytes(damaged))

            try:
                facts = clips.probe(source)
            except (MediaRefused, MemoryError):  # the worker calls want of memory TOO_COMPLEX
                continue
            else:
                assert facts.seconds >= 3


def test_a_result_of_any_length_is_verified(shelf: Shelf) -> None:
    facts = clips.verify(shelf("short.mp4"))

    assert (facts.codec, facts.width, facts.height, facts.seconds) == ("h264", 640, 480, 2.0)


def test_the_poster_is_upright(shelf: Shelf, tmp_path: Path) -> None:
    target = tmp_path / "poster.jpg"

    clips.draw_poster(shelf("rotated.mov"), target)

    with Image.open(target) as picture:
        assert picture.size == (480, 640)


def test_a_clip_is_fitted_with_fewer_pixels_where_bytes_are_short(tmp_path: Path, target: Path) -> None:
    source = media_files.clip_mp4(tmp_path / "result.mp4", seconds=3, size=(1280, 720), fps=16)

    facts = clips.fit(source, target, max_bytes=130_000)

    assert target.stat().st_size <= 130_000
    assert (facts.width, facts.height) == (854, 480)
    assert facts.has_sound
    assert facts.seconds == pytest.approx(3, abs=0.1)
    assert_sendable(target)


def test_a_clip_that_fits_already_is_left_alone(shelf: Shelf, target: Path) -> None:
    clips.fit(shelf("clip.mp4"), target, max_bytes=10_000_000)

    assert target.read_bytes() == shelf("clip.mp4").read_bytes()


def test_a_clip_that_cannot_fit_decently_is_refused(shelf: Shelf, target: Path) -> None:
    with pytest.raises(MediaRefused) as caught:
        clips.fit(shelf("clip.mp4"), target, max_bytes=30_000)

    assert caught.value.reason is Reason.TOO_LARGE
    assert caught.value.facts["limit"] == 30_000


def test_the_poster_is_the_first_frame_that_shows_something(tmp_path: Path) -> None:
    dark = [np.zeros((480, 270, 3), np.uint8)] * 8
    seen = [np.asarray(media_files.scene((270, 480)))] * 8
    source, target = tmp_path / "fade.mp4", tmp_path / "poster.jpg"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 270, 480, "yuv420p"
        for array in (*dark, *seen):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        output.mux(stream.encode(None))

    facts = clips.verify(source)
    clips.draw_poster(source, target)

    with Image.open(target) as picture:
        assert picture.size == (facts.width, facts.height) == (270, 480)
        assert picture.convert("RGB").getpixel((10, 10))[0] > 180  # the scene's red corner


def test_a_clip_that_shows_nothing_has_a_poster_all_the_same(tmp_path: Path) -> None:
    target = tmp_path / "poster.jpg"

    clips.draw_poster(media_files.clip_flat(tmp_path / "flat.mp4", size=(2000, 1000)), target)

    with Image.open(target) as picture:
        assert picture.size == (960, 480)


@pytest.mark.parametrize(("size", "shown"), [((1280, 720), (854, 480)), ((720, 1280), (480, 854))])
def test_what_was_fitted_keeps_sound_shape_and_its_index_first(
    tmp_path: Path, target: Path, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    source = media_files.clip_mp4(tmp_path / "result.mp4", seconds=3, size=size, fps=16)

    facts = clips.fit(source, target, max_bytes=130_000)

    layout = target.read_bytes()
    assert len(layout) <= 130_000
    assert layout.index(b"moov") < layout.index(b"mdat")
    assert (facts.width, facts.height) == shown
    with av.open(str(target)) as container:
        (sound,) = container.streams.audio
        heard = sum(frame.samples for frame in container.decode(sound)) / sound.rate
    assert heard == pytest.approx(3, abs=0.15)
    assert facts.seconds == pytest.approx(3, abs=0.1)
