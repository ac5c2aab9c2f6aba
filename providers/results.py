"""Where the finished video is: one URL found in an output that no two pages describe alike (C6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from yarl import URL

from providers.envelope import as_text

LONGEST_URL = 8000
MOST_VALUES = 10_000

_OBJECT_KEYS = ("url", "videoUrl", "video", "video_url")
_VIDEO_SUFFIXES = (".mp4", ".mov", ".webm", ".m4v")
_PICTURE_KEYS = ("thumb", "poster", "image", "preview", "cover")


def find_video_url(fields: Mapping[str, Any], *, allowed: Callable[[str], bool]) -> str | None:
    """Find the result's URL in a completed job, None when there is none (yet).

    A host that is not allowed is no reason to look further, except in the last, blind search: the
    download then says which host it was.
    """
    output, outputs = fields.get("output"), fields.get("outputs")
    items = [item for part in (outputs, output) if isinstance(part, list) for item in part]
    videos = [url for item in items if _is_video(item) and (url := _url_of(item))]
    if videos:
        return next((url for url in videos if allowed(url)), videos[0])
    others = {_url_of(item) for item in items if _kind(item) is not None}
    plain = _web_url(output)
    if plain is not None and plain not in others:
        return plain
    if isinstance(output, dict):
        named = _url_of(output)
        if named is not None:
            return named
    return _only_candidate({"output": output, "outputs": outputs}, others, allowed)


def _is_video(item: Any) -> bool:
    """An item that says what it is, is believed; the others are judged by the name of their file."""
    kind = _kind(item)
    return _looks_like_video(_url_of(item)) if kind is None else kind == "video"


def _kind(item: Any) -> str | None:
    kind = item.get("type") if isinstance(item, dict) else None
    return kind.strip().lower().split("/")[0] if isinstance(kind, str) else None


def _url_of(item: Any) -> str | None:
    if not isinstance(item, dict):
        return _web_url(item)
    for key in _OBJECT_KEYS:
        value = item.get(key)
        url = _web_url(value.get("url") if isinstance(value, dict) else value)
        if url is not None:
            return url
    return None


def _web_url(value: Any) -> str | None:
    text = as_text(value, longest=LONGEST_URL) if isinstance(value, str) else None
    if text is None or " " in text:
        return None
    try:
        url = URL(text)
    except ValueError:
        return None
    return text if url.scheme in {"http", "https"} and url.host else None


def _looks_like_video(url: str | None) -> bool:
    return url is not None and URL(url).path.lower().endswith(_VIDEO_SUFFIXES)


def _only_candidate(
    output: Mapping[str, Any], declared_otherwise: set[str | None], allowed: Callable[[str], bool]
) -> str | None:
    """The last resort: the one URL on an allowed host, wherever it stands; two of them are none."""
    found = {url for url in _walk(output) if url not in declared_otherwise and allowed(url)}
    if len(found) > 1:
        found = {url for url in found if _looks_like_video(url)}
    return found.pop() if len(found) == 1 else None


def _walk(value: Any) -> Iterator[str]:
    waiting = [value]
    for _ in range(MOST_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(
                part for key, part in value.items() if not any(word in key.lower() for word in _PICTURE_KEYS)
            )
        elif isinstance(value, list):
            waiting.extend(value)
        elif (url := _web_url(value)) is not None:
            yield url
