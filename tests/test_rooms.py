"""The rooms: who may import whom, and what every file of ours has to open with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("cogs", "studio", "media", "providers", "demo", "doctor", "bot")
ALLOWED = {
    "cogs": {"cogs", "studio"},
    "studio": {"studio", "media"},
    "media": {"media"},
    "providers": {"providers", "studio", "media"},
    "demo": {"demo", "cogs", "studio", "media", "providers"},
    "doctor": {"doctor", "cogs", "studio", "media", "providers"},
    "bot": set(ROOMS) - {"bot"},
}
FORBIDDEN_LIBRARIES = {
    "cogs": {"sqlalchemy", "alembic"},
    "studio": {"discord", "aiohttp"},
    "media": {"discord", "aiohttp", "sqlalchemy"},
    "providers": {"discord", "sqlalchemy"},
    "demo": set(),
    "doctor": set(),
    "bot": set(),
}


def sources() -> Iterator[Path]:
    yield ROOT / "bot.py"
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    room = room_of(path)

    names = set(imported(ast.parse(path.read_text())))

    assert names & set(ROOMS) <= ALLOWED[room]
    assert not names & FORBIDDEN_LIBRARIES[room]


def test_the_rule_would_notice_a_wrong_arrow() -> None:
    tree = ast.parse("def f():\n    from cogs import cards\nimport discord.ext")

    assert set(imported(tree)) == {"cogs", "discord"}


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_opens_with_one_sentence_and_stays_short(path: Path) -> None:
    text = path.read_text()

    opening = ast.get_docstring(ast.parse(text))

    assert opening
    assert text.count("\n") <= 300
    assert path.stem not in {"utils", "helpers", "common", "manager"}
