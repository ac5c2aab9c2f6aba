"""The demo's page in a real browser, with the real bot, engine, sandbox and media workers behind it.

`SCREENSHOTS=docs` in the environment keeps the pictures that the documentation shows.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import ui
from discord.ext import commands

from bot import open_house
from demo.page import Page
from demo.start import inhabited
from demo.world import World
from tests.browser import CHROMEDRIVER, CHROMIUM, MISSING, Browser, chromium
from tests.drawn_scene import dance, portrait

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason=MISSING)

VIDEO = "#pane-thread video.medium"

# Notes in the page, from the first moment on: every text of the card, and when the clip came and moved.
WATCH = """
window.seen = []; window.stayed = true;
new MutationObserver(() => {
  const card = document.querySelector('#pane-thread .container')?.innerText;
  if (card && window.seen.at(-1) !== card) window.seen.push(card);
  const video = document.querySelector('#pane-thread video.medium');
  if (video && !window.posted) {
    window.posted = performance.now();
    video.muted = true;
    video.addEventListener('timeupdate', () => {
      if (video.currentTime > 0 && !window.moved) window.moved = performance.now();
    });
    video.play();
  }
}).observe(document.body, { subtree: true, childList: true, characterData: true });
"""


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as browser:
        await browser.resize(1440, 900)
        yield browser


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A picture and a video."""
    folder = tmp_path_factory.mktemp("drawn")
    return portrait(folder / "lena_on_the_hill.jpg"), dance(folder / "happy dance.mp4")


async def order(browser: Browser, drawn: tuple[Path, Path]) -> None:
    """Choose a picture and a video in the open pane, and send the command."""
    await browser.write(".tile:nth-child(1) .tile-input", str(drawn[0]))
    await browser.write(".tile:nth-child(2) .tile-input", str(drawn[1]))
    await browser.click(".command-run:not(:disabled)")


async def test_a_clip_is_made_and_played_on_the_page_without_a_reload(
    browser: Browser, drawn: tuple[Path, Path], tmp_path: Path, record_property: Any
) -> None:
    pictures = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    folder = tmp_path / "house"
    folder.mkdir()
    async with inhabited(open_house, folder, sandbox_seconds=4) as world:
        page = Page(world, folder)
        await page.start()
        await browser.open(page.address)
        await browser.run(WATCH)
        await browser.click(".beginning-start")

        await order(browser, drawn)
        await browser.find(VIDEO, within=120)
        await browser.until("return window.moved", within=60)
        seen = await browser.run("return window.seen")
        await browser.until(f"return document.querySelector('{VIDEO}').currentTime > 1.5")
        await browser.run(f"document.querySelector('{VIDEO}').pause()")
        await browser.until("return document.querySelector('#pane-channel').innerText.includes('is ready')")
        await browser.screenshot(pictures / "demo.png")
        await browser.resize(390, 844, scale=2, phone=True)
        await browser.screenshot(pictures / "demo-phone.png")

        record_property("milliseconds_to_play", await browser.run("return window.moved - window.posted"))
        assert await browser.run("return window.stayed")
        assert any("Checking your files – now" in text for text in seen)
        assert any("Rendering – now" in text for text in seen)
        assert "Finished" in await browser.text("#pane-thread .container")
        assert await browser.run(f"return document.querySelector('{VIDEO}').videoWidth") > 0
        assert "nothing was charged" in await browser.text("#pane-thread .message-for-me")
        assert await browser.complaints() == []
        await page.stop()
        assert world.errors == []


async def test_the_cancel_button_is_pressed_on_the_page(
    browser: Browser, drawn: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "house"
    folder.mkdir()
    async with inhabited(open_house, folder, sandbox_seconds=30) as world:
        page = Page(world, folder)
        await page.start()
        await browser.open(page.address)
        await browser.write("#pane-channel .composer-text", "/ani")
        await browser.click("#pane-channel .picker-item")
        await order(browser, drawn)

        await browser.click("#pane-thread .container .button-secondary")
        answer = await browser.text("#pane-thread .message-ephemeral")
        await browser.until("return !document.querySelector('#pane-thread .container .button-secondary')")

        assert "Only you can see this" in answer
        assert not await browser.run("return Boolean(document.querySelector('#pane-thread video'))")
        assert await browser.complaints() == []
        await page.stop()


# ── what other bots' messages, and our later ones, are made of ─────────────────────────────────


class Form(ui.Modal, title="Once more"):
    """Every field that the page supports."""

    words: ui.Label[ui.Modal] = ui.Label(text="Prompt", component=ui.TextInput(max_length=100))
    direction: ui.Label[ui.Modal] = ui.Label(
        text="Direction",
        component=ui.Select(
            options=[discord.SelectOption(label="Left"), discord.SelectOption(label="Right")]
        ),
    )
    file: ui.Label[ui.Modal] = ui.Label(text="Picture", component=ui.FileUpload(required=False))
    shot: ui.Label[ui.Modal] = ui.Label(
        text="Shot",
        component=ui.RadioGroup(
            options=[
                discord.RadioGroupOption(label="Near", value="near"),
                discord.RadioGroupOption(label="Far", value="far", default=True),
            ]
        ),
    )
    sound: ui.Label[ui.Modal] = ui.Label(text="Sound", component=ui.Checkbox(default=True))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        said: list[Any] = [
            self.words.component.value,
            self.direction.component.values,
            [each.filename for each in self.file.component.values],
            self.shot.component.value,
            self.sound.component.value,
        ]
        await interaction.response.send_message(f"form {said}", ephemeral=True)


class Showcase(commands.AutoShardedBot):
    """Shows everything that the page can draw, and answers to every control."""

    def __init__(self) -> None:
        super().__init__(command_prefix=[], intents=discord.Intents(guilds=True), shard_count=1)

    async def setup_hook(self) -> None:
        @self.tree.command(description="Show everything")
        async def show(
            interaction: discord.Interaction, times: int, loud: bool = False, word: str = "none"
        ) -> None:
            await interaction.response.send_message(f"{times} {loud} {word}", view=everything())

        @self.tree.command(description="Keep a file")
        async def keep(interaction: discord.Interaction, file: discord.Attachment) -> None:
            await interaction.response.send_message(file.filename)

        @self.tree.context_menu(name="Count letters")
        async def count(interaction: discord.Interaction, message: discord.Message) -> None:
            await interaction.response.send_message(f"{len(message.content)} letters", ephemeral=True)

        await self.tree.sync()

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.component:
            data: Any = interaction.data
            if data["custom_id"] == "form":
                await interaction.response.send_modal(Form())
            else:
                await interaction.response.send_message(f"chosen {data['values']}", ephemeral=True)


def everything() -> ui.View:
    view = ui.View(timeout=None)
    view.add_item(ui.Button(label="Open the form", custom_id="form", style=discord.ButtonStyle.success))
    view.add_item(ui.Button(label="Not now", custom_id="off", disabled=True))
    view.add_item(ui.Button(label="Elsewhere", url="https://example.org/"))
    options = [discord.SelectOption(label="One", value="1"), discord.SelectOption(label="Two", value="2")]
    view.add_item(ui.Select(custom_id="pick", placeholder="Pick", options=options))
    return view


@pytest.fixture
async def show(browser: Browser, tmp_path: Path) -> AsyncIterator[tuple[World, Showcase, Browser]]:
    bot = Showcase()
    async with World(answer_seconds=20).running(bot) as world:
        page = Page(world, tmp_path)
        await page.start()
        await browser.open(page.address)
        await browser.find("#pane-channel .beginning")
        yield world, bot, browser
        await page.stop()


Shown = tuple[World, Showcase, Browser]


async def test_a_command_takes_options_of_every_kind(show: Shown) -> None:
    world, _, browser = show
    await browser.write("#pane-channel .composer-text", "/show")
    await browser.click("#pane-channel .picker-item")
    await browser.click(".chip:nth-child(1)")
    await browser.click(".chip:nth-child(1)")

    await browser.write(".row:nth-child(1) input", "3")
    await browser.write(".row:nth-child(2) select", "True")
    await browser.write(".row:nth-child(3) textarea", "hi")
    await browser.click(".command-run:not(:disabled)")

    assert "3 True hi" in await browser.text("#pane-channel .message-answer")
    assert world.errors == []


async def test_dropped_files_open_the_command_that_takes_them(show: Shown) -> None:
    _, _, browser = show

    await browser.run(
        """
        const dropped = new DataTransfer();
        dropped.items.add(new File([new Uint8Array(9)], 'IMG_7.HEIC'));
        const how = { dataTransfer: dropped, bubbles: true, cancelable: true };
        document.querySelector('#pane-channel').dispatchEvent(new DragEvent('drop', how));
        """
    )
    await browser.find(".tile-filled:not(.tile-sending)")

    assert "/keep" in await browser.text("#pane-channel .command-title")
    assert "IMG_7.HEIC" in await browser.text("#pane-channel .tile")


async def test_a_form_goes_back_with_everything_in_it(show: Shown, drawn: tuple[Path, Path]) -> None:
    world, _, browser = show
    await world.slash(world.member, world.clips, "show", times=1)
    await browser.click("[data-press=form]")

    await browser.write("dialog input:not([type])", "gently")
    await browser.write("dialog select", "Right")
    await browser.write("dialog .tile-input", str(drawn[0]))
    await browser.click("dialog .option:nth-child(1)")
    await browser.click("dialog button[type=submit]")

    answer = await browser.text("#pane-channel .message-ephemeral")
    assert "form ['gently', ['Right'], ['lena_on_the_hill.jpg'], 'near', True]" in answer
    assert not await browser.run("return Boolean(document.querySelector('dialog'))")


async def test_menus_and_commands_of_a_message_work(show: Shown) -> None:
    world, _, browser = show
    await world.slash(world.member, world.clips, "show", times=1)

    await browser.write("[data-choose=pick]", "Two")
    await browser.until("return document.body.innerText.includes(\"chosen ['2']\")")
    await browser.run("document.querySelector('.message-answer .tool').click()")
    await browser.click(".popup .popup-item")

    await browser.until("return document.body.innerText.includes('12 letters')")
    assert await browser.run("return document.querySelector('[data-press=off]').disabled")


async def test_ephemeral_answers_are_only_shown_to_whom_they_are_for(show: Shown) -> None:
    world, _, browser = show
    await world.slash(world.member, world.clips, "show", times=1)
    await world.select(world.member, world.messages(world.clips.id)[0], "pick", ["1"])
    await browser.find("#pane-channel .message-ephemeral")

    await browser.write("#viewer-select", "Noor")

    await browser.until("return document.querySelectorAll('#pane-channel .message').length === 1")


async def test_text_is_shown_as_discord_shows_it_and_never_as_markup(show: Shown) -> None:
    world, bot, browser = show
    place = bot.get_partial_messageable(world.clips.id, guild_id=world.guild.id)

    message = await place.send(
        f"# Big\n**bold** *slanted* `code` <@{world.member.id}> <#{world.clips.id}>\n"
        "-# small <t:4000000000:R> [here](https://example.org/x) snake_case_word\n"
        "<img src=x onerror=alert(1)>"
    )
    text = await browser.text(f"#m{message.id} .markdown")

    assert "Big" in text
    assert "@Mira #clips" in text
    assert "snake_case_word" in text
    assert "<img src=x onerror=alert(1)>" in text
    for selector in (
        "h3",
        "strong",
        "em",
        "code",
        "small time[data-relative]",
        "a[href='https://example.org/x']",
    ):
        await browser.find(f"#m{message.id} {selector}")
    assert not await browser.run(f"return Boolean(document.querySelector('#m{message.id} .markdown img'))")


async def test_edits_and_deletions_arrive_by_themselves(show: Shown) -> None:
    world, bot, browser = show
    place = bot.get_partial_messageable(world.clips.id, guild_id=world.guild.id)
    message = await place.send("first")
    await browser.find(f"#m{message.id}")

    await message.edit(content="second")
    await browser.until(f"return document.querySelector('#m{message.id}').innerText.includes('second')")
    marked = await browser.text(f"#m{message.id}")
    await message.delete()

    await browser.until(f"return !document.querySelector('#m{message.id}')")
    assert "(edited)" in marked
