"""Real files through the whole chain of `demo --once`: what becomes a clip, and how the rest is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

from bot import open_house
from demo.once import Errand, run_errand
from demo.start import inhabited
from tests.media_files import Shelf, picture_jpeg, playlist_named_mp4, truncated

CHARGED_NOTHING = "Nothing was charged"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("files"))


@dataclass(frozen=True)
class Told:
    """How an errand ended: its exit code, what was said, and what the bot still keeps."""

    code: int
    said: str
    kept: list[str]
    out: Path

    def clip(self) -> tuple[float, bool]:
        """The written clip's length in seconds, counted by its frames, and whether it has sound."""
        with av.open(str(self.out)) as container:
            stream = container.streams.video[0]
            frames = sum(1 for _ in container.decode(stream))
            return frames / float(stream.average_rate or 1), bool(container.streams.audio)


async def once(folder: Path, picture: Path, video: Path, **options: Any) -> Told:
    """Have Mira order this pair in a Discord of her own."""
    said: list[str] = []
    errand = Errand(picture=picture, video=video, out=folder / "out.mp4", options=options)
    async with inhabited(open_house, folder / "house", sandbox_seconds=0.2) as world:
        code = await run_errand(world, errand, folder=folder, say=said.append)
        files = folder / "house" / "files"
        there = [path for path in files.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return Told(code, "\n".join(said), [str(path.relative_to(files)) for path in there], errand.out)


@pytest.mark.parametrize(
    ("picture", "video", "seconds", "sound", "notices"),
    [
        ("picture.heic", "hevc.mov", 4, True, ["Your picture was HEIC", "Your video was MOV"]),
        ("picture.avif", "variable.mp4", 4, True, ["Your picture was AVIF", "Your video was MP4 (HEVC)"]),
        ("picture.webp", "clip.webm", 4, True, ["Your picture was WebP", "Your video was WebM"]),
        ("alpha.png", "animation.gif", 4, False, ["see-through", "Your video was GIF"]),
        ("animation.gif", "rotated.mov", 4, True, ["I used its first frame", "Your video was MOV"]),
        ("rotated.jpg", "silent.mp4", 4, False, []),
    ],
)
async def test_a_file_as_phones_make_it_becomes_a_clip(
    tmp_path: Path,
    shelf: Shelf,
    picture: str,
    video: str,
    seconds: float,
    sound: bool,
    notices: list[str],
) -> None:
    told = await once(tmp_path, shelf(picture), shelf(video))

    assert told.code == 0, told.said
    length, has_sound = told.clip()
    assert length == pytest.approx(seconds, abs=0.2)
    assert has_sound == sound
    assert all(notice in told.said for notice in notices)
    assert notices or "Your " not in told.said.replace("Your clip is ready", "").replace("Checking your", "")
    inputs = {"motion-thumbnail.jpg", "motion.mp4", "picture-thumbnail.jpg", "picture.jpg"}
    assert {Path(kept).name for kept in told.kept} == {"clip.mp4"} | inputs, (
        "the attachments as they came are deleted"
    )


@pytest.mark.parametrize(
    ("orientation", "longest", "notice"),
    [(None, 30, "Your video was 35 s long; I used the first"), ("image", 10, "I used the first 9.9 s")],
)
async def test_a_long_video_is_trimmed_to_what_the_orientation_allows_and_that_is_told(
    tmp_path: Path, shelf: Shelf, orientation: str | None, longest: float, notice: str
) -> None:
    options = {"orientation": orientation} if orientation else {}

    told = await once(tmp_path, shelf("picture.jpg"), shelf("long.mp4"), **options)

    assert told.code == 0, told.said
    length, _ = told.clip()
    assert longest - 0.5 < length <= longest
    assert notice in told.said


async def test_files_the_wrong_way_round_are_swapped_silently_whatever_they_are_called(
    tmp_path: Path, shelf: Shelf
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    video = shutil.copyfile(shelf("clip.mp4"), given / "mein schöner Tanz 💃 & co.jpg")
    picture = shutil.copyfile(shelf("picture.jpg"), given / "**Porträt** (1).mp4")

    told = await once(tmp_path, video, picture, keep_sound=False)

    assert told.code == 0, told.said
    assert told.clip() == (pytest.approx(4, abs=0.2), False)
    assert "swapped" not in told.said
    assert "wrong way" not in told.said


Maker = Callable[[Shelf, Path], Path]


def on_shelf(name: str) -> Maker:
    return lambda shelf, _: shelf(name)


def called(name: str, original: str) -> Maker:
    """Discord offers files by their names alone."""
    return lambda shelf, folder: Path(shutil.copyfile(shelf(original), folder / name))


def empty(_: Shelf, folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def large(name: str, size: int) -> Maker:
    def make(shelf: Shelf, folder: Path) -> Path:
        path = folder / f"large-{name}"
        shutil.copyfile(shelf(name), path)
        with path.open("r+b") as file:
            file.truncate(size)
        return path

    return make


def cut(name: str) -> Maker:
    return lambda shelf, folder: truncated(folder / f"cut-{name}", shelf(name))


def playlist(shelf: Shelf, folder: Path) -> Path:
    return playlist_named_mp4(folder / "playlist.mp4", reads=shelf("clip.mp4"))


PICTURE, CLIP = on_shelf("picture.jpg"), on_shelf("clip.mp4")


@pytest.mark.parametrize(
    ("picture", "video", "happened", "to_do"),
    [
        (PICTURE, on_shelf("short.mp4"), "Your video is 2 s long", "Send a longer one."),
        (PICTURE, on_shelf("sound.mp4"), "no moving picture in your video", "Send a video in which"),
        (cut("picture.heic"), CLIP, "Your picture is damaged", "export it again"),
        (PICTURE, cut("clip.webm"), "Your video is damaged", "export it again"),
        (on_shelf("bomb.png"), CLIP, "Your picture is 50000 × 50000 pixels", "Send a smaller version"),
        (PICTURE, on_shelf("bomb.gif"), "Your video is 65000 × 65000 pixels", "Send a smaller version"),
        (on_shelf("text.png"), CLIP, "gave as the picture is not one", "Send a JPEG, PNG"),
        (PICTURE, empty, "gave as the video is not one", "Send an MP4, MOV"),
        (PICTURE, playlist, "gave as the video is not one", "Send an MP4, MOV"),
        (PICTURE, called("second.mov", "picture.heic"), "Both files are pictures.", "one video of 3 to 30 s"),
        (called("first.jpg", "clip.mp4"), on_shelf("clip.webm"), "Both files are videos.", "one picture"),
    ],
)
async def test_what_cannot_become_a_clip_is_refused_with_the_reason_the_cost_and_the_fix(
    tmp_path: Path, shelf: Shelf, picture: Maker, video: Maker, happened: str, to_do: str
) -> None:
    told = await once(tmp_path, picture(shelf, tmp_path), video(shelf, tmp_path))

    assert told.code == 1
    [sentence] = [line for line in told.said.splitlines() if line.startswith("Motion Studio › @Mira ")]
    assert happened in sentence
    assert CHARGED_NOTHING in sentence
    assert to_do in sentence
    assert told.kept == [], "the inputs are deleted"
    assert not told.out.exists()


@pytest.mark.parametrize(
    ("picture", "video", "happened"),
    [
        (large("picture.jpg", 26_000_000), CLIP, "Your picture is 26 MB; I take up to 25 MB."),
        (PICTURE, large("clip.mp4", 201_000_000), "Your video is 201 MB; I take up to 200 MB."),
    ],
)
async def test_a_file_above_the_cap_is_refused_privately_before_anything_begins(
    tmp_path: Path, shelf: Shelf, picture: Maker, video: Maker, happened: str
) -> None:
    told = await once(tmp_path, picture(shelf, tmp_path), video(shelf, tmp_path))

    assert told.code == 1
    _, answer = told.said.splitlines()
    assert answer.startswith("Motion Studio (only you can see this) › ")
    assert happened in answer
    assert CHARGED_NOTHING in answer
    assert told.kept == []


async def test_a_tiny_picture_is_refused_with_the_size_that_is_needed(tmp_path: Path, shelf: Shelf) -> None:
    tiny = picture_jpeg(tmp_path / "tiny.jpg", size=(40, 30))

    told = await once(tmp_path, tiny, shelf("clip.mp4"))

    assert told.code == 1
    assert "Your picture is 40 × 30 pixels; both sides need at least 64." in told.said
