"""The one model on offer: its slug, versions, published input schema and price (provider.md, 5, 6 and 12)."""

from __future__ import annotations

from typing import Any

SLUG = "kling-plus/kling-3.0-pro/motion-control"
VERSION = "1.0.0"
LONGEST_PROMPT = 1000

INPUT_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["image", "video"],
    "additionalProperties": False,
    "properties": {
        "image": {
            "type": "string",
            "format": "uri",
            "description": "JPG or PNG, up to 10 MB, at least 300 px",
        },
        "video": {"type": "string", "format": "uri", "description": "3 to 30 seconds"},
        "prompt": {"type": "string", "maxLength": LONGEST_PROMPT},
        "negative_prompt": {"type": "string", "maxLength": LONGEST_PROMPT},
        "character_orientation": {"type": "string", "enum": ["image", "video"]},
        "keep_original_sound": {"type": "boolean", "default": True},
        "shot_type": {"type": "string", "enum": ["customize", "intelligent"], "default": "customize"},
    },
}


def entry(usd_micros_per_second: int) -> dict[str, Any]:
    """The public catalogue's page about the model."""
    provider, model, capability = SLUG.split("/")
    return {
        "id": SLUG,
        "slug": SLUG,
        "provider": provider,
        "model": model,
        "capability": capability,
        "name": "Kling 3.0 Pro Motion Control",
        "category": "video",
        "currentVersion": VERSION,
        "inputSchema": INPUT_SCHEMA,
        "pricing": {
            "baseCredits": usd_micros_per_second,
            "baseCostMicroCents": usd_micros_per_second,
            "unit": "per_second",
        },
        "siblings": [],
    }
