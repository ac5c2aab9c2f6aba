"""What went wrong on the way to another machine, in words that an operator can act on."""

from __future__ import annotations

import aiohttp


def in_words(error: Exception) -> str:
    """Name a network error without its details, which may hold an address that nobody should see."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorDNSError():
            return "no such host"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "its TLS certificate is not accepted"
        case aiohttp.ClientConnectorError():
            return "no connection"
        case _:
            return type(error).__name__
