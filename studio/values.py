"""How the text of a setting becomes its value.

Each reader raises ValueError with the rest of a sentence that begins with the setting's name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit


def whole(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def numbers(value: str) -> tuple[int, ...]:
    """Read `0,1,4-7`."""
    found: set[int] = set()
    for part in value.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdigit() and len(end) <= 5 for end in ends):
            raise ValueError("must be numbers separated by commas, such as 0,1 or 0-3")
        found.update(range(int(ends[0]), int(ends[1]) + 1))
    if not found:
        raise ValueError("must be numbers separated by commas, such as 0,1 or 0-3")
    return tuple(sorted(found))


def number(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}")
        return number

    return parse


def dollars(value: str) -> int:
    try:
        amount = Decimal(value.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount <= 10_000_000:
        raise ValueError("must be an amount of dollars such as 25 or 12.50")
    return int(amount * 1_000_000)


def is_loopback(host: str) -> bool:
    """True for `localhost` and the loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _url(value: str, schemes: tuple[str, ...], example: str) -> str:
    parts = urlsplit(value)
    try:
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
    if parts.scheme not in schemes or not parts.hostname or not port_is_valid:
        raise ValueError(f"must be an address such as {example}")
    return value


def http_url(value: str) -> str:
    return _url(value, ("https", "http"), "https://example.org").rstrip("/")


def websocket_url(value: str) -> str:
    return _url(value, ("wss", "ws"), "wss://example.org")


def public_url(value: str) -> str:
    url = http_url(value)
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https:// (the provider calls no other address)")
    return url


def hosts(value: str) -> tuple[str, ...]:
    hosts = tuple(part.strip().lower() for part in value.split(",") if part.strip())
    for host in hosts:
        if "/" in host or "*" in host.removeprefix("*.") or host in {"*", "*."}:
            raise ValueError("must be host names separated by commas, such as *.muvi.video,cdn.example.org")
    return hosts


def database_url(value: str) -> str:
    if value.startswith(("postgresql://", "postgres://")):
        try:
            port = urlsplit(value).port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError("must be an address such as postgresql://user:password@host:5432/name")
        return value
    path = value.removeprefix("sqlite:///").partition("?")[0]
    if not value.startswith("sqlite:///") or path in {"", ":memory:"} or path.endswith("/"):
        raise ValueError("must be sqlite:/// and the path of a file, such as sqlite:///data/bot.db")
    return value


def storage_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"file", "s3", "gs", "az"}:
        raise ValueError("must begin with file:///, s3://, gs:// or az://")
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise ValueError(
            "must be an absolute folder with three slashes, such as file:///var/lib/animate/files"
        )
    if parts.scheme != "file" and not parts.hostname:
        raise ValueError(f"must name a bucket, such as {parts.scheme}://my-bucket")
    return value
