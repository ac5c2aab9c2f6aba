"""The log: readable for people, whole as JSON, and without anybody's secret wherever it may hide."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog

from studio import logs

TOKEN = "MTAwMQ.GhIjKl.a-token-that-nobody-may-see"
KEY = 'pb_with"quotes\\and/slash+plus'
SECRETS = (TOKEN, KEY)
BOTH_FORMS = pytest.mark.parametrize("as_json", [False, True], ids=["console", "json"])


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Put the process's logging back, which every test here replaces."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def raise_with_secrets() -> None:
    request = {"Authorization": f"Bot {TOKEN}", "X-Api-Key": KEY}
    raise RuntimeError(f"refused: {request}", TOKEN)


@BOTH_FORMS
def test_a_secret_is_hidden_in_events_values_and_names(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(as_json=as_json, secrets=SECRETS)

    structlog.get_logger("room").warning(
        f"event with {TOKEN}",
        key=KEY,
        deep={"list": [TOKEN, KEY]},
        where=f"https://x/?k={quote(KEY, safe='')}",
    )

    printed = capsys.readouterr().err
    assert_without_secrets(printed)
    assert printed.count(logs.HIDDEN) >= 4


@BOTH_FORMS
def test_a_secret_is_hidden_in_a_traceback(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=as_json, secrets=SECRETS)

    try:
        raise_with_secrets()
    except RuntimeError:
        structlog.get_logger("room").exception("it_broke")

    printed = capsys.readouterr().err
    assert "it_broke" in printed
    assert "raise_with_secrets" in printed
    assert_without_secrets(printed)


@BOTH_FORMS
def test_a_secret_is_hidden_in_the_records_of_libraries(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(as_json=as_json, secrets=SECRETS)

    try:
        raise_with_secrets()
    except RuntimeError:
        logging.getLogger("discord.http").exception("using %s", TOKEN)

    printed = capsys.readouterr().err
    assert "discord.http" in printed
    assert_without_secrets(printed)


@pytest.mark.parametrize(
    ("address", "hidden"),
    [
        ("https://discord.com/api/v10/webhooks/1001/aW50ZXJhY3Rpb24/messages/@original", "aW50ZXJhY3Rpb24"),
        ("https://discord.com/api/v10/interactions/1002/aW50ZXJhY3Rpb24/callback", "aW50ZXJhY3Rpb24"),
        ("https://cdn.discordapp.com/attachments/1/2/a.png?ex=66&is=65&hm=5eaf00", "5eaf00"),
        ("https://bucket.example.org/in.mp4?X-Amz-Date=1&X-Amz-Signature=5eaf00", "5eaf00"),
    ],
)
@BOTH_FORMS
def test_what_opens_something_in_an_address_is_hidden(
    as_json: bool, address: str, hidden: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(as_json=as_json)

    logging.getLogger("library").warning("POST %s has failed, tried again", address)
    structlog.get_logger("room").warning("failed", url=address, error=f"404, url='{address}'")

    printed = capsys.readouterr().err
    assert hidden not in printed
    assert printed.count(logs.HIDDEN) == 3
    assert "tried again" in printed


def test_an_ordinary_address_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=False)

    logging.getLogger("library").warning("GET https://api.example.org/v1/jobs?limit=50&status=queued")

    assert "https://api.example.org/v1/jobs?limit=50&status=queued" in capsys.readouterr().err


def test_every_line_for_a_collector_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=True, secrets=SECRETS)
    log = structlog.get_logger("room")

    log.info("delivered", job_id="j1", seconds=1.5, secret=KEY)
    logging.getLogger("library").warning("with a\nnew line and %s", KEY)
    try:
        raise_with_secrets()
    except RuntimeError:
        log.exception("it_broke")

    first, second, third = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["logger"]) == ("delivered", "info", "room")
    assert (first["job_id"], first["seconds"], first["secret"]) == ("j1", 1.5, logs.HIDDEN)
    assert first["timestamp"].endswith("Z")
    assert second["event"] == f"with a\nnew line and {logs.HIDDEN}"
    assert "RuntimeError" in third["exception"]


def test_a_line_for_people_is_plain_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=False)

    structlog.get_logger("room").info("delivered", job_id="j1")

    [line] = capsys.readouterr().err.splitlines()
    assert "delivered" in line
    assert "job_id=j1" in line
    assert "\x1b" not in line


def test_an_empty_secret_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(as_json=False, secrets=("",))

    structlog.get_logger("room").info("delivered")

    assert logs.HIDDEN not in capsys.readouterr().err


def assert_without_secrets(printed: str) -> None:
    assert logs.HIDDEN in printed
    # Parts that no escaping changes: whatever form a secret is in, they are in it.
    for part in ("that-nobody-may-see", "pb_with", "slash", "plus"):
        assert part not in printed
