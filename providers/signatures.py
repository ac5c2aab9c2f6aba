"""The signature of PixelByte's webhooks: HMAC-SHA256 over the stamp, a full stop and the raw body."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum

TIMESTAMP_HEADER = "X-PixelByte-Timestamp"
SIGNATURE_HEADER = "X-PixelByte-Signature"

FRESH_SECONDS = 300
"""The window of the provider's own samples."""

DOORBELL_SECONDS = 660
"""The provider's last retry may come 491 s after the first stamp, and clocks differ (C8).

One that is off by ten minutes must not be off for the time that the way takes besides (F54).
"""


class Verdict(StrEnum):
    """`STALE` is authentic but out of the window: a reason to ask for the status, nothing more."""

    FRESH = "fresh"
    STALE = "stale"
    REFUSED = "refused"


def sign(body: bytes, *, timestamp: str, secret: str) -> str:
    """Return the signature header's value for the exact bytes of a body."""
    signed = timestamp.encode("ascii") + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def check(
    body: bytes, *, timestamp: str | None, signature: str | None, secret: str, now: datetime
) -> Verdict:
    """Judge a webhook by its raw bytes and its two headers, in constant time; never raises.

    Without a secret everything is refused. The provider does not say whether a retry carries a new stamp.
    """
    if not secret or not signature or not timestamp:
        return Verdict.REFUSED
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return Verdict.REFUSED
    expected = sign(body, timestamp=timestamp, secret=secret).encode("ascii")
    # Bytes, because comparing texts raises for headers that are not ASCII.
    if not hmac.compare_digest(expected, signature.encode("ascii", "replace")):
        return Verdict.REFUSED
    age = abs(now.timestamp() - int(timestamp))
    if age <= FRESH_SECONDS:
        return Verdict.FRESH
    return Verdict.STALE if age <= DOORBELL_SECONDS else Verdict.REFUSED
