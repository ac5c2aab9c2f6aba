"""What is sent to PixelByte: paths, queries and bodies, with no key in them that is not documented."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from studio.models import ShotType
from studio.ports import RenderRequest

MODEL = "kling-plus/kling-3.0-pro/motion-control"
"""The slug of Kling 3.0 Pro motion control (`provider.md`, section 4)."""

PRICE_USD_MICROS = 50_000
"""The listed base cost for a second or a job (section 6); "micro-cents" there are our usd_micros."""

SUBMIT_PATH = "jobs/submit"
ESTIMATE_PATH = "jobs/estimate"
LIST_PATH = "jobs"
PRESIGN_PATH = "uploads/presign"
CATALOGUE_PATH = f"catalog/models/{MODEL}"

PAGE_SIZE = 100

DEFAULT_SHOT_TYPE = ShotType.CUSTOMIZE
"""What the provider takes when the key is left out."""

_FILENAMES = {"image/jpeg": "picture.jpg", "image/png": "picture.png", "video/mp4": "video.mp4"}


def render_input(request: RenderRequest) -> dict[str, Any]:
    """Write the model's `input`; orientation and sound always, since their defaults are disputed (C3)."""
    written: dict[str, Any] = {
        "image": request.image_url,
        "video": request.video_url,
        "character_orientation": request.orientation.value,
        "keep_original_sound": request.keep_sound,
    }
    if request.prompt:
        written["prompt"] = request.prompt
    if request.negative_prompt:
        written["negative_prompt"] = request.negative_prompt
    if request.shot_type is not DEFAULT_SHOT_TYPE:
        written["shot_type"] = request.shot_type.value
    return written


def submit_body(request: RenderRequest, *, webhook: bool = True) -> dict[str, Any]:
    """Write the order; `webhook` False leaves the webhook out although the request names one."""
    body: dict[str, Any] = {"model": MODEL, "input": render_input(request)}
    if webhook and request.webhook_url is not None:
        body["webhookUrl"] = request.webhook_url
    return body


def estimate_body(request: RenderRequest) -> dict[str, Any]:
    """Write the question for the price of exactly this input."""
    return {"model": MODEL, "input": render_input(request)}


def presign_body(content_type: str) -> dict[str, str]:
    """Write the wish for an upload; the name says nothing of the member's own file name.

    Raises KeyError for a type that the model does not take.
    """
    return {"filename": _FILENAMES[content_type], "contentType": content_type}


def list_query(cursor: str | None) -> dict[str, str]:
    """Write the query for one page of our model's jobs."""
    query = {"limit": str(PAGE_SIZE), "modelId": MODEL}
    if cursor is not None:
        query["cursor"] = cursor
    return query


def job_path(provider_job_id: str) -> str:
    """The path of one job; the id is quoted whole, so it cannot name another path."""
    return f"jobs/{quote(provider_job_id, safe='')}"


def cancel_path(provider_job_id: str) -> str:
    return f"{job_path(provider_job_id)}/cancel"


def is_another_model(stated: str | None) -> bool:
    """Whether an item of the list names a model that is certainly not ours.

    Only a slug is certain, and one that is ours but for its vendor or its version is not: to overlook a
    render of ours would have it ordered twice.
    """
    if stated is None or "/" not in stated:
        return False
    return MODEL.partition("/")[2] not in stated.lower()
