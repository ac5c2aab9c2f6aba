"""What a message holds that a clip can be made of: pictures and videos that Discord itself keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import discord

from studio.models import SourceFile

PROXIES = frozenset(
    {
        "cdn.discordapp.com",
        "media.discordapp.net",
        "images-ext-1.discordapp.net",
        "images-ext-2.discordapp.net",
    }
)
"""Where Discord serves what embeds show. The addresses that their authors have written are never used."""

# Discord leaves out the type of what it does not know, such as photos from an iPhone.
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp"})
VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".qt", ".3gp"})


class Sort(Enum):
    """What Discord says that a file is; its content is looked at later."""

    PICTURE = "picture"
    VIDEO = "video"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Find:
    """One file in a message. `spoiler`: whoever posted it has covered it."""

    file: SourceFile
    sort: Sort
    spoiler: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """What of a message a clip is made of. `spoiler`: part of it was covered."""

    picture: SourceFile | None
    video: SourceFile | None
    spoiler: bool


def pair_of(message: discord.Message) -> Pair:
    """The first picture and the first video; something animated stands in for either, first for the video."""
    found = list(found_in(message))
    animated = [each for each in found if each.sort is Sort.EITHER]
    video = _first(found, Sort.VIDEO) or (animated.pop(0) if animated else None)
    picture = _first(found, Sort.PICTURE) or (animated.pop(0) if animated else None)
    return Pair(
        picture=None if picture is None else picture.file,
        video=None if video is None else video.file,
        spoiler=any(each is not None and each.spoiler for each in (picture, video)),
    )


def picture_of(message: discord.Message) -> Find | None:
    """The first picture, else the first frame of something animated."""
    found = list(found_in(message))
    return _first(found, Sort.PICTURE) or _first(found, Sort.EITHER)


def video_of(message: discord.Message) -> Find | None:
    found = list(found_in(message))
    return _first(found, Sort.VIDEO) or _first(found, Sort.EITHER)


def found_in(message: discord.Message) -> Iterator[Find]:
    """Everything usable, in the order in which it is shown; of a forwarded message what was forwarded."""
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        yield from _attached(part.attachments)
        yield from _embedded(part.embeds)


def source_of(attachment: discord.Attachment) -> SourceFile:
    return SourceFile(
        url=attachment.url,
        filename=attachment.filename,
        size=attachment.size,
        content_type=attachment.content_type,
    )


def _first(found: Iterable[Find], sort: Sort) -> Find | None:
    return next((each for each in found if each.sort is sort), None)


def _attached(attachments: Iterable[discord.Attachment]) -> Iterator[Find]:
    for attachment in attachments:
        sort = _sort_of(attachment.content_type, attachment.filename)
        if sort is not None:
            yield Find(source_of(attachment), sort, attachment.is_spoiler())


def _embedded(embeds: Iterable[discord.Embed]) -> Iterator[Find]:
    for embed in embeds:
        if embed.video.url is not None:
            # Its thumbnail is a still of the video, and of no use as a picture.
            yield from _proxied(embed.video.proxy_url, Sort.VIDEO)
        elif embed.image.url is not None:
            yield from _proxied(embed.image.proxy_url, Sort.PICTURE)
        else:
            yield from _proxied(embed.thumbnail.proxy_url, Sort.PICTURE)


def _proxied(url: str | None, sort: Sort) -> Iterator[Find]:
    if url is None or urlsplit(url).hostname not in PROXIES:
        return
    name = PurePosixPath(urlsplit(url).path).name[:100] or sort.value
    if name.lower().endswith(".gif"):
        sort = Sort.EITHER
    # An embed does not say how large it is; the cap holds while it is fetched.
    yield Find(SourceFile(url=url, filename=name, size=0), sort)


def _sort_of(content_type: str | None, filename: str) -> Sort | None:
    kind = (content_type or "").partition(";")[0].lower()
    suffix = PurePosixPath(filename.lower()).suffix
    if kind == "image/gif" or suffix == ".gif":
        return Sort.EITHER
    if kind.startswith("image/") or suffix in PICTURE_SUFFIXES:
        return Sort.PICTURE
    if kind.startswith("video/") or suffix in VIDEO_SUFFIXES:
        return Sort.VIDEO
    return None
