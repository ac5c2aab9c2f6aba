"""Which addresses we talk to: host rules for URLs, and a connector that checks what a name resolves to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from studio.errors import FetchForbidden

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class PrivateAddress(OSError):
    """A name that should be public resolves to an address that is not; nothing was connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRule:
    """One allowed host: `cdn.example.org`, or what ends in `.muvi.video` when `wildcard`.

    `port` None allows every port. A `trusted` host was named by the operator: it may be reached over plain
    http and may have a private address.
    """

    name: str
    port: int | None = None
    wildcard: bool = False
    trusted: bool = False
    plain_http: bool = False

    def matches(self, url: URL) -> bool:
        host = _host(url)
        named = host.endswith("." + self.name) if self.wildcard else host == self.name
        return named and self.port in (None, url.port) and (url.scheme == "https" or self.plain_http)


@dataclass(frozen=True, slots=True)
class HostRules:
    """The hosts of one purpose."""

    rules: tuple[HostRule, ...]

    def check(self, url: URL) -> None:
        """Raise `FetchForbidden` unless the URL is http(s), without credentials, on an allowed host."""
        if (
            url.scheme not in _DEFAULT_PORTS
            or not url.host
            or url.user is not None
            or url.password is not None
        ):
            raise FetchForbidden(host=str(url.host or ""))
        if not any(rule.matches(url) for rule in self.rules):
            raise FetchForbidden(host=_host(url))

    def permits(self, address: str) -> bool:
        """Whether `check` would let the address pass; False for what is no URL."""
        try:
            self.check(parse(address))
        except FetchForbidden:
            return False
        return True

    @property
    def trusted_names(self) -> frozenset[str]:
        """The hosts that may have private addresses, for `GuardedConnector`."""
        return frozenset(rule.name for rule in self.rules if rule.trusted)

    def __or__(self, other: HostRules) -> HostRules:
        return HostRules(self.rules + other.rules)


def parse(address: str) -> URL:
    """Read an address without touching its encoding, which may be signed. Raises `FetchForbidden`."""
    try:
        url = URL(address, encoded=all("!" <= character <= "~" for character in address))
        # Both are parsed late, and raise then.
        if url.host is None or url.port is None:
            raise FetchForbidden(host="")
    except ValueError as error:
        raise FetchForbidden(host="") from error
    return url


def listed_hosts(entries: Iterable[str]) -> HostRules:
    """Read a list such as `*.muvi.video, cdn.example.org, 127.0.0.1:8090` (PIXELBYTE_OUTPUT_HOSTS).

    A wildcard covers the names below, not the name itself, by https on public addresses only; a host
    given by its exact name is trusted, on the port given or on any.
    """
    rules = []
    for entry in entries:
        wildcard = entry.startswith("*.")
        name, port = _split_port(entry.removeprefix("*."))
        rules.append(
            HostRule(name=name, port=port, wildcard=wildcard, trusted=not wildcard, plain_http=not wildcard)
        )
    return HostRules(tuple(rules))


def public_hosts(*names: str) -> HostRules:
    """Hosts by their exact names, by https on its own port and on public addresses only."""
    return HostRules(tuple(HostRule(name=name, port=443) for name in names))


def own_host(base_url: str, *, any_port: bool) -> HostRules:
    """The host of a configured address: trusted, by plain http only where the address is."""
    url = URL(base_url)
    port = None if any_port else url.port
    return HostRules((HostRule(name=_host(url), port=port, trusted=True, plain_http=url.scheme == "http"),))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet, also when it is wrapped into an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class GuardedConnector(aiohttp.TCPConnector):
    """A connector that reaches private addresses only under the names in `private_hosts`.

    The check is made on the very addresses that are connected to, so a name cannot change between check
    and connection. Raises `ClientConnectorDNSError` with a `PrivateAddress` inside, or `PrivateAddress` for
    a host that is an IP address itself.
    """

    def __init__(
        self,
        *,
        private_hosts: Collection[str] = (),
        resolver: AbstractResolver | None = None,
        limit: int = 100,
    ) -> None:
        self._private_hosts = frozenset(private_hosts)
        super().__init__(
            resolver=_GuardedResolver(resolver or aiohttp.ThreadedResolver(), self._private_hosts),
            limit=limit,
        )

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        """Refuse literal addresses here, since aiohttp does not resolve them (its `is_ip_address`)."""
        host = _host(req.url)
        looks_like_address = ":" in host or host.replace(".", "").isdigit()
        if looks_like_address and host not in self._private_hosts and not is_public(host):
            raise PrivateAddress(f"{host} is not a public address")
        return await super().connect(req, traces, timeout)


def guarded_session(*rules: HostRules, limit: int = 100) -> aiohttp.ClientSession:
    """Open the one session of the process, which may reach private addresses only as the rules trust them.

    Keeps no cookies, and takes no proxy from the environment: a proxy would resolve the names in our place.
    """
    trusted = frozenset(name for group in rules for name in group.trusted_names)
    return aiohttp.ClientSession(
        connector=GuardedConnector(private_hosts=trusted, limit=limit),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def require_guard(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Return the session; raises TypeError when it could be led to private addresses."""
    if not isinstance(session.connector, GuardedConnector):
        raise TypeError("this needs a session from guarded_session(): others can be led to private addresses")
    return session


def is_private_refusal(error: Exception) -> bool:
    """Whether a failed connection was refused by `GuardedConnector`."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    return isinstance(cause, PrivateAddress)


class _GuardedResolver(AbstractResolver):
    """Leaves out the addresses that are not public, unless the name is trusted."""

    def __init__(self, inner: AbstractResolver, private_hosts: frozenset[str]) -> None:
        self._inner = inner
        self._private_hosts = private_hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if host.lower().rstrip(".") in self._private_hosts:
            return found
        public = [result for result in found if is_public(result["host"])]
        if not public:
            raise PrivateAddress(f"{host} has no public address; name it in the settings if that is right")
        return public

    async def close(self) -> None:
        await self._inner.close()


def _host(url: URL) -> str:
    return (url.host or "").lower().rstrip(".")


def _split_port(entry: str) -> tuple[str, int | None]:
    """Split `host:port` and `[v6]:port`; a bare IPv6 address has no port."""
    entry = entry.strip().lower()
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, int(rest[1:]) if rest[1:].isdigit() else None
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and ":" not in name:
        return name.rstrip("."), int(port)
    return entry.rstrip("."), None
