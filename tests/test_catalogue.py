"""The published entry of our model: read however it is wrapped, and compared with what we rely on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import pytest
from aiohttp import web

from providers.addresses import guarded_session, own_host
from providers.catalogue import differences, parse_entry, read_entry
from studio.errors import ProviderUnavailable
from tests.stub_provider import Stub, stub_server

PATH = "/v1/catalog/models/kling-plus/kling-3.0-pro/motion-control"

ENTRY: dict[str, Any] = {
    "slug": "kling-plus/kling-3.0-pro/motion-control",
    "inputSchema": {
        "type": "object",
        "properties": {
            "image": {"type": "string", "format": "uri"},
            "video": {"type": "string", "format": "uri"},
            "prompt": {"type": ["string", "null"], "maxLength": 1000},
            "negative_prompt": {"type": "string", "maxLength": 2500},
            "character_orientation": {"type": "string", "enum": ["image", "video"]},
            "keep_original_sound": {"type": "boolean", "default": True},
            "shot_type": {"type": "string", "enum": ["customize", "intelligent"], "default": "customize"},
        },
        "required": ["image", "video"],
    },
    "pricing": {"baseCredits": 5, "unit": "per_generation", "baseCostMicroCents": 50_000},
    "siblings": [],
}


def changed(**properties: Any) -> dict[str, Any]:
    entry = deepcopy(ENTRY)
    entry["inputSchema"]["properties"] |= properties
    return entry


def test_the_entry_that_we_were_written_for_differs_in_nothing() -> None:
    entry = parse_entry(ENTRY)

    assert differences(entry) == []
    assert entry.price_usd_micros == 50_000


def test_an_orientation_that_becomes_required_is_no_difference_since_it_is_always_sent() -> None:
    entry = deepcopy(ENTRY)
    entry["inputSchema"]["required"] = ["image", "video", "character_orientation"]

    assert differences(parse_entry(entry)) == []


def with_required(name: str) -> dict[str, Any]:
    entry = deepcopy(ENTRY)
    entry["inputSchema"]["required"].append(name)
    return entry


def without(name: str) -> dict[str, Any]:
    entry = deepcopy(ENTRY)
    del entry["inputSchema"]["properties"][name]
    entry["inputSchema"]["additionalProperties"] = False
    return entry


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (with_required("duration"), "“duration” is required now, and we do not send it."),
        (without("shot_type"), "“shot_type” is no longer in the schema and other keys are refused."),
        (
            changed(prompt={"type": "string", "maxLength": 500}),
            "“prompt” takes 500 characters now; we allow 1000.",
        ),
        (
            changed(keep_original_sound={"type": "string"}),
            "“keep_original_sound” is of type string now; we send boolean.",
        ),
        (
            changed(character_orientation={"type": "string", "enum": ["video"]}),
            "“character_orientation” no longer takes image.",
        ),
        (
            changed(shot_type={"type": "string", "default": "intelligent"}),
            "“shot_type” is “intelligent” now when left out; we rely on “customize”.",
        ),
        (
            ENTRY | {"pricing": {"baseCostMicroCents": 95_000}},
            "The base price is $0.10 now; we know it as $0.05.",
        ),
        (
            ENTRY | {"inputSchema": None},
            "The catalogue publishes no input schema, so it could not be compared.",
        ),
    ],
)
def test_each_difference_is_said_in_a_sentence(entry: dict[str, Any], sentence: str) -> None:
    assert differences(parse_entry(entry)) == [sentence]


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with stub_server() as stub:
        yield stub


@pytest.mark.parametrize(
    "body",
    [ENTRY, {"success": True, "data": ENTRY, "requestId": "r"}, {"success": True, "data": {"model": ENTRY}}],
)
async def test_the_entry_is_read_without_a_key_however_it_is_wrapped(stub: Stub, body: Any) -> None:
    stub.on("GET", PATH, (200, body))

    async with guarded_session(own_host(stub.url, any_port=True)) as session:
        entry = await read_entry(session, f"{stub.url}/v1")

    assert entry is not None
    assert differences(entry) == []
    assert "Authorization" not in stub.asked[0].headers


async def test_a_model_that_is_not_listed_is_none(stub: Stub) -> None:
    stub.on("GET", PATH, (404, {"error": {"code": "MODEL_NOT_FOUND"}}))

    async with guarded_session(own_host(stub.url, any_port=True)) as session:
        assert await read_entry(session, f"{stub.url}/v1/") is None


@pytest.mark.parametrize(
    "answer", [web.Response(status=500), web.Response(text="<html>"), (200, []), (302, {})]
)
async def test_a_catalogue_that_cannot_be_read_is_unavailable(stub: Stub, answer: Any) -> None:
    stub.on("GET", PATH, answer)

    async with guarded_session(own_host(stub.url, any_port=True)) as session:
        with pytest.raises(ProviderUnavailable):
            await read_entry(session, f"{stub.url}/v1")
