"""`compose.yaml` and the `Dockerfile`, as far as they can be checked without containers."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from doctor.arguments import parse
from providers.sandbox import Sandbox
from studio.settings import read_settings
from tests.bot_process import KEY, ROOT, running_bot
from tests.wire_discord import wire_discord

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

PASSWORD = "in-the-env-file"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "compose.yaml").read_text()
    given = text.replace("${POSTGRES_PASSWORD:?set it in .env}", PASSWORD).replace(
        "${STORAGE_URL:?set it in .env, for example s3://my-bucket/animate}", "s3://my-bucket/animate"
    )
    assert "${" not in given
    read: dict[str, Any] = yaml.safe_load(given)
    return read


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's lines as instruction and arguments."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    parts = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(name, rest) for name, _, rest in parts]


def of_the_bot(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in compose["services"].items() if service.get("build")}


def test_every_setting_of_the_compose_file_exists_and_can_be_read(compose: dict[str, Any]) -> None:
    example = (ROOT / ".env.example").read_text()
    named = {line.lstrip("# ").partition("=")[0] for line in example.splitlines() if "=" in line}

    for service in of_the_bot(compose).values():
        settings = read_settings({"DISCORD_TOKEN": "t", "PIXELBYTE_API_KEY": "k", **service["environment"]})

        assert set(service["environment"]) <= named
        assert urlsplit(settings.database_url).password == PASSWORD


def test_every_command_of_the_compose_file_is_a_command_line_of_the_bot(compose: dict[str, Any]) -> None:
    roles = [parse(shlex.split(service["command"])).role for service in of_the_bot(compose).values()]

    assert sorted(roles) == ["gateway", "worker"]


def test_the_compose_file_names_no_service_that_it_does_not_have(compose: dict[str, Any]) -> None:
    services = compose["services"]

    for service in of_the_bot(compose).values():
        hosts = [
            urlsplit(service["environment"][name]).hostname for name in ("DATABASE_URL", "DISCORD_API_URL")
        ]

        assert set(service["depends_on"]) | set(hosts) <= set(services)
        for name, wanted in service["depends_on"].items():
            assert wanted["condition"] != "service_healthy" or "healthcheck" in services[name]
    volumes = [volume.partition(":")[0] for volume in services["postgres"]["volumes"]]
    assert set(volumes) == set(compose["volumes"])


def test_the_database_of_the_compose_file_is_the_one_that_the_bot_is_given(compose: dict[str, Any]) -> None:
    made = compose["services"]["postgres"]["environment"]

    for service in of_the_bot(compose).values():
        url = urlsplit(service["environment"]["DATABASE_URL"])
        assert (url.username, url.password, url.path) == (
            made["POSTGRES_USER"],
            made["POSTGRES_PASSWORD"],
            f"/{made['POSTGRES_DB']}",
        )


async def test_the_health_check_of_the_compose_file_knows_a_ready_bot_from_none(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    [command] = {tuple(service["healthcheck"]["test"]) for service in of_the_bot(compose).values()}
    kind, python, *arguments = command
    check = [sys.executable, *(argument.replace("8080", port) for argument in arguments)]

    none = await succeeds(check)
    async with (
        wire_discord() as discord,
        Sandbox(tmp_path / "provider", key=KEY) as sandbox,
        running_bot(tmp_path, discord, sandbox, HTTP_PORT=port),
    ):
        async with asyncio.timeout(60):
            while not await succeeds(check):
                continue

    assert (kind, python) == ("CMD", "python")
    assert not none


async def succeeds(command: list[str]) -> bool:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait() == 0


def test_the_image_holds_all_that_the_bot_imports(
    instructions: list[tuple[str, str]], tmp_path: Path
) -> None:
    copies = [rest.split() for name, rest in instructions if name == "COPY"]
    for source, target in copies:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target)
        else:
            shutil.copy(ROOT / source, tmp_path / target)
    start = json.loads(dict(instructions)["ENTRYPOINT"])
    usual = json.loads(dict(instructions)["CMD"])

    for arguments in (usual, ["run", "--role", "worker"], ["doctor"]):
        command = [sys.executable, *start[1:], *arguments]
        ended = subprocess.run(command, check=False, capture_output=True, cwd=tmp_path, env={}, text=True)

        assert ended.returncode == 2, ended.stderr
        assert "DISCORD_TOKEN is missing" in ended.stderr
    assert start[0] == "python"


def test_the_image_installs_what_is_required_and_runs_as_nobody_special(
    instructions: list[tuple[str, str]],
) -> None:
    steps = [f"{name} {rest}" for name, rest in instructions]
    ignored = (ROOT / ".dockerignore").read_text().split()

    assert any("-r requirements.txt" in step for step in steps)
    assert dict(instructions)["USER"] not in {"root", "0"}
    assert {".env", "data", ".git"} <= set(ignored)
