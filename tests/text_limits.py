"""How long each text may be where Discord shows it, read from the places that use it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from studio.sentences import SENTENCES

ROOT = Path(__file__).resolve().parents[1]

MESSAGE = 800
"""So that every message that is put together from several texts stays below 2000 characters."""

BY_PREFIX = {
    "command_": 100, "option_": 100, "choice_": 100, "name_": 32, "button_": 80, "press_": 80, "page_": 80,
    "alt_": 1024, "form_": 45, "hint_": 150, "duration_": 100, "switch_": 80, "approval_mode_": 100,
    "orientation_": 100, "shot_type_": 100, "language_": 100, "thread_name": 100,
    "chart_": 60, "usage_bar": 60,
}  # fmt: skip
"""Sources: Discord's developers/components/reference and interactions/application-commands (2026-08)."""

BY_CODE = {
    "command_outdated": MESSAGE, "button_unknown": MESSAGE, "form_reason_hint": 100,
    "form_money": 100, "form_zone": 100, "setting_time_zone": 45,
    "setting_approval_above": 45, "setting_confirm_above": 45,
    # Not on a form, whatever they begin with.
    "form_used": MESSAGE, "form_over": MESSAGE, "order_not_noted": MESSAGE, "order_unexplained": MESSAGE,
    "order_free": MESSAGE, "order_has_picture": MESSAGE, "order_has_video": MESSAGE,
    "order_has_both": MESSAGE, "order_there": MESSAGE,
    "order_not_charged": 100, "order_more_motions": 100,
}  # fmt: skip

# What a call's argument may hold: (function, keyword or position) to characters.
BY_PLACE = {
    ("Button", "label"): 80,
    ("_button", 0): 80,
    ("SelectOption", "label"): 100,
    ("SelectOption", "description"): 100,
    ("Choice", "name"): 100,
    ("Label", "text"): 45,
    ("Label", "description"): 100,
    ("Modal", "title"): 45,
    ("form", 0): 45,
    ("ask", "label"): 100,
    ("text_field", 0): 45,
    ("text_field", "hint"): 100,
    ("Select", "placeholder"): 150,
    ("TextInput", "placeholder"): 100,
    ("TextInput", "label"): 45,
    ("File", "description"): 1024,
}


def limit_of(code: str) -> int:
    """The most characters that the text may have once it is filled."""
    limits = [MESSAGE, *_by_use().get(code, ())]
    if code in BY_CODE:
        limits.append(BY_CODE[code])
    else:
        limits += [limit for prefix, limit in BY_PREFIX.items() if code.startswith(prefix)][:1]
    return min(limits)


@cache
def _by_use() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for path in sorted((ROOT / "cogs").rglob("*.py")):
        for code, limit in _uses(ast.parse(path.read_text("utf-8"))):
            found.setdefault(code, []).append(limit)
    return found


def _uses(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        given: list[tuple[str | int | None, ast.expr]] = list(enumerate(node.args))
        given += [(keyword.arg, keyword.value) for keyword in node.keywords]
        for place, value in given:
            limit = BY_PLACE.get((name, place))
            if limit is not None:
                for code in _said(value):
                    yield code, limit


def _said(value: ast.expr) -> Iterator[str]:
    """The codes of a `say(…)` that stands there itself."""
    if isinstance(value, ast.IfExp):
        yield from _said(value.body)
        yield from _said(value.orelse)
    if not (isinstance(value, ast.Call) and _name(value.func) == "say" and value.args):
        return
    for argument in _branches(value.args[0]):
        if isinstance(argument, ast.Constant):
            yield str(argument.value)
        elif isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
            prefix = str(argument.values[0].value)
            yield from (code for code in SENTENCES if code.startswith(prefix) and code not in BY_CODE)


def _branches(value: ast.expr) -> list[ast.expr]:
    return [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    if isinstance(function, ast.Subscript):
        return _name(function.value)
    return function.id if isinstance(function, ast.Name) else ""
