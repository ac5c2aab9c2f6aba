"""What PixelByte publishes about our model, and where that differs from what we were written for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from yarl import URL

from providers import wire
from providers.calls import CALL_TIMEOUT, read_capped
from providers.envelope import as_number, as_object, as_text, read_answer
from providers.readers import read_money
from studio.errors import ProviderUnavailable
from studio.texts import money


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueField:
    """One key of the model's input; None and () = nothing is said about it."""

    type: str | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    longest: int | None = None
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """The public entry of one model; `closed` = keys that are not listed are refused.

    `price_usd_micros` None = no price in a unit that we know (`baseCredits` is defined nowhere).
    """

    slug: str
    fields: Mapping[str, CatalogueField] = field(default_factory=dict)
    closed: bool = False
    price_usd_micros: int | None = None


_CONTRACT: Mapping[str, CatalogueField] = {
    "image": CatalogueField(type="string", required=True),
    "video": CatalogueField(type="string", required=True),
    "prompt": CatalogueField(type="string", longest=1000),
    "negative_prompt": CatalogueField(type="string", longest=1000),
    "character_orientation": CatalogueField(type="string", choices=("image", "video")),
    "keep_original_sound": CatalogueField(type="boolean"),
    "shot_type": CatalogueField(
        type="string", choices=("customize", "intelligent"), default=wire.DEFAULT_SHOT_TYPE.value
    ),
}
"""What `wire.render_input` relies on (`provider.md`, section 5)."""

_ALWAYS_SENT = frozenset({"image", "video", "character_orientation", "keep_original_sound"})


async def read_entry(session: aiohttp.ClientSession, base_url: str) -> CatalogueEntry | None:
    """Fetch our model's public entry, without the key; None when the model is not listed.

    Raises `ProviderUnavailable` when nothing usable is answered.
    """
    url = URL(f"{base_url.rstrip('/')}/{wire.CATALOGUE_PATH}", encoded=True)
    try:
        async with session.get(
            url, headers={"Accept": "application/json"}, allow_redirects=False, timeout=CALL_TIMEOUT
        ) as response:
            raw = await read_capped(response)
            answer = read_answer(response.status, raw, response.headers, now=datetime.now(UTC))
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ProviderUnavailable(f"catalogue: {type(error).__name__}") from error
    if answer.status in (404, 410):
        return None
    if not answer.accepted or not answer.fields:
        raise ProviderUnavailable(f"catalogue: {answer.reason}", request_id=answer.request_id)
    return parse_entry(answer.fields)


def parse_entry(fields: Mapping[str, Any]) -> CatalogueEntry:
    """Read an entry, tolerant of everything; what cannot be read is left out."""
    inner = as_object(fields.get("model")) or fields
    schema = as_object(inner.get("inputSchema")) or as_object(fields.get("inputSchema"))
    required = schema.get("required")
    named = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
    properties = as_object(schema.get("properties"))
    pricing = as_object(inner.get("pricing")) or as_object(fields.get("pricing"))
    prices = (read_money(pricing.get(name)) for name in ("baseCostMicroCents", "costMicroCents"))
    return CatalogueEntry(
        slug=as_text(inner.get("slug")) or as_text(inner.get("id")) or wire.MODEL,
        fields={
            name: _parse_field(as_object(properties.get(name)), required=name in named)
            for name in {*properties, *named}
        },
        closed=schema.get("additionalProperties") is False,
        price_usd_micros=next((price for price in prices if price), None),
    )


def differences(entry: CatalogueEntry) -> list[str]:
    """Say in sentences where the published entry differs from our contract; empty when it does not."""
    if not entry.fields:
        return ["The catalogue publishes no input schema, so it could not be compared."]
    found = [
        f"“{name}” is required now, and we do not send it."
        for name, published in sorted(entry.fields.items())
        if published.required and name not in _ALWAYS_SENT
    ]
    for name, ours in _CONTRACT.items():
        published = entry.fields.get(name)
        if published is None:
            refused = " and other keys are refused" if entry.closed else ""
            found.append(f"“{name}” is no longer in the schema{refused}.")
        else:
            found.extend(_field_differences(name, ours, published))
    if entry.price_usd_micros not in (None, wire.PRICE_USD_MICROS):
        found.append(
            f"The base price is {money(entry.price_usd_micros or 0)} now; "
            f"we know it as {money(wire.PRICE_USD_MICROS)}."
        )
    return found


def _field_differences(name: str, ours: CatalogueField, published: CatalogueField) -> list[str]:
    found = []
    if published.type not in (None, ours.type):
        found.append(f"“{name}” is of type {published.type} now; we send {ours.type}.")
    missing = [choice for choice in ours.choices if published.choices and choice not in published.choices]
    if missing:
        found.append(f"“{name}” no longer takes {', '.join(missing)}.")
    if ours.longest is not None and published.longest is not None and published.longest < ours.longest:
        found.append(f"“{name}” takes {published.longest} characters now; we allow {ours.longest}.")
    if ours.default is not None and published.default not in (None, ours.default):
        found.append(
            f"“{name}” is “{as_text(published.default)}” now when left out; we rely on “{ours.default}”."
        )
    return found


def _parse_field(schema: Mapping[str, Any], *, required: bool) -> CatalogueField:
    kind = schema.get("type")
    kinds = [part for part in kind if part != "null"] if isinstance(kind, list) else [kind]
    choices = schema.get("enum")
    longest = as_number(schema.get("maxLength"))
    return CatalogueField(
        type=as_text(kinds[0]) if len(kinds) == 1 else None,
        required=required,
        choices=tuple(part for part in choices if isinstance(part, str)) if isinstance(choices, list) else (),
        longest=None if longest is None else int(longest),
        default=schema.get("default"),
    )
