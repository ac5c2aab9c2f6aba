"""The names and descriptions of the commands in every language, as Discord is told them."""

from __future__ import annotations

import hashlib
from functools import cache

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Where

from studio.languages.catalogues import NAME, catalogue, entries, path_of
from studio.languages.tongues import TRANSLATED, Language, find
from studio.sentences import SENTENCES

NAMES = frozenset({Where.command_name, Where.group_name, Where.parameter_name})


class Translator(app_commands.Translator):
    """Names are found by the command's path, everything else by its English text."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        language = find(locale.value)
        if language is None or language is Language.ENGLISH:
            return None
        code = name_code(string, context) if context.location in NAMES else _codes().get(string.message, "")
        if code not in SENTENCES:
            return None
        (text,) = catalogue(language).texts[code]
        return None if text == string.message else text


def name_code(string: app_commands.locale_str, context: app_commands.TranslationContextTypes) -> str:
    """The code of a name's text: `name_studio_limits`, `name_option_image`, `name_menu_animate_this`."""
    if context.location is Where.parameter_name:
        return f"{NAME}option_{string.message}"
    if isinstance(context.data, app_commands.ContextMenu):
        return f"{NAME}menu_{string.message.casefold().replace(' ', '_')}"
    assert isinstance(context.data, app_commands.Command | app_commands.Group)
    return NAME + context.data.qualified_name.replace(" ", "_")


def digest() -> str:
    """Changes whenever a translation does, without reading what it says."""
    files = (path_of(language) for language in TRANSLATED)
    return hashlib.sha256(b"".join(path.read_bytes() for path in files if path.exists())).hexdigest()


@cache
def _codes() -> dict[str, str]:
    """By the English text; where several are alike the one of a command counts."""
    known = [entry for entry in entries() if entry.context == entry.code]
    known.sort(key=lambda entry: entry.code.startswith(("command_", "option_", "choice_")))
    return {entry.english: entry.code for entry in known}
