"""Picture and clip of an order in one child: what it makes, and what it leaves to a child of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from media.facts import Making
from media.workshop import Workshop
from tests.media_files import Shelf


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.getbasetemp() / "media-files")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def a_picture(source: Path, folder: Path) -> Making:
    return Making(source, folder / "picture.jpg", folder / "picture-thumbnail.jpg")


def a_clip(source: Path, folder: Path) -> Making:
    return Making(source, folder / "motion.mp4", folder / "motion-thumbnail.jpg")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_both_are_made_as_each_by_itself(shelf: Shelf, folder: Path, tmp_path: Path) -> None:
    workshop, alone = Workshop(), tmp_path / "alone"
    alone.mkdir()
    picture, clip = a_picture(shelf("picture.heic"), folder), a_clip(shelf("clip.mp4"), folder)

    made = await workshop.prepare_pair(picture, clip, longest=30)

    other_picture, other_clip = a_picture(picture.source, alone), a_clip(clip.source, alone)
    assert made == (
        await workshop.prepare_picture(other_picture.source, other_picture.target, other_picture.small),
        await workshop.prepare_clip(other_clip.source, other_clip.target, other_clip.small, longest=30),
    )
    assert names(folder) == names(alone)
    assert all((folder / name).read_bytes() == (alone / name).read_bytes() for name in names(alone))


async def test_a_clip_that_takes_long_is_left_to_a_child_of_its_own(shelf: Shelf, folder: Path) -> None:
    picture, clip = await Workshop().prepare_pair(
        a_picture(shelf("picture.jpg"), folder), a_clip(shelf("hevc.mov"), folder), longest=30
    )

    assert picture is not None
    assert clip is None
    assert names(folder) == ["picture-thumbnail.jpg", "picture.jpg"]


@pytest.mark.parametrize(
    ("picture", "clip"),
    [("clip.mp4", "clip.mp4"), ("picture.jpg", "short.mp4"), ("picture.jpg", "picture.jpg")],
)
async def test_what_is_to_be_refused_is_left_to_a_child_of_its_own(
    picture: str, clip: str, shelf: Shelf, folder: Path
) -> None:
    made = await Workshop().prepare_pair(
        a_picture(shelf(picture), folder), a_clip(shelf(clip), folder), longest=30
    )

    assert made == (None, None)
    assert names(folder) == []


async def test_a_child_that_does_not_come_to_its_end_leaves_nothing(
    shelf: Shelf, folder: Path, tmp_path: Path
) -> None:
    endless = tmp_path / "endless.jpg"
    os.mkfifo(endless)

    made = await Workshop(seconds=1.0).prepare_pair(
        a_picture(endless, folder), a_clip(shelf("clip.mp4"), folder), longest=30
    )

    assert made == (None, None)
    assert names(folder) == []
