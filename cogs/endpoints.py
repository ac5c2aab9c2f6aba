"""Where Discord is: the addresses of REST and gateway, which proxies or a simulation may replace."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import discord
from discord.http import Route

API_VERSION = "v10"


def use_rest(url: str) -> None:
    """Have all of discord.py in this process send its REST calls to `url` (`DISCORD_API_URL`)."""
    Route.BASE = rest_base(url)


def rest_base(url: str) -> str:
    """Complete the address of a REST proxy with the path that Discord itself has."""
    parts = urlsplit(url.rstrip("/"))
    path = parts.path or "/api"
    if path.endswith("/api"):
        path = f"{path}/{API_VERSION}"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def use_gateway(client: discord.Client, url: str) -> None:
    """Have this client connect to the gateway at `url` (`DISCORD_GATEWAY_URL`), whatever Discord says.

    Every connection, also the resuming one to READY's `resume_gateway_url`, is opened by
    `HTTPClient.ws_connect` (discord.py 2.7.1: http.py:570, gateway.py:390), so that is where it is replaced.
    """
    original = client.http.ws_connect

    async def ws_connect(given: str, **options: Any) -> Any:
        return await original(gateway_address(url, given), **options)

    client.http.ws_connect = ws_connect  # type: ignore[method-assign,assignment]  # discord.py has no setting for it


def gateway_address(url: str, given: str) -> str:
    """The configured address with the query (version, encoding, compression) that discord.py wants."""
    parts, wanted = urlsplit(url), urlsplit(given)
    query = "&".join(part for part in (parts.query, wanted.query) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))
