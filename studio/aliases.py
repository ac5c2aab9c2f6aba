"""What stands in the books instead of a member who had everything about them deleted."""

from __future__ import annotations

import hashlib


def alias_of(member_id: int) -> int:
    """A negative number that is always the same for the member; an alias is its own alias.

    Blocks and shares still find it, so that nobody loses a block or wins new clips by asking to be
    forgotten. It hides who it was from whoever reads the books, not from somebody who knows the member's
    id already and looks for just that one.
    """
    if member_id <= 0:
        return member_id
    digest = hashlib.sha256(b"alias:%d" % member_id).digest()
    # Discord's ids are positive; the sign keeps the two apart for good.
    return -1 - int.from_bytes(digest[:7], "big")


def names_of(member_id: int) -> tuple[int, int]:
    """By which numbers the books may know the member: what was before they were forgotten, and since."""
    return member_id, alias_of(member_id)
