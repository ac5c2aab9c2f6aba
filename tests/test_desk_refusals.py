"""Discord refuses a message for what is in it: the clip is posted without that, before it is given up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from studio.errors import DeskGone
from tests.bureau import Bureau, a_clip, open_bureau, texts_of
from tests.finished import finished, told

EXPLICIT, AUTOMOD, HARMFUL_LINK = 20009, 200000, 240000


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


@pytest.fixture
def clip_file(tmp_path: Path) -> Path:
    (tmp_path / "clip.mp4").write_bytes(bytes(1000))
    return tmp_path / "clip.mp4"


def refuse(bureau: Bureau, code: int, *, times: int | None = 1) -> None:
    bureau.world.env.inject_error("POST", "/channels/*/messages", status=400, code=code, times=times)


@pytest.mark.parametrize("code", [EXPLICIT, AUTOMOD])
async def test_a_clip_whose_content_is_refused_comes_by_its_link(
    bureau: Bureau, clip_file: Path, code: int
) -> None:
    job = await bureau.opened()
    refuse(bureau, code)

    await bureau.desk.deliver(job, a_clip(), clip_file)

    result = bureau.posts(job.place.talk_id)[1]
    assert result["attachments"] == []
    assert "Discord does not take its file here; use the button" in result["content"]
    assert "https://video.example.org/output_0.mp4" in texts_of(result)


async def test_a_clip_whose_link_is_refused_comes_without_it(bureau: Bureau, clip_file: Path) -> None:
    job = await bureau.opened()
    refuse(bureau, HARMFUL_LINK)

    await bureau.desk.deliver(job, a_clip(size=5000), clip_file)

    result = bureau.posts(job.place.talk_id)[1]
    assert [each["filename"] for each in result["attachments"]] == [f"clip-{job.id}.mp4"]
    assert "video.example.org" not in texts_of(result)
    assert "button" not in result["content"]


@pytest.mark.parametrize("code", [EXPLICIT, AUTOMOD, HARMFUL_LINK])
async def test_only_what_is_refused_in_every_form_is_given_up(
    bureau: Bureau, clip_file: Path, code: int
) -> None:
    job = await bureau.opened()
    refuse(bureau, code, times=None)

    with pytest.raises(DeskGone) as raised:
        await bureau.desk.deliver(job, a_clip(), clip_file)

    assert raised.value.code == "discord_failed"


@pytest.mark.parametrize(
    ("code", "expected"),
    [(EXPLICIT, "Discord does not take its file here"), (HARMFUL_LINK, "brings back a clip")],
)
async def test_a_clip_that_is_brought_back_goes_the_same_ways(
    bureau: Bureau, clip_file: Path, code: int, expected: str
) -> None:
    job = await finished(bureau)
    other: Any = bureau.world.guild.create_text_channel("elsewhere")
    refuse(bureau, code)

    await told(bureau, await bureau.world.slash(bureau.world.member, other, "jobs", show=job.id))

    (shown,) = bureau.posts(other.id)
    assert expected in shown["content"]
    assert bool(shown["attachments"]) is (code == HARMFUL_LINK)
