"""Settings: all problems at once, in plain words, and no secret ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.settings import SettingsError, gather_environment, read_settings

GOOD = {"DISCORD_TOKEN": "token", "PIXELBYTE_API_KEY": "pb_key"}

NAMES = [
    "DISCORD_TOKEN",
    "DISCORD_API_URL",
    "DISCORD_GATEWAY_URL",
    "SHARD_IDS",
    "SHARD_COUNT",
    "PROVIDER",
    "PIXELBYTE_API_KEY",
    "PIXELBYTE_API_URL",
    "PIXELBYTE_WEBHOOK_SECRET",
    "PIXELBYTE_OUTPUT_HOSTS",
    "PUBLIC_URL",
    "HTTP_HOST",
    "HTTP_PORT",
    "DATABASE_URL",
    "STORAGE_URL",
    "MAX_CONCURRENT_JOBS",
    "MAX_JOBS_PER_SERVER",
    "MAX_JOBS_PER_MEMBER",
    "POLL_INTERVAL_SECONDS",
    "RECONCILE_SECONDS",
    "MONTHLY_BUDGET_USD",
    "RETENTION_DAYS",
    "LOG_FORMAT",
    "DEV_GUILD_ID",
]


def test_a_token_and_a_key_are_all_that_is_needed() -> None:
    settings = read_settings(GOOD)

    assert settings.database_url == "sqlite:///data/bot.db"
    assert settings.storage_url.endswith("/data/files")
    assert settings.pixelbyte_output_hosts == ("*.muvi.video", "*.pixelbyte.app")


@pytest.mark.parametrize(("text", "ids"), [("0", (0,)), ("3, 1", (1, 3)), ("0-2,7", (0, 1, 2, 7))])
def test_shards_are_named_one_by_one_or_as_a_range(text: str, ids: tuple[int, ...]) -> None:
    settings = read_settings({**GOOD, "SHARD_IDS": text, "SHARD_COUNT": "8"})

    assert (settings.shard_ids, settings.shard_count) == (ids, 8)


def test_a_shard_beyond_their_number_is_a_problem() -> None:
    with pytest.raises(SettingsError, match="below SHARD_COUNT"):
        read_settings({**GOOD, "SHARD_IDS": "0-4", "SHARD_COUNT": "4"})


def test_the_sandbox_needs_no_key() -> None:
    assert read_settings({"DISCORD_TOKEN": "t", "PROVIDER": "sandbox"}).provider == "sandbox"


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(
            {
                "HTTP_PORT": "many",
                "PUBLIC_URL": "http://example.org",
                "MAX_CONCURRENT_JOBS": "0",
                "LOG_FORMAT": "xml",
            }
        )

    problems = " ".join(caught.value.problems)
    for name in (
        "DISCORD_TOKEN", "PIXELBYTE_API_KEY", "HTTP_PORT", "PUBLIC_URL", "MAX_CONCURRENT_JOBS", "LOG_FORMAT",
    ):  # fmt: skip
        assert name in problems


def test_a_public_address_without_a_webhook_secret_is_a_problem() -> None:
    with pytest.raises(SettingsError, match="PIXELBYTE_WEBHOOK_SECRET"):
        read_settings({**GOOD, "PUBLIC_URL": "https://bot.example.org"})


@pytest.mark.parametrize(
    ("text", "micros"), [("25", 25_000_000), ("$12.50", 12_500_000), ("0.05", 50_000), ("0", 0)]
)
def test_money_is_read_exactly(text: str, micros: int) -> None:
    assert read_settings({**GOOD, "MONTHLY_BUDGET_USD": text}).monthly_budget_usd_micros == micros


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30)))
def test_whatever_is_set_is_read_or_refused_with_sentences(environment: dict[str, str]) -> None:
    problems: tuple[str, ...] = ("It was read.",)
    try:
        read_settings(environment)
    except SettingsError as error:
        problems = error.problems

    assert problems
    assert all(problem.endswith(".") for problem in problems)


def test_no_secret_is_in_the_repr_nor_in_the_complaints() -> None:
    secrets = {
        "DISCORD_TOKEN": "hidden-token",
        "PIXELBYTE_API_KEY": "hidden-key",
        "PIXELBYTE_WEBHOOK_SECRET": "hidden-webhook",
        "STORAGE_URL": "s3://user:hidden-password@bucket/files",
    }

    settings = read_settings(secrets)
    with pytest.raises(SettingsError) as caught:
        read_settings({**secrets, "DATABASE_URL": "mysql://user:hidden-password@db/bot"})

    assert "hidden" not in repr(settings)
    assert "hidden" not in str(caught.value)


def test_the_example_file_names_every_setting() -> None:
    example = (Path(__file__).parent.parent / ".env.example").read_text()

    named = {line.lstrip("# ").partition("=")[0] for line in example.splitlines() if "=" in line}

    assert set(NAMES) <= named


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "postgresql://user:hidden@db:port/bot", "an address such as"),
        ("SHARD_IDS", "first", "numbers separated by commas"),
        ("SHARD_IDS", "0,1", "SHARD_COUNT is not"),
        ("DATABASE_URL", "sqlite:///", "path of a file"),
        ("DATABASE_URL", "sqlite:///:memory:", "path of a file"),
        ("DATABASE_URL", "data/bot.db", "path of a file"),
        ("STORAGE_URL", "file://data/files", "three slashes"),
        ("STORAGE_URL", "s3://", "bucket"),
        ("DISCORD_TOKEN", "<your token>", "copy it again"),
        ("PIXELBYTE_API_KEY", "clé", "copy it again"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_once(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({**GOOD, name: value})

    [problem] = caught.value.problems
    assert problem.startswith(name)
    assert says in problem
    assert "hidden" not in problem


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("\ufeffDISCORD_TOKEN=from-file\nHTTP_PORT=9000\n", encoding="utf-8")
    monkeypatch.setenv("HTTP_PORT", "9100")

    gathered = gather_environment(file)

    assert gathered["DISCORD_TOKEN"] == "from-file"
    assert gathered["HTTP_PORT"] == "9100"


def test_a_file_that_is_no_text_is_named_as_the_problem(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes("DISCORD_TOKEN=Schlüssel".encode("latin-1"))

    with pytest.raises(SettingsError, match="not UTF-8"):
        gather_environment(file)


CLOUD = {
    "STORAGE_URL": "s3://clips",
    "AWS_SECRET_ACCESS_KEY": "hidden-secret",
    "AWS_SESSION_TOKEN": "hidden-token",
    "AWS_ENDPOINT": "https://s3.example.org",
}


def test_what_opens_a_bucket_is_taken_from_the_file_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    file = tmp_path / ".env"
    file.write_text("\n".join(f"{name}={value}" for name, value in {**GOOD, **CLOUD}.items()))

    settings = read_settings(gather_environment(file))

    assert settings.cloud["AWS_SECRET_ACCESS_KEY"] == "hidden-secret"
    assert settings.cloud["AWS_ENDPOINT"] == "https://s3.example.org"
    assert settings.cloud["AWS_REGION"] == "eu-central-1"
    assert "hidden" not in repr(settings)
    assert {"hidden-secret", "hidden-token"} <= set(settings.secrets)
    assert "https://s3.example.org" not in settings.secrets


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("s3://clips", {"AWS_ACCESS_KEY_ID"}),
        ("gs://clips", {"GOOGLE_SERVICE_ACCOUNT_KEY"}),
        ("az://clips", {"AZURE_STORAGE_ACCOUNT_KEY"}),
        ("file:///var/files", set()),
    ],
)
def test_only_what_this_kind_of_bucket_needs_is_taken(url: str, names: set[str]) -> None:
    every = dict.fromkeys(
        ("AWS_ACCESS_KEY_ID", "GOOGLE_SERVICE_ACCOUNT_KEY", "AZURE_STORAGE_ACCOUNT_KEY"), "x"
    )

    settings = read_settings({**GOOD, **every, "STORAGE_URL": url})

    assert set(settings.cloud) == names


def test_every_secret_is_known_to_those_who_hide_it() -> None:
    settings = read_settings(
        {**GOOD, "PIXELBYTE_WEBHOOK_SECRET": "whsec", "STORAGE_URL": "s3://me:password@bucket"}
    )

    assert set(settings.secrets) == {"token", "pb_key", "whsec", "password"}
