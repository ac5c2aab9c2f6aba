"""The bot's larger messages on a page of 390 pixels: nothing is cut off, and what they offer can be used.

`SCREENSHOTS=docs` in the environment keeps the pictures that the documentation shows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from simcord import MemberActor

from demo.page import Page
from media import previews
from studio.models import Inputs, Job, Orientation
from studio.moderation.questions import Exhibit, History, needed
from studio.sharing import tallies
from studio.sharing.periods import Period
from studio.sharing.policy import Allowance, Approval, ApprovalMode, Policy, Share
from tests.browser import CHROMEDRIVER, CHROMIUM, MISSING, Browser, chromium
from tests.bureau import Bureau, open_bureau
from tests.drawn_scene import dance, portrait
from tests.finished import finished
from tests.motion_world import a_motion

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason=MISSING)

WIDTH, LEAST_HEIGHT = 390, 844

MESSAGE = "#pane-channel .message:last-child"
FORM = "dialog"

# Everything that sticks out of the screen or is cut off inside what is looked at.
CUT_OFF = """
const parts = [...document.querySelector(arguments[0]).querySelectorAll('*')];
return parts.filter((part) => part.checkVisibility() && !part.closest('.alt, pre')).filter((part) => {
  const box = part.getBoundingClientRect();
  const hides = getComputedStyle(part).overflowX !== 'visible' && part.tagName !== 'SELECT';
  return box.left < 0 || box.right > innerWidth || (hides && part.scrollWidth > part.clientWidth + 1);
}).map((part) => `${part.tagName}.${part.className}: ${part.innerText}`);
"""

# Buttons and menus that a thumb would miss; Discord's own are 32 pixels high.
TOO_SMALL = """
const parts = [...document.querySelector(arguments[0]).querySelectorAll('.button, .select, .option')];
return parts.filter((part) => part.offsetHeight < 32).length;
"""

BE = """
const choice = document.querySelector('#viewer-select');
choice.value = arguments[0];
choice.dispatchEvent(new Event('change', { bubbles: true }));
"""

TOUCH_ITEM = """
const items = [...document.querySelectorAll('.popup-item')];
items.find((item) => item.innerText === arguments[0]).click();
"""

HEIGHT = """
const form = document.querySelector('dialog');
if (form) return Math.ceil(form.scrollHeight / 0.9) + 8;
const scroller = document.querySelector('#pane-channel .scroller');
return Math.ceil(innerHeight - scroller.clientHeight + scroller.scrollHeight);
"""


@dataclass
class Phone:
    """The page on a narrow screen, as one person sees it."""

    bureau: Bureau
    browser: Browser
    page: Page
    pictures: Path

    async def hold(self, person: MemberActor) -> None:
        browser = self.browser
        await browser.resize(WIDTH, LEAST_HEIGHT, scale=2, phone=True)
        await browser.open(self.page.address)
        await browser.find("#pane-channel .beginning")
        await browser.run(BE, str(person.id))
        await browser.find("#pane-channel .message")

    async def seen(self, name: str, *, what: str = MESSAGE) -> None:
        """Check that all of the newest message, or of a form, can be seen and used; keep a picture of it."""
        browser = self.browser
        await browser.until("return [...document.images].every((image) => image.complete)")
        assert await browser.run(CUT_OFF, what) == []
        assert await browser.run(TOO_SMALL, what) == 0
        assert not await browser.run("return Boolean(document.querySelector('.unsupported'))")
        # The picture is of the message: the channel's greeting is not ours.
        await browser.run("document.querySelector('#pane-channel .beginning').hidden = true")
        height = max(LEAST_HEIGHT, await browser.run(HEIGHT))
        await browser.resize(WIDTH, height, scale=2, phone=True)
        await browser.screenshot(self.pictures / f"{name}-phone.png")
        await browser.resize(WIDTH, LEAST_HEIGHT, scale=2, phone=True)
        assert await browser.complaints() == []


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Phone]:
    async with chromium(tmp_path / "profile") as browser, open_bureau(tmp_path) as bureau:
        page = Page(bureau.world, tmp_path)
        await page.start()
        yield Phone(bureau, browser, page, Path(os.environ.get("SCREENSHOTS") or tmp_path))
        await page.stop()


async def test_a_moderator_sets_the_server_up_with_a_thumb(phone: Phone) -> None:
    bureau, browser = phone.bureau, phone.browser
    world = bureau.world
    regulars = world.guild.create_role("Regulars")
    world.guild.create_text_channel("fan-art")
    await world.slash(world.moderator, world.clips, "studio setup")
    await phone.hold(world.moderator)
    await phone.seen("setup")

    await browser.click("[data-press='v1:setup:page:places']")
    await browser.click("[data-choose='v1:setup:set:channel_ids'] summary")
    await browser.click(f"[data-choose='v1:setup:set:channel_ids'] input[value='{world.clips.id}']")
    await browser.click("[data-chosen='v1:setup:set:channel_ids']")
    await world.eventually(lambda: bureau.servers.of(world.guild.id).policy.channel_ids)
    await browser.until("return document.querySelector('.menu-chip')?.innerText === '#clips'")
    await browser.click("[data-choose='v1:setup:set:role_ids'] summary")
    await browser.click(f"[data-choose='v1:setup:set:role_ids'] input[value='{regulars.id}']")
    await browser.click("[data-chosen='v1:setup:set:role_ids']")
    await browser.until("return document.body.innerText.includes('@Regulars')")
    await phone.seen("setup-places")

    policy = bureau.servers.of(world.guild.id).policy
    assert policy.channel_ids == (world.clips.id,)
    assert policy.role_ids == (regulars.id,)


async def test_a_request_shows_moderators_all_that_they_decide_on(phone: Phone, tmp_path: Path) -> None:
    bureau = phone.bureau
    world = bureau.world
    words = "a lantern festival by the river at dusk, paper boats, warm light on wet stones, film grain"
    job = await bureau.opened(prompt=words, negative_prompt="rain, text, extra fingers")
    moderators = world.guild.create_text_channel("moderators")
    world.deny(moderators, "view_channel", member_id=world.stranger.id)
    policy = Policy(approval=Approval(mode=ApprovalMode.EVERYONE, channel_id=moderators.id))
    [question] = needed(policy, job.order, 200_000, job.order.ordered_at)
    exhibit = Exhibit(
        history=History(made=12, failed=1, blocks=0, reports=0),
        picture=portrait(tmp_path / "portrait.jpg"),
        video=dance(tmp_path / "dance.mp4"),
    )

    await bureau.desk.ask_moderators(_held(job), replace(question, channel_id=moderators.id), exhibit)
    await phone.hold(world.moderator)
    await phone.browser.run(f"document.querySelector('[data-go=\"{moderators.id}\"]').click()")
    await phone.browser.until("return document.querySelector('#pane-channel video')?.readyState >= 2")

    await phone.seen("approval")


async def test_the_report_is_read_without_turning_the_phone(phone: Phone) -> None:
    bureau = phone.bureau
    world = bureau.world
    members = (("Ana Conda", 2.5), ("Björn", 1.9), ("A rather long display name of 32", 0.6))
    for number, (name, dollars) in enumerate(members):
        person = world.add_member(f"person{number}", name)
        job = await bureau.ordered(member=person)
        await _used_besides(bureau, job, round(dollars * 1_000_000), clips=number + 2)

    await world.slash(world.moderator, world.clips, "studio report")
    await phone.hold(world.moderator)
    await phone.browser.find("#pane-channel .message-ephemeral img")

    await phone.seen("report")


async def test_a_member_sees_what_is_left(phone: Phone) -> None:
    bureau = phone.bureau
    world = bureau.world
    share = Allowance(role_id=world.guild.id, share=Share(clips=5, period=Period.WEEK))
    await bureau.rule(Policy(pool=Share(clips=120, usd_micros=25_000_000), allowances=(share,)))
    await _used_besides(bureau, await bureau.ordered(), 300_000, clips=2)
    await _used_besides(bureau, await bureau.ordered(member=world.stranger), 7_500_000, clips=37)

    await world.slash(world.member, world.clips, "quota")
    await phone.hold(world.member)
    await phone.browser.find("#pane-channel .message-ephemeral img")

    await phone.seen("quota")


async def test_a_picture_in_the_chat_gets_a_motion_of_the_library_in_five_touches(
    phone: Phone, tmp_path: Path
) -> None:
    bureau, browser, world = phone.bureau, phone.browser, phone.bureau.world
    for name in ("Slow waltz", "Happy dance"):
        await a_motion(bureau.equipment, name, guild_id=world.guild.id)
    picture = ("lena.jpg", portrait(tmp_path / "lena.jpg").read_bytes())
    message_id = await world.say(world.stranger, world.clips, "Lena on the hill", picture)
    await phone.hold(world.member)

    # Held, with Discord's own "Apps" to be touched after it; here both are one.
    touches = 2
    await browser.click(f"#m{message_id} .tool")
    touches += 1
    await browser.run(TOUCH_ITEM, "Animate this")
    touches += 1
    await browser.click("dialog .option:nth-of-type(1) input")
    await phone.seen("order", what=FORM)
    touches += 1
    await browser.click("dialog button[type=submit]")
    await world.eventually(lambda: bureau.bells.woken)

    order = (await bureau.job()).order
    assert order.picture.filename == "lena.jpg"
    assert order.video.filename.startswith(("Slow waltz", "Happy dance"))
    assert touches <= 5


async def test_the_motions_of_the_library_are_browsed_with_their_loops(phone: Phone, tmp_path: Path) -> None:
    bureau, world = phone.bureau, phone.bureau.world
    loop = tmp_path / "loop.gif"
    previews.write_preview(dance(tmp_path / "dance.mp4", size=(270, 480), rate=10), loop)
    for name, tags in (("Slow waltz", ("dance", "slow")), ("Happy dance", ("dance",))):
        motion = await a_motion(bureau.equipment, name, guild_id=world.guild.id, tags=tags)
        await bureau.equipment.storage.put(
            motion.content.preview_key, Path(shutil.copy(loop, f"{loop}.copy"))
        )

    await world.slash(world.member, world.clips, "motions")
    await phone.hold(world.member)
    await phone.browser.until("return document.querySelectorAll('.message-ephemeral img').length === 2")

    await phone.seen("motions")


async def test_ones_own_clips_are_found_with_their_places_and_links(phone: Phone) -> None:
    bureau, world = phone.bureau, phone.bureau.world
    await finished(bureau)
    await bureau.ordered()

    await world.slash(world.member, world.clips, "jobs")
    await phone.hold(world.member)
    await phone.browser.find("#pane-channel .message-ephemeral .container")

    await phone.seen("jobs")


def _held(job: Job) -> Job:
    inputs = Inputs(
        picture_key="p", video_key="v", picture_thumbnail_key="pt", video_thumbnail_key="vt",
        seconds=4, has_sound=True, orientation=Orientation.VIDEO,
    )  # fmt: skip
    return replace(job, inputs=inputs, held_usd_micros=200_000)


async def _used_besides(bureau: Bureau, job: Job, usd_micros: int, *, clips: int) -> None:
    async with bureau.database.write() as connection:
        await tallies.book(connection, job, clips=clips, usd_micros=usd_micros)
