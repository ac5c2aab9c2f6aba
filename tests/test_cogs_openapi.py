"""The check against Discord's specification finds what Discord would refuse, and lets the rest pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.openapi import Request, specification, violations


@pytest.fixture
def spec() -> Path:
    path = specification()
    if path is None:
        pytest.skip(
            "Discord's OpenAPI specification is not here: set DISCORD_OPENAPI to check the bot's calls"
        )
    return path


def test_ordinary_calls_pass(spec: Path) -> None:
    calls = [
        Request("POST", "/channels/1/messages", {"content": "hello", "nonce": "a", "enforce_nonce": True}),
        Request("POST", "/channels/1/messages/2/threads", {"name": "x", "auto_archive_duration": 1440}),
        Request("GET", "/webhooks/1/token/messages/@original", None),
        Request("POST", "/channels/1/messages", {"message_reference": {"message_id": 5}}),
    ]

    problems = violations(calls, spec)

    assert problems == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/channels/1/messages/2/threads", {"name": "x" * 101}),
        ("POST", "/channels/1/messages", {"nonce": "n" * 26}),
        ("POST", "/channels/1/messages", {"attachments": [{"id": str(index)} for index in range(11)]}),
        ("POST", "/channels/1/messages", {"components": [{"type": 99}]}),
        ("GET", "/no/such/call", None),
    ],
)
def test_what_discord_refuses_is_found(spec: Path, method: str, path: str, body: object) -> None:
    problems = violations([Request(method, path, body)], spec)

    assert len(problems) == 1
