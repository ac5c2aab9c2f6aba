"""Every text in every language: whole where its translators say so, within Discord's limits, and heard."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands
from simcord import MemberActor, interactions

from cogs.budget import Budget
from cogs.herald import DiscordHerald
from cogs.moderation.operator import OperatorGroup
from cogs.translating import Translator
from studio.languages import catalogues
from studio.languages.catalogues import catalogue, entries
from studio.languages.spoken import speaking
from studio.languages.tongues import TRANSLATED, Language, chosen, closest, of_browser
from studio.moderation import audit
from studio.moderation.audit import Entry
from studio.moderation.chronicle import Chronicle
from studio.moderation.council import Council
from studio.sharing import servers
from studio.texts import money, say, say_number, size
from tests import translations
from tests.bureau import Bureau, open_bureau, texts_of
from tests.text_limits import limit_of

NO_SPACES = re.compile(r"[-_'\w]{1,32}")

Speak = Callable[[MemberActor | None, str], None]


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


@pytest.fixture
def speak(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> Speak:
    """Give a member's Discord, or the server (None), another language; simcord knows English alone."""
    locales: dict[int | None, str] = {}
    original = interactions.base_payload

    def translated(*args: Any, user_id: int, **kwargs: Any) -> Any:
        record, payload = original(*args, user_id=user_id, **kwargs)
        payload["locale"] = locales.get(user_id, "en-US")
        if "guild_locale" in payload:
            payload["guild_locale"] = locales.get(None, "en-US")
        return record, payload

    monkeypatch.setattr(interactions, "base_payload", translated)

    def speak(member: MemberActor | None, locale: str) -> None:
        locales[None if member is None else member.id] = locale
        if member is None:
            guild = bureau.client.get_guild(bureau.world.guild.id)
            assert guild is not None
            guild.preferred_locale = discord.Locale(locale)

    return speak


def german(code: str, /, **facts: Any) -> str:
    with speaking(Language.GERMAN):
        return say(code, **facts)


async def set_language(bureau: Bureau, setting: str) -> None:
    now = bureau.studio.now()
    async with bureau.database.write() as connection:
        server = await servers.read(connection, bureau.world.guild.id, now)
        await servers.change(connection, server, policy=replace(server.policy, language=setting))
    await bureau.servers.refresh(now)


# ── the catalogues ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda language: language.value)
def test_what_is_translated_keeps_its_placeholders_and_fits_discords_limits(language: Language) -> None:
    assert catalogues.path_of(language).exists()
    assert list(translations.problems(language)) == []


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda language: language.value)
def test_a_language_that_says_that_it_is_complete_lacks_nothing(language: Language) -> None:
    lacks = [entry.context for entry in translations.missing(language)]

    assert not translations.is_complete(language) or lacks == []


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda language: language.value)
def test_bringing_a_catalogue_up_to_date_keeps_its_state_and_its_plural_forms(language: Language) -> None:
    before, after = catalogues.path_of(language).read_bytes(), translations.rebuilt(language)

    assert translations.is_complete(language)
    assert _state_and_forms(after) == _state_and_forms(before)


def _state_and_forms(catalogue: bytes) -> list[str]:
    lines = catalogue.decode().partition("\n\n")[0].splitlines()
    return [line for line in lines if "Status:" in line or "Plural-Forms:" in line]


def test_english_itself_keeps_within_the_limits() -> None:
    too_long = [
        entry.context
        for entry in entries()
        for text in (entry.english, entry.many or "")
        if len(translations.filled(text)) > limit_of(entry.code)
    ]

    assert too_long == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{preis:money} für {seconds:number} s", "placeholders"),
        ("**Preis: {price:money} für {seconds:number} s", "bold marks"),
        ("**Preis:** {price:money}\nfür {seconds:number} s", "line breaks"),
        ("**Preis:** {price:money} für {seconds:number} s " + "x" * 900, "characters long"),
    ],
)
def test_a_translation_that_breaks_a_text_is_noticed(text: str, problem: str) -> None:
    (entry,) = (each for each in entries() if each.context == "request_price")

    assert any(problem in found for found in translations._problems(entry, text))


def test_what_was_translated_from_another_text_is_shown_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    texts = {"button_cancel": "Anuluj", "card_done": "Gotowe po {elapsed:duration}."}
    translations.fill(
        Language.POLISH, {**texts, "clips": ["{number} klip", "{number} klipy", "{number} klipów"]}
    )
    path = catalogues.path_of(Language.POLISH)
    path.write_text(path.read_text("utf-8").replace('msgid "Cancel"', 'msgid "Stop it"'), "utf-8")

    polish = catalogue.__wrapped__(Language.POLISH)
    translations.write(Language.POLISH, translations.rebuilt(Language.POLISH))

    assert polish.texts["button_cancel"] == ("Cancel",)
    assert polish.texts["card_done"] == ("Gotowe po {elapsed:duration}.",)
    assert [polish.counted("clips", number) for number in (1, 2, 5, 22)] == [
        "{number} klip", "{number} klipy", "{number} klipów", "{number} klipy",
    ]  # fmt: skip
    assert "fuzzy" in path.read_text("utf-8")


def test_commands_are_named_as_the_language_calls_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    names = {"name_studio_limits": "limity", "name_studio_limits_show": "pokaz", "name_animate": "animuj"}
    words = {
        "allowances_full": "Już {limit}. Nothing was charged. Usuń w /studio limits show.",
        "quota_unlimited": "Nie ma limitu: /animate do woli.",
    }

    translations.fill(Language.POLISH, names | words)
    polish = catalogue.__wrapped__(Language.POLISH)

    assert polish.texts["allowances_full"][0].endswith("/studio limity pokaz.")
    assert "/animuj do woli" in polish.texts["quota_unlimited"][0]


# ── figures ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "amount", "weight"),
    [
        (Language.GERMAN, "1.234,50\xa0$", "10,5 MB"),
        (Language.FRENCH, "1\u202f234,50\xa0$US", "10,5 Mo"),
        (Language.PORTUGUESE, "US$\xa01.234,50", "10,5 MB"),
        (Language.ENGLISH, "$1,234.50", "10.5 MB"),
    ],
)
def test_money_and_sizes_are_written_as_the_language_does(
    language: Language, amount: str, weight: str
) -> None:
    with speaking(language):
        assert money(1_234_500_000) == amount
        assert " ".join(size(10_485_760).split()) == weight


def test_each_number_has_its_grammatical_form() -> None:
    assert [say_number("clips", number) for number in (1, 2)] == ["1 clip", "2 clips"]


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("es-419", Language.SPANISH), ("es-ES", Language.SPANISH), ("pt-BR", Language.PORTUGUESE),
        ("zh-CN", Language.CHINESE), ("zh-TW", Language.ENGLISH), ("en-GB", Language.ENGLISH),
        ("sv-SE", Language.ENGLISH), ("", Language.ENGLISH),
    ],
)  # fmt: skip
def test_discords_locales_find_their_language(tag: str, language: Language) -> None:
    assert closest(tag) is language


def test_a_browser_gets_the_first_language_of_its_list_that_is_spoken() -> None:
    assert of_browser("sv, fr;q=0.4, pl;q=0.8, *;q=0.1") is Language.POLISH
    assert of_browser("nonsense;q=x,,;q=") is Language.ENGLISH


def test_a_servers_own_setting_counts_more_than_what_it_told_discord() -> None:
    assert chosen("auto", "ja") is Language.JAPANESE
    assert chosen("fr", "ja") is Language.FRENCH
    assert chosen("from a later version", "ja") is Language.JAPANESE


# ── commands ────────────────────────────────────────────────────────────────────────────────────


def commands_of(bureau: Bureau) -> list[Any]:
    unused: Any = None
    return [*bureau.client.tree.get_commands(), OperatorGroup(unused, unused)]


def named(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """A command's payload with everything below it."""
    return [payload, *(inner for each in payload.get("options", ()) for inner in named(each))]


async def test_every_name_of_a_command_or_an_option_has_a_text(bureau: Bureau) -> None:
    codes = {
        "name_option_" + each["name"]
        for command in commands_of(bureau)
        for each in named(command.to_dict(bureau.client.tree))[1:]
        if each["type"] > 2
    }
    for command in commands_of(bureau):
        if isinstance(command, app_commands.ContextMenu):
            codes.add("name_menu_" + command.name.casefold().replace(" ", "_"))
            continue
        below = command.walk_commands() if isinstance(command, app_commands.Group) else ()
        codes |= {"name_" + each.qualified_name.replace(" ", "_") for each in (command, *below)}

    assert codes - {entry.code for entry in entries()} == set()


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda language: language.value)
async def test_names_and_descriptions_are_such_as_discord_takes(bureau: Bureau, language: Language) -> None:
    locale = next(each for each in discord.Locale if closest(each.value) is language).value
    tree, translator = bureau.client.tree, Translator()
    payloads = [await each.get_translated_payload(tree, translator) for each in commands_of(bureau)]

    levels = [payloads, *(each.get("options", []) for payload in payloads for each in named(payload))]
    for level in levels:
        names = [each.get("name_localizations", {}).get(locale, each["name"]) for each in level]
        assert len(set(names)) == len(names)
    for payload in payloads:
        for each in named(payload):
            name = each.get("name_localizations", {}).get(locale, "x")
            if payload.get("type", 1) == 1:
                assert NO_SPACES.fullmatch(name)
                assert name == name.lower()
            assert len(name) <= 32
            assert len(each.get("description_localizations", {}).get(locale, "")) <= 100
            assert all(len(each["name"]) <= 100 for each in each.get("choices", ()))


async def test_a_description_is_told_discord_in_german(bureau: Bureau) -> None:
    command = bureau.client.tree.get_command("quota")
    assert command is not None

    payload = await command.get_translated_payload(bureau.client.tree, Translator())

    assert payload["description_localizations"]["de"] == german("command_quota") != say("command_quota")


# ── who hears what ──────────────────────────────────────────────────────────────────────────────


async def test_a_german_member_of_an_english_server_reads_german_where_only_they_read(
    bureau: Bureau, speak: Speak
) -> None:
    speak(bureau.world.member, "de")

    job = await bureau.opened()
    refused = await bureau.order(image=("me.jpg", b"x" * 10), prompt="🙂" * 600)

    (answer,) = [
        each for each in bureau.posts(bureau.world.clips.id) if "clip is on its way" in each["content"]
    ]
    assert int(answer["id"]) == job.place.answer_id
    assert "Checking your files" in str(bureau.posts(job.place.talk_id)[0]["components"])
    assert refused.response is not None
    assert refused.response.content == german("prompt_too_long", length=1200, limit=1000)
    assert refused.response.content != say("prompt_too_long", length=1200, limit=1000)


async def test_an_english_member_of_a_german_server_reads_its_language_in_public_alone(
    bureau: Bureau, speak: Speak
) -> None:
    speak(None, "de")

    job = await bureau.opened()
    refused = await bureau.order(prompt="🙂" * 600)

    assert bureau.posts(bureau.world.clips.id)[0]["content"] == german("answer_started", name="Mira")
    assert german("stage_checking") in texts_of(bureau.posts(job.place.talk_id)[0])
    assert refused.response is not None
    assert refused.response.content == say("prompt_too_long", length=1200, limit=1000)


async def test_the_moderators_choice_of_a_language_holds_for_everybody(bureau: Bureau, speak: Speak) -> None:
    speak(None, "fr")
    bureau.desk.voice.setting_of = bureau.studio.language
    await set_language(bureau, "de")

    job = await bureau.opened()

    assert bureau.posts(bureau.world.clips.id)[0]["content"] == german("answer_started", name="Mira")
    assert german("stage_checking") in texts_of(bureau.posts(job.place.talk_id)[0])


async def test_a_press_is_answered_in_the_language_of_who_presses(bureau: Bureau, speak: Speak) -> None:
    job = await bureau.opened()
    stranger = bureau.world.add_member("stranger", "Jan")
    speak(stranger, "de")
    card = bureau.posts(job.place.talk_id)[0]

    await bureau.world.click(stranger, card, f"v1:cancel:{job.id}")

    def said() -> str:
        return str(bureau.world.messages(job.place.talk_id, viewer=stranger)[-1]["content"])

    assert await bureau.world.eventually(said) == german("cancel_not_yours") != say("cancel_not_yours")


async def test_the_log_channel_is_written_in_the_servers_language(bureau: Bureau, speak: Speak) -> None:
    speak(None, "de")
    world, now = bureau.world, bureau.studio.now()
    channel = world.guild.create_text_channel("log")
    herald = DiscordHerald(bureau.client, Budget())
    entry = Entry(at=now, guild_id=world.guild.id, actor_id=world.moderator.id, action="paused")
    council = Council(bureau.database, bureau.servers, lambda: now)

    await council.amend(lambda policy: replace(policy, log_channel_id=channel.id), entry)
    await Chronicle(bureau.database, herald, lambda: now).tell()

    (message,) = bureau.posts(channel.id)
    assert german("audit_paused", actor=f"<@{world.moderator.id}>") in message["content"]


async def test_the_record_keeps_words_in_the_servers_language_whoever_decided(
    bureau: Bureau, speak: Speak
) -> None:
    world = bureau.world
    speak(world.moderator, "de")

    await world.slash(world.moderator, world.clips, "studio limits pool", period="week", clips=2)

    async def recorded() -> list[Entry]:
        async with bureau.database.read() as connection:
            return [entry for _, entry in await audit.newest(connection, world.guild.id)]

    for _ in range(100):
        if await recorded():
            break
        await asyncio.sleep(0.02)
    (entry,) = await recorded()
    assert entry.details == {"share": "2 clips per week"}


async def test_a_server_of_which_discord_says_nothing_is_spoken_to_in_english(bureau: Bureau) -> None:
    unknown = 4242

    assert await bureau.desk.voice.of(unknown) is Language.ENGLISH
