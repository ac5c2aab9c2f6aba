"""What of a clip is in a message."""

from __future__ import annotations

from enum import Enum


class Attached(Enum):
    """Nothing, as it is too large or Discord refused it; a smaller copy; or itself."""

    NOTHING = "link_only"
    REFUSED = "link_instead"
    COPY = "copy"
    ITSELF = "itself"


WITHOUT_FILE = frozenset({Attached.NOTHING, Attached.REFUSED})
"""The member gets the clip by its link alone; the values say why, in the texts' codes."""
