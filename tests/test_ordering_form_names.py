"""What the order form calls the files that it has, wherever there is room for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cogs.ordering.form import LONGEST_HINT, order_form
from studio.languages.spoken import speaking
from studio.languages.tongues import Language
from studio.models import SourceFile
from studio.wishing.drafts import Draft
from tests.bureau import VIDEO, Bureau, open_bureau
from tests.finished import finished, result_of
from tests.motion_world import a_motion
from tests.ordering_world import ANIMATE, alt_texts, chosen, fields

PHOTO = ("IMG_2024_holiday.jpg", b"a picture")


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


@pytest.mark.parametrize("motions", [1, 10])
async def test_the_form_with_a_library_names_its_picture_and_what_it_costs(
    bureau: Bureau, motions: int
) -> None:
    for number in range(motions):
        await a_motion(bureau.equipment, f"Dance {number}", guild_id=bureau.world.guild.id)

    form = fields(await chosen(bureau, ANIMATE, PHOTO))

    options = form["motion"]["options"]
    assert list(form) == ["motion", "video", "prompt", "orientation", "sound"]
    assert form["motion"]["hint"] == (
        "Picture: IMG_2024_holiday.jpg. Nothing is charged before you send this."
    )
    assert ("more motions" in (options[-1].get("description") or "")) is (motions == 10)


@pytest.mark.parametrize("language", list(Language))
async def test_a_long_name_is_cut_where_it_stands_in_every_language(
    bureau: Bureau, language: Language
) -> None:
    motion = await a_motion(bureau.equipment, "Dance", guild_id=bureau.world.guild.id)
    picture = SourceFile("https://a/b", "ä" * 200 + ".jpg", 5, "image/jpeg")

    with speaking(language):
        new = order_form("d1", Draft(picture=picture), [motion]).to_dict()
        changed = order_form("d1", Draft(picture=picture, video=picture, replaceable=True)).to_dict()

    hints = [part["description"] for part in (*new["components"][:1], *changed["components"][:2])]
    assert all("ää" in hint and "…" in hint and len(hint) <= LONGEST_HINT for hint in hints)


async def test_a_form_whose_files_can_be_replaced_says_that_nothing_is_charged_yet(bureau: Bureau) -> None:
    first = await finished(bureau, image=PHOTO)

    shown = await bureau.world.click(bureau.world.member, result_of(bureau, first), f"v1:change:{first.id}")

    form = fields(shown)
    assert form["picture"]["hint"] == "Leave it empty to keep IMG_2024_holiday.jpg"
    assert form["prompt"]["hint"] == "Nothing is charged before you send this."


async def test_a_pictures_alt_text_has_its_name_as_it_is(bureau: Bureau) -> None:
    await bureau.ordered(image=PHOTO)

    told = await bureau.order(image=None, video=None)
    with_video = await bureau.order(image=None, video=VIDEO)

    for answer in (told, with_video):
        assert "The picture of your last clip, IMG_2024_holiday.jpg" in alt_texts(answer)
