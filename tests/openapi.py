"""Checks the bot's REST calls against Discord's own OpenAPI specification."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from simcord.backend.errors import BackendError
from simcord.http import router

BESIDE_THE_PROJECT = Path(__file__).resolve().parents[2] / "shared" / "discord-api" / "openapi.json"

MALFORMED = 50035
"""Discord's code for a body that does not fit the form."""

_SPEC = "urn:discord"


class Request(NamedTuple):
    """One REST call: method, path without the API's prefix, and the JSON body if there was one."""

    method: str
    path: str
    body: Any


def specification() -> Path | None:
    """Where the specification is: `DISCORD_OPENAPI`, else beside the project; None when it is missing."""
    configured = os.environ.get("DISCORD_OPENAPI")
    path = Path(configured) if configured else BESIDE_THE_PROJECT
    return path if path.is_file() else None


def violations(requests: Iterable[Request], path: Path) -> list[str]:
    """What Discord's specification does not allow in these calls, one line for each."""
    checker = _checker(path)
    return [problem for request in requests for problem in checker.check(request)]


@cache
def _checker(path: Path) -> _Checker:
    return _Checker(json.loads(path.read_text("utf-8")))


class _Checker:
    """Finds the schema of a call's body and validates the body against it."""

    def __init__(self, document: dict[str, Any]) -> None:
        relaxed = _relax(document)
        resource = DRAFT202012.create_resource(relaxed)
        self._registry: Registry[Any] = Registry().with_resource(_SPEC, resource)
        self._routes = [
            (method.upper(), _pattern(template), pointer)
            for template, operations in document["paths"].items()
            for method, operation in operations.items()
            if method != "parameters"
            for pointer in [_pointer(template, method, operation)]
        ]
        # The most concrete path first: `/messages/@original` before `/messages/{message_id}`.
        self._routes.sort(key=lambda route: route[1].pattern.count("[^/]+"))
        self._validators: dict[str, Draft202012Validator] = {}

    def check(self, request: Request) -> list[str]:
        for method, pattern, pointer in self._routes:
            if method == request.method and pattern.fullmatch(unquote(request.path)):
                if request.body is None or pointer is None:
                    return []
                return self._problems(request, pointer)
        return [f"{request.method} {request.path}: Discord has no such call"]

    def _problems(self, request: Request, pointer: str) -> list[str]:
        validator = self._validators.get(pointer)
        if validator is None:
            validator = Draft202012Validator({"$ref": f"{_SPEC}#{pointer}"}, registry=self._registry)
            self._validators[pointer] = validator
        error = best_match(validator.iter_errors(request.body))
        if error is None:
            return []
        return [f"{request.method} {request.path}: {error.json_path}: {error.message[:300]}"]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(template)))


def _pointer(template: str, method: str, operation: dict[str, Any]) -> str | None:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    escaped = template.replace("~", "~0").replace("/", "~1")
    return f"/paths/{escaped}/{method}/requestBody/content/application~1json/schema"


def _relax(node: Any) -> Any:
    """What the specification writes more strictly than Discord is, or not as a JSON schema.

    Snowflakes may be integers; `oneOf` of overlapping kinds is meant as `anyOf`; references become absolute.
    """
    if isinstance(node, list):
        return [_relax(each) for each in node]
    if not isinstance(node, dict):
        return node
    relaxed = {key: _relax(value) for key, value in node.items() if key != "oneOf"}
    if isinstance(node.get("oneOf"), list):
        relaxed["anyOf"] = _relax(node["oneOf"])
    if isinstance(node.get("$ref"), str):
        relaxed["$ref"] = f"{_SPEC}{node['$ref']}"
    if node.get("format") == "snowflake":
        kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
        relaxed["type"] = [*kinds, "integer"]
    return relaxed


@pytest.fixture(autouse=True)
def discord_would_accept_every_call(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After each test on the simulated Discord, hold all of the bot's calls against the specification.

    Without the specification nothing is checked (`test_cogs_openapi.py` says so). What the simulation itself
    refuses as malformed (50035) is left out: the bot has been told.
    """
    made: list[Request] = []
    dispatch = router.dispatch

    def recording(backend: Any, method: str, path: str, **call: Any) -> Any:
        request = Request(method, path, copy.deepcopy(call.get("json")))
        try:
            response = dispatch(backend, method, path, **call)
        except BackendError as error:
            if error.code != MALFORMED:
                made.append(request)
            raise
        made.append(request)
        return response

    monkeypatch.setattr(router, "dispatch", recording)
    yield
    path = specification()
    if path is not None:
        assert violations(made, path) == []
