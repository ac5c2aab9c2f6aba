"""Why a render failed: the upstream's words become the code of a sentence that helps the member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.envelope import as_object, as_text, as_words
from studio.ports import RemoteFailure

DEFAULT = "render_failed"

_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("render_no_person_picture", ("upper body detected in the image", "no person detected in the image")),
    ("render_no_person_video", ("upper body detected in the video", "no person detected in the video")),
    ("render_character_invalid", ("reference image or the first frame is invalid",)),
    ("render_busy_upstream", ("parallel task over resource pack limit", "too many parallel tasks")),
    ("render_supplier_problem", ("resource pack", "in arrears", "insufficient balance")),
    (
        "render_moderated",
        (
            "risk control",
            "content polic",
            "content_polic",
            "moderation",
            "photorealistic",
            "celebrit",
            "nsfw",
            "sensitive",
        ),
    ),
    (
        "render_inputs_unreachable",
        (
            "inaccessible",
            "download",
            "fetch",
            "probe",
            "unreachable",
            "cannot be accessed",
            "could not access",
        ),
    ),
    ("render_timeout", ("timeout", "timed out", "time-out")),
)
"""Substrings in lower case, in the order in which they are tried (`provider.md`, section 14)."""

_CODES: Mapping[str, str] = {
    "1101": "render_supplier_problem",
    "1102": "render_supplier_problem",
    "1303": "render_busy_upstream",
    "1301": "render_moderated",
}
"""Kling's own codes where they are passed on as they are."""


def read_failure(fields: Mapping[str, Any]) -> RemoteFailure:
    """Read the `error` of a failed job: an object, a text, or nothing."""
    error = fields.get("error")
    error_fields = as_object(error)
    code = as_text(error_fields.get("code"), longest=100)
    message = as_words(error_fields.get("message") if error_fields else error)
    if not message:
        message = as_words(fields.get("message"))
    return RemoteFailure(text_code(code, message), ": ".join(part for part in (code, message) if part))


def text_code(code: str | None, message: str) -> str:
    """Return the code of the member's sentence for an error's code and message."""
    words = f"{code or ''} {message}".casefold()
    if "upper body is clearly visible" in words:
        # fal appends this to refusals of either input and names the one it means before it.
        return "render_no_person_video" if "video" in words else "render_no_person_picture"
    for name, texts in _TEXTS:
        if any(text in words for text in texts):
            return name
    return _CODES.get(code or "", DEFAULT)
