"""Slash commands whose file options offer only what fits; discord.py 2.7.1 does not know `file_types` yet."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from discord import app_commands

FileTypes = Mapping[str, Sequence[str]]
"""By the option's name: groups of endings and single ones, see `cogs.ordering.uploads`."""


class Publisher(Protocol):
    """The tree, which may have learned that Discord does not take the key on commands."""

    sends_file_types: bool


class FileCommand(app_commands.Command[Any, ..., None]):
    """A command that names the types of files which its options take.

    It only filters what is offered (`discord.md`, section 1.4): every file is recognised by its content.
    """

    def __init__(self, *, file_types: FileTypes, **options: Any) -> None:
        super().__init__(**options)
        self._file_types = file_types

    def to_dict(self, tree: app_commands.CommandTree[Any]) -> dict[str, Any]:
        return self._with_types(super().to_dict(tree), tree)

    async def get_translated_payload(
        self, tree: app_commands.CommandTree[Any], translator: app_commands.Translator
    ) -> dict[str, Any]:
        return self._with_types(await super().get_translated_payload(tree, translator), tree)

    def _with_types(self, definition: dict[str, Any], tree: Any) -> dict[str, Any]:
        publisher: Publisher = tree
        if publisher.sends_file_types:
            for option in definition["options"]:
                if types := self._file_types.get(option["name"]):
                    option["file_types"] = list(types)
        return definition


def file_command(
    *, name: str, description: str, file_types: FileTypes
) -> Callable[[Callable[..., Coroutine[Any, Any, None]]], FileCommand]:
    """As `app_commands.command`; decorators of the options stand below it."""

    def made(callback: Callable[..., Coroutine[Any, Any, None]]) -> FileCommand:
        return FileCommand(name=name, description=description, callback=callback, file_types=file_types)

    return made
