"""That the check of alt texts and labels finds what it is for, and that no file of ours gets past it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.said_in_words import wordless

ROOT = Path(__file__).parent.parent


def gallery(**item: Any) -> dict[str, Any]:
    inside = {"type": 12, "items": [{"media": {"url": "attachment://a.jpg"}, **item}]}
    return {"components": [{"type": 17, "components": [inside]}]}


def thumbnail(**more: Any) -> dict[str, Any]:
    accessory = {"type": 11, "media": {"url": "attachment://a.jpg"}, **more}
    return {"components": [{"type": 9, "components": [], "accessory": accessory}]}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"attachments": [{"id": 0, "filename": "a.png"}]}, "the file a.png"),
        ({"data": {"attachments": [{"id": "1", "filename": "b.png", "description": ""}]}}, "the file b.png"),
        ({"attachments": [{"id": 0, "filename": "a.png", "description": "📈"}]}, "the file a.png"),
        ({"attachments": [{"id": 0, "filename": "a.png", "description": "x" * 1025}]}, "the file a.png"),
        (gallery(), "attachment://a.jpg"),
        (gallery(description=None), "attachment://a.jpg"),
        (thumbnail(), "attachment://a.jpg"),
        ({"components": [{"type": 1, "components": [{"type": 2, "emoji": {"name": "✅"}}]}]}, "the button"),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "label": "✅", "custom_id": "yes"}]}]},
            "the button yes",
        ),
    ],
)
def test_what_is_said_by_a_sign_alone_or_not_at_all_is_found(body: dict[str, Any], found: str) -> None:
    [lack] = wordless(body)

    assert found in lack


@pytest.mark.parametrize(
    "body",
    [
        None,
        [{"name": "animate"}],
        {"content": "Hello"},
        {"attachments": [{"id": 0, "filename": "a.png", "description": "A chart"}]},
        {"attachments": [{"id": "1574200328402763776", "filename": "sent-before.png"}]},
        gallery(description="A picture"),
        thumbnail(description="A picture"),
        {"components": [{"type": 1, "components": [{"type": 2, "label": "Cancel", "custom_id": "x"}]}]},
    ],
)
def test_what_is_said_in_words_is_let_through(body: Any) -> None:
    assert list(wordless(body)) == []


def makings_of_files() -> Iterator[tuple[str, ast.Call]]:
    """Every place at which a file for Discord is made, directly or in a thread."""
    for path in sorted((ROOT / "cogs").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                parts = [node.func, *node.args[:1]]
                if any(isinstance(part, ast.Attribute) and part.attr == "File" for part in parts):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_file_that_is_attached_anywhere_is_given_an_alt_text() -> None:
    makings = list(makings_of_files())

    silent = [
        where for where, call in makings if not any(keyword.arg == "description" for keyword in call.keywords)
    ]

    assert len(makings) >= 6
    assert silent == []
