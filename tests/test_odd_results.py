"""Results in a coding that not every phone plays: what is posted plays everywhere, the original is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest

from providers.sandbox import Fault
from studio.clips import content_type_of
from studio.errors import ClipTooLarge
from studio.fitting import post_fitted
from studio.models import Clip
from tests import media_files
from tests.builders import a_job
from tests.bureau import Bureau, a_clip, open_bureau
from tests.media_files import Recipe, write_clip
from tests.studio_world import studio_at_work


@pytest.fixture(scope="module")
def hevc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = Recipe(seconds=3, size=(480, 640), fps=5, codec="libx265", options=media_files.X265)
    return write_clip(tmp_path_factory.mktemp("results") / "hevc.mp4", recipe)


def odd(path: Path) -> Clip:
    return a_clip(size=path.stat().st_size, plays_everywhere=False)


class Channel:
    """Takes files up to a size, and remembers how each that it was offered is coded."""

    def __init__(self, *, limit: int) -> None:
        self.offered: list[str | None] = []
        self._limit = limit

    async def post(self, path: Path | None) -> int:
        if path is None:
            self.offered.append(None)
            return 1
        with av.open(str(path)) as container:
            self.offered.append(container.streams.video[0].codec_context.name)
        if path.stat().st_size > self._limit:
            raise ClipTooLarge(limit=self._limit)
        return 1


async def offered(bureau: Bureau, path: Path, clip: Clip) -> list[str | None]:
    channel = Channel(limit=50_000_000)
    job = replace(await a_job(bureau.database), clip=clip)
    await post_fitted(bureau.equipment, job, path, channel.post)
    return channel.offered


async def test_a_result_in_hevc_is_kept_as_it_is_and_known_as_one_that_not_all_can_play(
    tmp_path: Path, hevc: Path
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(
            Fault(on="output", times=None, body=hevc.read_bytes(), content_type="video/mp4")
        )

        job_id = await world.order()

        await world.check()
        job = await world.job(job_id)
        assert world.outcome(job_id) == "clip"
        assert job.clip is not None
        assert (job.clip.size, job.clip.plays_everywhere) == (hevc.stat().st_size, False)
        assert job.clip.key.endswith("/clip.mp4")
        assert job.clip.playable_key is not None
        async with world.storage.checkout(job.clip.playable_key) as copy:
            facts = await world.workshop.verify_clip(copy)
        assert (facts.plays_everywhere, facts.size) == (True, job.clip.playable_size)


@pytest.mark.parametrize(
    ("recipe", "plays"),
    [
        (Recipe(seconds=3, fps=5), True),
        (Recipe(seconds=3, fps=5, sound=None), True),
        (Recipe(seconds=3, fps=5, container={}), True),
        (Recipe(seconds=3, fps=5, pixel_format="yuv420p10le"), False),
        (Recipe(seconds=3, fps=5, pixel_format="yuv444p"), False),
    ],
)
async def test_h264_alone_does_not_make_a_clip_play_everywhere(
    tmp_path: Path, recipe: Recipe, plays: bool
) -> None:
    async with open_bureau(tmp_path) as bureau:
        facts = await bureau.equipment.workshop.verify_clip(write_clip(tmp_path / "clip.mp4", recipe))

    assert (facts.format, facts.codec, facts.plays_everywhere) == ("MP4", "h264", plays)


@pytest.mark.parametrize(
    ("write", "name", "content_type"),
    [
        (media_files.clip_mov_h264, "clip.mov", "video/quicktime"),
        (media_files.clip_webm, "clip.webm", "video/webm"),
        (media_files.gif_animation, "clip.gif", "image/gif"),
    ],
)
async def test_an_original_is_known_by_what_browsers_call_it(
    tmp_path: Path, write: Callable[[Path], Path], name: str, content_type: str
) -> None:
    async with open_bureau(tmp_path) as bureau:
        facts = await bureau.equipment.workshop.verify_clip(write(tmp_path / name))

    assert not facts.plays_everywhere
    assert content_type_of(facts.format, facts.codec) == content_type


async def test_what_not_all_can_play_is_posted_as_a_copy_that_all_can(tmp_path: Path, hevc: Path) -> None:
    async with open_bureau(tmp_path) as bureau:
        assert await offered(bureau, hevc, odd(hevc)) == ["h264"]


async def test_what_all_can_play_is_posted_as_it_is(tmp_path: Path) -> None:
    clip = media_files.clip_mp4(tmp_path / "clip.mp4", seconds=3, fps=5)
    async with open_bureau(tmp_path) as bureau:
        assert await offered(bureau, clip, a_clip()) == ["h264"]


async def test_where_no_copy_can_be_made_the_odd_one_is_better_than_none(tmp_path: Path, hevc: Path) -> None:
    # So few bytes that a copy of them would only be mud.
    tiny = replace(odd(hevc), size=4_000)

    async with open_bureau(tmp_path) as bureau:
        assert await offered(bureau, hevc, tiny) == ["hevc"]
