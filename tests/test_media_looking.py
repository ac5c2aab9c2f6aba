"""The optional model, really run in a child: what it sees, where it looks, and its limits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from media import nudity
from media.errors import MediaRefused, Reason, WorkshopFailed
from media.facts import Sight, Sign
from media.samples import samples
from media.workshop import Workshop
from tests import media_files
from tests.photographs import FACES, portrait, portrait_clip

installed = pytest.mark.skipif(
    not nudity.is_installed(), reason="nudenet is not installed (requirements-safety.txt)"
)


@installed
async def test_drawings_and_a_portrait_are_no_hit(tmp_path: Path) -> None:
    files = [
        portrait(tmp_path / "portrait.jpg"),
        media_files.picture_jpeg(tmp_path / "drawn.jpg"),
        media_files.clip_mp4(tmp_path / "drawn.mp4"),
    ]

    sight = await Workshop().look(files)

    assert sight == Sight(frames=10)


@installed
async def test_the_file_in_which_something_was_seen_is_named(tmp_path: Path) -> None:
    files = [
        media_files.picture_jpeg(tmp_path / "drawn.jpg"),
        portrait_clip(tmp_path / "late.mp4", from_second=2.4),
        portrait(tmp_path / "portrait.jpg"),
    ]

    sight = await Workshop(signs=FACES).look(files)

    # What comes after a hit is not looked at any more.
    assert (sight.source, sight.part, sight.frames) == (1, "breasts", 9)
    assert 0.3 <= sight.score <= 1


@installed
async def test_what_the_model_is_not_sure_enough_of_is_no_hit(tmp_path: Path) -> None:
    sure = [Sign(label="FACE_FEMALE", part="breasts", least=0.99)]

    sight = await Workshop(signs=sure).look([portrait(tmp_path / "portrait.jpg")])

    assert sight == Sight(frames=1)


@installed
async def test_a_check_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(MediaRefused) as refused:
        await Workshop(look_seconds=0.05).look([portrait(tmp_path / "portrait.jpg")])

    assert refused.value.reason is Reason.TOO_COMPLEX


@installed
async def test_a_check_that_takes_too_much_memory_is_ended(tmp_path: Path) -> None:
    workshop = Workshop(memory_bytes=250 * 1024**2)

    with pytest.raises((MediaRefused, WorkshopFailed)):
        await workshop.look([portrait(tmp_path / "portrait.jpg")])


@installed
async def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    whole = media_files.clip_mp4(tmp_path / "whole.mp4")

    with pytest.raises(MediaRefused) as refused:
        await Workshop().look([media_files.truncated(tmp_path / "broken.mp4", whole, share=0.02)])

    assert refused.value.reason is Reason.BROKEN


def test_samples_are_upright_small_and_from_the_whole_clip(tmp_path: Path) -> None:
    turned = media_files.clip_rotated_mov(tmp_path / "turned.mov")
    late = portrait_clip(tmp_path / "late.mp4", from_second=1.6)

    upright = list(samples(turned, number=8, longest=320))
    spread = list(samples(late, number=8, longest=640))

    assert {frame.shape for frame in upright} == {(320, 240, 3)}
    assert len(upright) == len(spread) == 8
    changes = [np.abs(a.astype(int) - b).mean() > 10 for a, b in pairwise(spread)]
    assert changes == [False, False, False, True, False, False, False]


def test_a_clip_of_one_frame_gives_that_frame(tmp_path: Path) -> None:
    single = portrait_clip(tmp_path / "single.mp4", seconds=0.1)

    assert len(list(samples(single, number=8, longest=640))) == 1
