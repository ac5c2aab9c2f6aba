"""Why a render failed: the upstream's words become the code of a sentence that helps the member."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.envelope import as_object, as_text, as_words
from studio.ports import RemoteFailure

DEFAULT = "render_failed"

_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("render_character_invalid", ("image or the first frame is invalid", "image or first frame is invalid")),
    ("render_busy_upstream", ("parallel task over resource pack limit", "too many parallel tasks")),
    ("render_supplier_problem", ("resource pack", "in arrears", "insufficient balance")),
    (
        "render_moderated",
        (
            "risk control",
            "content polic",
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
"""Parts of words in lower case, in the order in which they are tried (`provider.md`, section 14)."""

_NOBODY = re.compile(
    r"upper bod(?:y|ies)|no (?:person|human|people|body|character)\b|(?:person|human) (?:was )?not"
)
_INPUT = re.compile(r"\b(?:(image|picture|photo|still)|(?:video|clip))s?\b")
"""Which input is meant is said after what is missing, if at all there, else before it."""

_CODES: Mapping[str, str] = {
    "1101": "render_supplier_problem",
    "1102": "render_supplier_problem",
    "1303": "render_busy_upstream",
    "1301": "render_moderated",
}
"""Kling's own codes where they are passed on as they are."""

_CODE_WITHIN = re.compile(r"\b(?:code|error|kling)\W{0,3}(1101|1102|1301|1303)\b")
_SEPARATORS = re.compile(r"[\s_]+")


def read_failure(fields: Mapping[str, Any]) -> RemoteFailure:
    """Read the `error` of a failed job: an object, a text, or nothing."""
    error = fields.get("error")
    error_fields = as_object(error)
    code = as_text(error_fields.get("code"), longest=100)
    said = error_fields.get("message") if error_fields else error
    if not as_words(said):
        said = fields.get("message")
    message = as_words(said)
    # What is looked for may stand behind more words than a log line holds.
    whole = as_text(said, longest=20_000) or ""
    return RemoteFailure(text_code(code, whole), ": ".join(part for part in (code, message) if part))


def text_code(code: str | None, message: str) -> str:
    """Return the code of the member's sentence for an error's code and message."""
    words = _SEPARATORS.sub(" ", f"{code or ''} {message}").casefold()
    nobody = _NOBODY.search(words)
    if nobody is not None:
        meant = _INPUT.search(words, nobody.end()) or _INPUT.search(words)
        in_picture = meant is None or meant.group(1) is not None
        return "render_no_person_picture" if in_picture else "render_no_person_video"
    for name, texts in _TEXTS:
        if any(text in words for text in texts):
            return name
    within = _CODE_WITHIN.search(words)
    return _CODES.get(within.group(1) if within else code or "", DEFAULT)
