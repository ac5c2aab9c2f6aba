"""The conversation in the simulated Discord as lines of text, while it happens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from demo.world import Person, World

_CHANGING = re.compile(r"[\d.,]+|[▰▱█░]+|\b(in|ago|now)\b")
_STAMP = re.compile(r"<t:(\d+)(?::\w)?>")
_LINK_STYLE = 5
_EPHEMERAL = 1 << 6
_LOOK_DEEPER = ("components", "accessory", "items")


class Transcript:
    """Says every new message and every edit that changes more than numbers, as one person sees it.

    `say` gets one line at a time. Works from its making until `close`.
    """

    def __init__(self, world: World, viewer: Person, say: Callable[[str], None]) -> None:
        self._world = world
        self._viewer = viewer
        self._say = say
        self._lines: dict[str, set[str]] = {}
        self._threads: set[int] = set()
        self.close = world.subscribe(self._look)

    def _look(self) -> None:
        self._tell_messages(self._world.clips.id)
        for thread in self._world.threads():
            if thread.id not in self._threads:
                self._threads.add(thread.id)
                self._say(f"  ⤷ thread “{thread.name}”")
            self._tell_messages(thread.id)

    def _tell_messages(self, place: int) -> None:
        for message in self._world.messages(place, viewer=self._viewer):
            known = self._lines.get(message["id"])
            lines = [line for line in lines_of(message, self._name) if line.strip()]
            self._lines[message["id"]] = {_shape(line) for line in lines}
            fresh = lines if known is None else [line for line in lines if _shape(line) not in known]
            if fresh:
                self._tell(message, fresh, edited=known is not None)

    def _tell(self, message: dict[str, Any], lines: list[str], *, edited: bool) -> None:
        author = message["author"].get("global_name") or message["author"]["username"]
        marks = " (edited)" if edited else ""
        marks += " (only you can see this)" if message["flags"] & _EPHEMERAL else ""
        self._say(f"{author}{marks} › {lines[0]}")
        for line in lines[1:]:
            self._say(f"    {line}")

    def _name(self, kind: str, identifier: int) -> str:
        if kind == "#":
            channel = self._world.discord.channels.get(identifier)
            return f"#{channel.name if channel else 'unknown'}"
        user = self._world.discord.users.get(identifier)
        return f"@{(user.global_name or user.name) if user else 'unknown'}"


def lines_of(message: dict[str, Any], name: Callable[[str, int], str]) -> Iterator[str]:
    """Give a message's text, its files and its buttons, line by line, without markup.

    `name` turns the kind of a mention ("@" or "#") and its id into what is read.
    """
    yield from plain(message["content"], name).split("\n")
    for part in message["components"]:
        yield from _part_lines(part, name)
    if message["components"] and not message["content"]:
        return  # such a message's files are among its parts
    for file in message["attachments"]:
        size = f", {file['width']}×{file['height']}" if file.get("width") else ""
        yield f"[{file['filename']}{size}, {file['size'] / 1e6:.1f} MB] {file['description'] or ''}".rstrip()


def plain(text: str, name: Callable[[str, int], str]) -> str:
    """Take Discord's markup out of a text."""
    text = _STAMP.sub(lambda match: _relative(int(match[1])), text)
    text = re.sub(r"<(@|#)!?(\d+)>", lambda match: name(match[1], int(match[2])), text)
    text = re.sub(r"^(#{1,3}|-#|>) ", "", text, flags=re.MULTILINE)
    return re.sub(r"\\([^\w\s])", r"\1", re.sub(r"\*\*|__|~~|\|\||`", "", text))


def _part_lines(part: dict[str, Any], name: Callable[[str, int], str]) -> Iterator[str]:
    match part:
        case {"type": 10, "content": str(content)}:
            yield from plain(content, name).split("\n")
        case {"type": 1, "components": list(controls)}:
            yield " ".join(_control(each) for each in controls)
        case {"media": dict()}:
            yield f"[picture: {part.get('description') or 'no description'}]"
        case _:
            for key in _LOOK_DEEPER:
                below = part.get(key) or []
                for each in below if isinstance(below, list) else [below]:
                    yield from _part_lines(each, name)


def _control(control: dict[str, Any]) -> str:
    label = control.get("label") or control.get("placeholder") or "…"
    if control.get("style") == _LINK_STYLE:
        return f"[{label} → {control['url']}]"
    return f"[{label}]" + (" (off)" if control.get("disabled") else "")


def _shape(line: str) -> str:
    """What of a line counts as a change: not the figures that tick along."""
    return _CHANGING.sub("", line)


def _relative(seconds: int) -> str:
    away = round(seconds - time.time())
    return f"in {away} s" if away > 0 else f"{-away} s ago"
