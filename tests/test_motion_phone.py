"""The motion library on a page of 390 pixels, as a member and as a moderator see it.

`SCREENSHOTS=docs` in the environment keeps the picture that the documentation shows.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.page import Page
from studio.motions.keeping import Keeper
from tests.browser import CHROMEDRIVER, CHROMIUM, MISSING, chromium
from tests.bureau import open_bureau
from tests.drawn_scene import dance
from tests.motion_world import on_disk
from tests.studio_world import Disk
from tests.test_cogs_motions import browsed
from tests.test_phone_pictures import Phone

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason=MISSING)


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Phone]:
    async with (
        chromium(tmp_path / "profile") as browser,
        open_bureau(tmp_path, attachments=Disk()) as bureau,
    ):
        page = Page(bureau.world, tmp_path)
        await page.start()
        yield Phone(bureau, browser, page, Path(os.environ.get("SCREENSHOTS") or tmp_path))
        await page.stop()


async def test_the_library_can_be_seen_and_used_with_a_thumb(phone: Phone, tmp_path: Path) -> None:
    bureau, browser = phone.bureau, phone.browser
    world = bureau.world
    keeper = Keeper(guild_id=world.guild.id, member_id=world.moderator.id)
    keeping = bureau.studio.motions.keeping
    await keeping.add_drawn(keeper, name="Jump for joy", tags="drawn, jump")
    filmed = dance(tmp_path / "dance.mp4")
    await keeping.add(keeper, on_disk(filmed), name="Evening sway", tags="dance, slow")

    await browsed(bureau, world.moderator)
    await phone.hold(world.moderator)
    await phone.seen("motions-moderator")
    await browsed(bureau, world.member)
    await phone.hold(world.member)
    await phone.seen("motions")
    await browser.click("[data-press^='v1:motion-use:']")

    assert "Motion: Evening sway" in await browser.text("dialog")
    assert await browser.run("return document.querySelectorAll('.gallery img').length") == 2
