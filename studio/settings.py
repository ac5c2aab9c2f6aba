"""Every setting: read once, validated, all problems reported together, secrets never in `repr`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values

from studio import values

T = TypeVar("T")

DEFAULT_OUTPUT_HOSTS = "*.muvi.video,*.pixelbyte.app"

CLOUDS = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}
"""How the variables of a bucket begin."""

SECRET_PARTS = ("KEY", "SECRET", "TOKEN", "SAS", "PASSWORD")
"""What the name of such a variable holds if nobody may see its value."""


class SettingsError(Exception):
    """The configuration cannot be used; `problems` are plain sentences, one for each setting."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The bot's configuration; names and meaning as in `.env.example`, money in usd_micros."""

    discord_token: str = field(default="", repr=False)
    discord_api_url: str | None = None
    discord_gateway_url: str | None = None
    shard_ids: tuple[int, ...] | None = None
    shard_count: int | None = None
    provider: str = "pixelbyte"
    pixelbyte_api_key: str = field(default="", repr=False)
    pixelbyte_api_url: str = "https://api.muvi.video/v1"
    pixelbyte_webhook_secret: str = field(default="", repr=False)
    pixelbyte_output_hosts: tuple[str, ...] = tuple(DEFAULT_OUTPUT_HOSTS.split(","))
    public_url: str | None = None
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    database_url: str = field(default="sqlite:///data/bot.db", repr=False)
    storage_url: str = field(default="", repr=False)
    max_concurrent_jobs: int = 2
    max_jobs_per_server: int = 10
    max_jobs_per_member: int = 2
    poll_interval_seconds: float = 10.0
    reconcile_seconds: float = 300.0
    monthly_budget_usd_micros: int | None = None
    retention_days: int = 7
    log_format: str = "console"
    dev_guild_id: int | None = None
    cloud: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What opens a bucket: the variables of its kind of cloud, by the names that they have everywhere."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may never be shown, in a log or anywhere else."""
        passwords = (urlsplit(url).password for url in (self.database_url, self.storage_url))
        keys = (value for name, value in self.cloud.items() if any(part in name for part in SECRET_PARTS))
        known = (self.discord_token, self.pixelbyte_api_key, self.pixelbyte_webhook_secret, *passwords, *keys)
        return tuple(secret for secret in known if secret)


def gather_environment(file: Path) -> dict[str, str]:
    """The process's own variables, and below them those in `file` if it is there; for `read_settings`.

    Raises `SettingsError` for a file that cannot be read.
    """
    try:
        from_file = dotenv_values(file)
    except UnicodeDecodeError as error:
        raise SettingsError([f"{file} is not UTF-8 text: save it again in that encoding."]) from error
    except OSError as error:
        raise SettingsError([f"{file} cannot be read ({error.strerror})."]) from error
    return {**{name: value for name, value in from_file.items() if value is not None}, **os.environ}


def read_settings(environment: Mapping[str, str] | None = None, *, need_discord: bool = True) -> Settings:
    """Read the settings from `environment` (the process's own by default).

    Raises `SettingsError` with every problem at once. `need_discord` False leaves out the token (demo).
    """
    reader = _Reader(os.environ if environment is None else environment)
    provider = reader.choice("PROVIDER", ("pixelbyte", "sandbox"), "pixelbyte")
    public_url = reader.parsed("PUBLIC_URL", values.public_url, None)
    webhook_secret = reader.text("PIXELBYTE_WEBHOOK_SECRET", "")
    storage_url = reader.parsed("STORAGE_URL", values.storage_url, _default_storage_url())
    settings = Settings(
        discord_token=reader.required("DISCORD_TOKEN", _BOT_HELP)
        if need_discord
        else reader.text("DISCORD_TOKEN", ""),
        discord_api_url=reader.parsed("DISCORD_API_URL", values.http_url, None),
        discord_gateway_url=reader.parsed("DISCORD_GATEWAY_URL", values.websocket_url, None),
        shard_ids=reader.parsed("SHARD_IDS", values.numbers, None),
        shard_count=reader.parsed("SHARD_COUNT", values.whole(1, 100_000), None),
        provider=provider,
        pixelbyte_api_key=(
            reader.required("PIXELBYTE_API_KEY", _KEY_HELP)
            if provider == "pixelbyte"
            else reader.text("PIXELBYTE_API_KEY", "")
        ),
        pixelbyte_api_url=reader.parsed("PIXELBYTE_API_URL", values.http_url, "https://api.muvi.video/v1"),
        pixelbyte_webhook_secret=webhook_secret,
        pixelbyte_output_hosts=reader.parsed(
            "PIXELBYTE_OUTPUT_HOSTS", values.hosts, tuple(DEFAULT_OUTPUT_HOSTS.split(","))
        ),
        public_url=public_url,
        http_host=reader.text("HTTP_HOST", "127.0.0.1"),
        http_port=reader.parsed("HTTP_PORT", values.whole(0, 65535), 8080),
        database_url=reader.parsed("DATABASE_URL", values.database_url, "sqlite:///data/bot.db"),
        storage_url=storage_url,
        cloud=reader.beginning_with(CLOUDS.get(urlsplit(storage_url).scheme)),
        max_concurrent_jobs=reader.parsed("MAX_CONCURRENT_JOBS", values.whole(1, 10_000), 2),
        max_jobs_per_server=reader.parsed("MAX_JOBS_PER_SERVER", values.whole(1, 100_000), 10),
        max_jobs_per_member=reader.parsed("MAX_JOBS_PER_MEMBER", values.whole(1, 10_000), 2),
        poll_interval_seconds=reader.parsed("POLL_INTERVAL_SECONDS", values.number(0.1, 3600), 10.0),
        reconcile_seconds=reader.parsed("RECONCILE_SECONDS", values.number(1, 86_400), 300.0),
        monthly_budget_usd_micros=reader.parsed("MONTHLY_BUDGET_USD", values.dollars, None),
        retention_days=reader.parsed("RETENTION_DAYS", values.whole(1, 3650), 7),
        log_format=reader.choice("LOG_FORMAT", ("console", "json"), "console"),
        dev_guild_id=reader.parsed("DEV_GUILD_ID", values.whole(1, 2**63 - 1), None),
    )
    if public_url and provider == "pixelbyte" and not webhook_secret:
        reader.problems.append(
            "PUBLIC_URL is set, but PIXELBYTE_WEBHOOK_SECRET is not: copy the secret from the provider's "
            "dashboard, or remove PUBLIC_URL (the bot then asks the provider by itself)."
        )
    if settings.shard_ids and not settings.shard_count:
        reader.problems.append("SHARD_IDS is set, but SHARD_COUNT is not: say how many shards there are.")
    elif settings.shard_ids and max(settings.shard_ids) >= (settings.shard_count or 0):
        reader.problems.append("SHARD_IDS must be below SHARD_COUNT: the first shard is 0.")
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


_BOT_HELP = "create a bot under https://discord.com/developers/applications and copy its token."
_KEY_HELP = "create a key in the PixelByte dashboard, or set PROVIDER=sandbox to try the bot without paying."


class _Reader:
    """Takes settings out of the environment and gathers what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name, "").strip() or default

    def beginning_with(self, start: str | None) -> dict[str, str]:
        """All that is set and whose name begins so; None: nothing."""
        if start is None:
            return {}
        return {name: value for name, value in self._environment.items() if name.startswith(start) and value}

    def required(self, name: str, help_text: str) -> str:
        value = self.text(name, "")
        if not value:
            self.problems.append(f"{name} is missing: {help_text}")
        elif not value.isascii() or not value.isprintable() or " " in value:
            # It could not be sent in a header, and is most likely a text that stands for the real one.
            self.problems.append(f"{name} contains characters that it cannot have: copy it again.")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default).lower()
        if value not in allowed:
            self.problems.append(f"{name} must be {' or '.join(allowed)}.")
            return default
        return value

    def parsed(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """`parse` raises ValueError with the rest of a sentence that begins with the name."""
        value = self.text(name, "")
        if not value:
            return default
        try:
            return parse(value)
        except ValueError as error:
            self.problems.append(f"{name} {error}.")
            return default


def _default_storage_url() -> str:
    return (Path("data").resolve() / "files").as_uri()
