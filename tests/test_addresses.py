"""Which addresses may be talked to: host rules, what is public, and names that lead to private places."""

from __future__ import annotations

import socket

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from providers.addresses import (
    GuardedConnector,
    guarded_session,
    is_private_refusal,
    is_public,
    listed_hosts,
    own_host,
    parse,
    public_hosts,
    require_guard,
)
from studio.errors import FetchForbidden
from tests.stub_provider import stub_server

RULES = listed_hosts(
    ["*.muvi.video", "cdn.example.org", "10.0.0.7", "127.0.0.1:8090", "[::1]:8091", "Lan.Box:80"]
)


class FixedResolver(AbstractResolver):
    """Answers every name with the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self.addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    "address",
    [
        "https://cdn.muvi.video/a.mp4",
        "https://assetsv1.cdn.MUVI.video./a.mp4",
        "https://cdn.muvi.video:8443/a.mp4",
        "https://cdn.example.org/a",
        "http://cdn.example.org:81/a",
        "http://10.0.0.7/a",
        "http://127.0.0.1:8090/a",
        "http://[::1]:8091/a",
        "http://lan.box/a",
    ],
)
def test_listed_hosts_are_permitted(address: str) -> None:
    assert RULES.permits(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://cdn.muvi.video/a.mp4",
        "https://muvi.video/a",
        "https://evilmuvi.video/a",
        "https://cdn.muvi.video.evil.org/a",
        "https://user:secret@cdn.muvi.video/a",
        "https://cdn.muvi.video@evil.org/a",
        "https://evil.org#.muvi.video",
        "https://evil.org\\@cdn.muvi.video/",
        "https://evil.org?.muvi.video",
        "https://sub.cdn.example.org/a",
        "ftp://cdn.example.org/a",
        "file:///etc/passwd",
        "//cdn.muvi.video/a",
        "http://127.0.0.1/a",
        "http://127.0.0.1:8091/a",
        "http://lan.box:8080/a",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1:8090/",
        "http://10.0.0.7.nip.io/",
        "https://cdn.muvi.video:99999/",
        "https://[::1/",
        "https://",
        "",
        "no url",
    ],
)
def test_everything_else_is_forbidden(address: str) -> None:
    assert not RULES.permits(address)
    with pytest.raises(FetchForbidden):
        RULES.check(parse(address))


@given(
    address=st.text(st.characters(), max_size=60)
    | st.from_regex(r"https?://[^/]{0,30}\.muvi\.video[^ ]{0,20}")
)
def test_any_text_is_permitted_or_not_without_an_error(address: str) -> None:
    if RULES.permits(address):
        host = parse(address).host
        assert host is not None
        assert (
            host.rstrip(".")
            .lower()
            .endswith(("muvi.video", "example.org", "10.0.0.7", "127.0.0.1", "::1", "box"))
        )


def test_the_api_s_own_host_is_permitted_by_plain_http_only_when_it_is_configured_so() -> None:
    plain = own_host("http://127.0.0.1:9000/v1", any_port=True)
    strict = own_host("http://127.0.0.1:9000/v1", any_port=False)
    secure = own_host("https://api.example.org/v1", any_port=True)

    assert plain.permits("http://127.0.0.1:9001/x")
    assert strict.permits("http://127.0.0.1:9000/x")
    assert not strict.permits("http://127.0.0.1:9001/x")
    assert secure.permits("https://api.example.org/x")
    assert not secure.permits("http://api.example.org/x")


def test_an_encoding_that_may_be_signed_is_not_touched() -> None:
    assert str(parse("https://a.b/x%2Fy?sig=%2b%3D&n=%7E")) == "https://a.b/x%2Fy?sig=%2b%3D&n=%7E"
    assert str(parse("https://a.b/é x")) == "https://a.b/%C3%A9%20x"


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "fec0::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
        "2130706433",
        "127.1",
        "localhost",
        "",
    ],
)
def test_all_other_addresses_are_not(address: str) -> None:
    assert not is_public(address)


async def test_a_name_that_leads_to_a_private_address_is_not_connected_to() -> None:
    async with stub_server() as stub:
        connector = GuardedConnector(resolver=FixedResolver("127.0.0.1"))
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.get(stub.url.replace("127.0.0.1", "innocent.example.org"))

        assert is_private_refusal(caught.value)
        assert stub.asked == []


async def test_of_mixed_addresses_only_the_public_ones_are_tried() -> None:
    async with stub_server() as stub:
        connector = GuardedConnector(resolver=FixedResolver("127.0.0.1", "192.0.2.1", "255.255.255.255"))
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(stub.url.replace("127.0.0.1", "mixed.example.org"))

        assert stub.asked == []


async def test_a_trusted_name_may_lead_to_a_private_address() -> None:
    async with stub_server() as stub:
        stub.on("GET", "/", (200, {}))
        connector = GuardedConnector(private_hosts=["lan.example.org"], resolver=FixedResolver("127.0.0.1"))
        async with aiohttp.ClientSession(connector=connector) as session:
            response = await session.get(stub.url.replace("127.0.0.1", "Lan.example.org") + "/")

        assert response.status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0"])
async def test_a_literal_private_address_is_not_connected_to(host: str) -> None:
    async with stub_server() as stub, guarded_session() as session:
        with pytest.raises(aiohttp.ClientError) as caught:
            await session.get(stub.url.replace("127.0.0.1", host))

        assert is_private_refusal(caught.value)
        assert stub.asked == []


@pytest.mark.parametrize("host", ["localhost", "0x7f.0.0.1"])
async def test_a_name_of_this_very_machine_is_not_connected_to(host: str) -> None:
    async with stub_server() as stub, guarded_session() as session:
        with pytest.raises(aiohttp.ClientError) as caught:
            await session.get(stub.url.replace("127.0.0.1", host))

        assert is_private_refusal(caught.value)
        assert stub.asked == []


async def test_the_session_reaches_what_its_rules_trust_and_keeps_no_cookies() -> None:
    async with stub_server() as stub:
        stub.on("GET", "/", cookie := _cookie())
        rules = [public_hosts("cdn.discordapp.com"), own_host(stub.url, any_port=True)]
        async with guarded_session(*rules) as session:
            await session.get(stub.url + "/")
            await session.get(stub.url + "/")

        assert cookie.headers["Set-Cookie"]
        assert [asked.headers.get("Cookie") for asked in stub.asked] == [None, None]


async def test_a_session_without_the_guard_is_not_taken() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TypeError):
            require_guard(session)


def _cookie() -> web.Response:
    return web.Response(text="", headers={"Set-Cookie": "a=b"})
