"""Which requests are accepted: strict where the documentation is silent, so that nothing sloppy passes."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from providers.sandbox.answers import Refusal
from providers.sandbox.catalogue import INPUT_SCHEMA, LONGEST_PROMPT, SLUG, VERSION
from studio.values import is_loopback

STATUSES = frozenset({"pending", "processing", "completed", "failed", "cancelled"})
MEGABYTE = 1 << 20
UPLOAD_LIMITS = {
    "image/jpeg": 10 * MEGABYTE,
    "image/png": 10 * MEGABYTE,
    "image/webp": 10 * MEGABYTE,
    "image/gif": 10 * MEGABYTE,
    "video/mp4": 100 * MEGABYTE,
    "video/webm": 100 * MEGABYTE,
    "audio/mpeg": 50 * MEGABYTE,
    "audio/wav": 50 * MEGABYTE,
}
_SLUG = re.compile(r"[a-z0-9.-]+/[a-z0-9.-]+/[a-z0-9.-]+")


def body_of(raw: bytes, content_type: str) -> dict[str, Any]:
    """Read a JSON object. Raises `Refusal` (INVALID_INPUT)."""
    if content_type != "application/json":
        raise Refusal("INVALID_INPUT", "Content-Type must be application/json.")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refusal("INVALID_INPUT", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Refusal("INVALID_INPUT", "The body must be a JSON object.")
    return body


def check_submit(body: Mapping[str, Any]) -> None:
    _only(body, {"model", "version", "input", "webhookUrl"})
    _check_model(body)
    if "input" not in body:
        raise _wrong("input", "is required")
    check_input(body["input"])
    if "webhookUrl" in body:
        _check_webhook(body["webhookUrl"])


def check_estimate(body: Mapping[str, Any]) -> None:
    _only(body, {"model", "version", "input"})
    _check_model(body)
    if "input" in body:
        check_input(body["input"])


def check_input(given: Any) -> None:
    """The model's own input (provider.md, 5)."""
    if not isinstance(given, dict):
        raise _wrong("input", "must be an object")
    properties = INPUT_SCHEMA["properties"]
    _only(given, set(properties), "input.")
    for name in INPUT_SCHEMA["required"]:
        if name not in given:
            raise _wrong(f"input.{name}", "is required")
    for name, value in given.items():
        _check_value(f"input.{name}", value, properties[name])


def _check_value(name: str, value: Any, schema: Mapping[str, Any]) -> None:
    if schema["type"] == "boolean":
        if not isinstance(value, bool):
            raise _wrong(name, "must be true or false")
        return
    if not isinstance(value, str):
        raise _wrong(name, "must be a string")
    # Upstream may count either way, so the longer count has to fit.
    if "maxLength" in schema and max(len(value), len(value.encode("utf-16-le")) // 2) > LONGEST_PROMPT:
        raise _wrong(name, f"must be at most {LONGEST_PROMPT} characters")
    if "enum" in schema and value not in schema["enum"]:
        raise _wrong(name, f"must be one of {', '.join(schema['enum'])}")
    if schema.get("format") == "uri" and not _is_http(value):
        raise _wrong(name, "must be an http(s) URL")


def _check_model(body: Mapping[str, Any]) -> None:
    model = body.get("model")
    if not isinstance(model, str):
        raise _wrong("model", "is required")
    if not _SLUG.fullmatch(model):
        raise Refusal("INVALID_MODEL_SLUG", "The model slug must be provider/model/capability.", model=model)
    if model != SLUG:
        raise Refusal("MODEL_NOT_FOUND", "There is no such model.", model=model)
    if body.get("version", VERSION) != VERSION:
        raise Refusal("MODEL_VERSION_NOT_FOUND", "There is no such version.", version=body["version"])


def _check_webhook(url: Any) -> None:
    if isinstance(url, str) and _is_http(url):
        parts = urlsplit(url)
        # The real one takes https only; on one's own machine there is no certificate to be had.
        if parts.scheme == "https" or is_loopback(parts.hostname or ""):
            return
    raise Refusal("INVALID_WEBHOOK_URL", "webhookUrl must begin with https://.")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def check_presign(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the file's name and content type."""
    unknown = sorted(body.keys() - {"filename", "contentType"})
    if unknown:
        raise Refusal("VALIDATION_ERROR", f"Unknown field {unknown[0]}.", field=unknown[0])
    filename, content_type = body.get("filename"), body.get("contentType")
    if not isinstance(filename, str) or not 0 < len(filename) <= 255:
        raise Refusal("VALIDATION_ERROR", "filename is required.", field="filename")
    if not isinstance(content_type, str):
        raise Refusal("VALIDATION_ERROR", "contentType is required.", field="contentType")
    if content_type not in UPLOAD_LIMITS:
        raise Refusal(
            "INVALID_CONTENT_TYPE", f"{content_type} is not accepted.", allowed=sorted(UPLOAD_LIMITS)
        )
    return filename, content_type


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list is wanted; `before` is the (createdAt, id) of the page before's last job."""

    limit: int = 20
    before: tuple[str, str] | None = None
    status: str | None = None
    model: str | None = None


def page_of(query: Mapping[str, str]) -> Page:
    _only(query, {"limit", "cursor", "status", "modelId"})
    limit = query.get("limit", "20")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise _wrong("limit", "must be 1 to 100")
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise _wrong("status", f"must be one of {', '.join(sorted(STATUSES))}")
    cursor = query.get("cursor")
    before = None if cursor is None else _read_cursor(cursor)
    return Page(limit=int(limit), before=before, status=status, model=query.get("modelId"))


def cursor_after(created_at: str, job_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"createdAt": created_at, "id": job_id}).encode()).decode()


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return str(place["createdAt"]), str(place["id"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise _wrong("cursor", "is not one of ours") from error


def _only(given: Mapping[str, Any], known: set[str], prefix: str = "") -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise _wrong(prefix + unknown[0], "is not known")


def _wrong(field: str, sentence: str) -> Refusal:
    return Refusal("INVALID_INPUT", f"{field} {sentence}.", field=field)
