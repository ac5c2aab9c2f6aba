"""Every fault of the provider that we know of is in `docs/faults.md`, each with tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "faults.md"
FAULTS = [f"F{number:02}" for number in range(1, 60)]
ROW = re.compile(r"^\| (F\d\d) \|([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\|$", re.MULTILINE)
NAMED = re.compile(r"`(test_\w+)::(\w+)(?:\[([^]`]+)\])?`")
NOT_MET = "cannot meet"


@cache
def rows() -> dict[str, tuple[str, ...]]:
    """The table's rows: fault, what the client does, client tests, order tests."""
    return {row[0]: tuple(cell.strip() for cell in row[1:]) for row in ROW.findall(TABLE.read_text())}


@cache
def source(module: str) -> str:
    return (ROOT / "tests" / f"{module}.py").read_text()


@cache
def names_in(module: str) -> frozenset[str]:
    tree = ast.parse(source(module))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def test_the_table_lists_every_fault_once_and_in_order() -> None:
    assert [row[0] for row in ROW.findall(TABLE.read_text())] == FAULTS


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_tests_that_exist(fault: str) -> None:
    what, response, client, order = rows()[fault]

    assert what
    assert response
    for cell in (client, order):
        assert NAMED.search(cell) or NOT_MET in cell, f"{fault}: no test named in {cell!r}"
        for module, name, case in NAMED.findall(cell):
            assert name in names_in(module), f"{fault}: no test {name} in {module}"
            assert not case or f'"{case}"' in source(module), f"{fault}: no case {case} in {module}"
