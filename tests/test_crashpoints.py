"""The registry of crash points: what is named there is placed in the code, and the other way round."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from studio.crashpoints import EXIT_CODE, POINTS
from studio.models import JobState

ROOT = Path(__file__).parent.parent
MOVED = "work.moved_to_"


def placed() -> list[str]:
    """The argument of every call of `passing`; a computed end is written as `*`."""
    names = []
    for room in ("studio", "cogs"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "passing":
                    names.append(_name(node.args[0]))
    return names


def _name(argument: ast.expr) -> str:
    if isinstance(argument, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in argument.values)
    assert isinstance(argument, ast.Constant)
    return str(argument.value)


def test_every_registered_point_is_placed_once_and_every_placed_one_is_registered() -> None:
    names = placed()

    assert len(names) == len(set(names))
    assert set(names) - {f"{MOVED}*"} == {name for name in POINTS if not name.startswith(MOVED)}
    assert f"{MOVED}*" in names


def test_every_state_that_a_step_can_reach_has_a_point() -> None:
    named = {name.removeprefix(MOVED) for name in POINTS if name.startswith(MOVED)}

    # Received is where a job begins.
    assert named == {state.value for state in JobState} - {"received"}


def passed_by_a_process(armed: str, passages: int) -> subprocess.CompletedProcess[str]:
    script = f"from studio.crashpoints import passing\n[passing('work.closed') for _ in range({passages})]\n"
    script += "print('on')"
    environment = {"ANIMATE_CRASH_AT": armed} if armed else {}
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("armed", "passages", "ends"),
    [("", 9, False), ("work.closed", 1, True), ("work.closed:3", 2, False), ("work.closed:3", 3, True)],
)
def test_a_process_ends_at_the_armed_passage_and_never_unarmed(armed: str, passages: int, ends: bool) -> None:
    result = passed_by_a_process(armed, passages)

    assert result.returncode == (EXIT_CODE if ends else 0)
    assert result.stdout == ("" if ends else "on\n")


def test_a_name_that_is_no_point_is_an_error() -> None:
    result = passed_by_a_process("work.nowhere", 1)

    assert result.returncode == 1
    assert "work.nowhere" in result.stderr
