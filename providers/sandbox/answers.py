"""How the provider words its answers: envelopes, error codes, their HTTP statuses (provider.md, 3 and 10)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

STATUSES = {
    "INVALID_INPUT": 400,
    "INVALID_MODEL_SLUG": 400,
    "INVALID_WEBHOOK_URL": 400,
    "MODEL_VERSION_NOT_ACTIVE": 400,
    "JOB_CANNOT_BE_CANCELLED": 400,
    "VALIDATION_ERROR": 400,
    "INVALID_CONTENT_TYPE": 400,
    "UNAUTHORIZED": 401,
    "INVALID_API_KEY": 401,
    "API_KEY_INACTIVE": 401,
    "API_KEY_EXPIRED": 401,
    "INVALID_SESSION": 401,
    "INVALID_WORKER_SECRET": 401,
    "INSUFFICIENT_BALANCE": 402,
    "IP_NOT_WHITELISTED": 403,
    "OPERATION_NOT_ALLOWED": 403,
    "MODEL_ACCESS_DENIED": 403,
    "USER_BANNED": 403,
    "USER_INACTIVE": 403,
    "FORBIDDEN": 403,
    "UNAUTHORIZED_ACCESS": 403,
    "MODEL_NOT_FOUND": 404,
    "MODEL_VERSION_NOT_FOUND": 404,
    "USER_NOT_FOUND": 404,
    "JOB_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "PAYLOAD_TOO_LARGE": 413,
    "CONCURRENT_JOBS_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "CONFIG_ERROR": 500,
    "PUBSUB_PUBLISH_FAILED": 503,
}


class Refusal(Exception):
    """A request that is answered with an error envelope; `code` decides the HTTP status."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(code, message)
        self.status = STATUSES[code]
        self.code = code
        self.message = message
        self.details = details


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def error_body(code: str, message: str, details: Mapping[str, Any] | None, request_id: str) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = dict(details)
    return {"success": False, "error": error, "requestId": request_id}


def success_body(payload: Mapping[str, Any], request_id: str, *, wrapped: bool) -> dict[str, Any]:
    if wrapped:
        return {"success": True, "data": dict(payload), "requestId": request_id}
    return {"requestId": request_id, **payload}


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 with milliseconds, as in the documented webhook."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole_stamp(moment: datetime) -> str:
    """ISO 8601 without fractions, as in the documented `estimatedCompletionTime`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
