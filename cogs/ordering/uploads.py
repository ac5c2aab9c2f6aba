"""File fields that let members choose only what fits, where Discord knows how."""

from __future__ import annotations

from typing import Any

from discord import ui

# Groups of endings, and those that the groups lack; some phones go by the ones that are written out
# (`discord.md`, section 1.4). It is for convenience alone: every file is recognised by its content.
PICTURES = ("image", ".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif")
VIDEOS = ("video", ".mp4", ".mov", ".m4v", ".3gp", ".webm", ".mkv", ".gif", ".webp")


class FileField(ui.FileUpload[ui.Modal]):
    """One file of these types; discord.py 2.7.1 does not know `file_types` yet."""

    def __init__(self, custom_id: str, file_types: tuple[str, ...], *, required: bool) -> None:
        super().__init__(
            custom_id=custom_id, required=required, min_values=1 if required else 0, max_values=1
        )
        self._file_types = file_types

    def to_component_dict(self) -> Any:
        return {**super().to_component_dict(), "file_types": list(self._file_types)}
