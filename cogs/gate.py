"""The cheap checks before an order is taken: the place, and what Discord itself says of the files."""

from __future__ import annotations

import discord

from studio.errors import OrderRefused
from studio.models import SourceFile, Wishes, looks_swapped
from studio.prompts import LONGEST_PROMPT, length_of
from studio.texts import say

THREADS = frozenset(
    {discord.ChannelType.public_thread, discord.ChannelType.private_thread, discord.ChannelType.news_thread}
)
THREAD_PARENTS = frozenset({discord.ChannelType.text, discord.ChannelType.news})
CALLS = frozenset({discord.ChannelType.voice, discord.ChannelType.stage_voice})

OWN_THREAD = discord.Permissions(create_public_threads=True, send_messages_in_threads=True)
# What nearly every order comes with: it is seen at one glance, for the answer waits for it.
_PLENTY = OWN_THREAD | discord.Permissions(view_channel=True, attach_files=True, read_message_history=True)
PLENTY = _PLENTY.value


def permission_name(name: str) -> str:
    """As Discord's own settings call it: whoever may change it looks for exactly these words."""
    return say(f"permission_{name}")


def check_place(interaction: discord.Interaction[discord.Client]) -> None:
    """Raise `OrderRefused` where the conversation could not go on after the answer."""
    only_installed_by_user = not interaction.is_guild_integration() and interaction.is_user_integration()
    if interaction.guild_id is None or only_installed_by_user:
        raise OrderRefused("not_in_dm")
    kind = getattr(interaction.channel, "type", discord.ChannelType.text)
    # Not `.app_permissions`, which makes an object each time.
    if kind in THREAD_PARENTS and interaction._app_permissions & PLENTY == PLENTY:
        return
    missing = missing_permission(kind, interaction.app_permissions)
    if missing is not None:
        raise OrderRefused("missing_permission", permission=permission_name(missing))


def is_age_restricted(channel: object) -> bool:
    """Whether Discord lets only adults in here; a thread is as its channel is."""
    if isinstance(channel, discord.Thread):
        channel = channel.parent
    return bool(getattr(channel, "nsfw", False))


def missing_permission(kind: discord.ChannelType, granted: discord.Permissions) -> str | None:
    """The first permission that the bot lacks to bring a clip to this kind of channel."""
    return next(iter(missing_permissions(kind, granted)), None)


def missing_permissions(kind: discord.ChannelType, granted: discord.Permissions) -> list[str]:
    """Every permission that the bot lacks there, by the names of `discord.Permissions`."""
    needed = ["view_channel", "attach_files", "read_message_history"]
    if kind in CALLS:
        needed.append("connect")
    can_use_own_thread = kind in THREAD_PARENTS and granted >= OWN_THREAD
    if kind in THREADS:
        needed.append("send_messages_in_threads")
    elif not can_use_own_thread:
        needed.append("send_messages")
    if granted.administrator:
        return []
    return [name for name in needed if not getattr(granted, name)]


def check_files(
    picture: SourceFile, video: SourceFile, *, max_picture_bytes: int, max_video_bytes: int
) -> None:
    """Raise `OrderRefused` for a file above its cap, whichever way round the two are."""
    if max(picture.size, video.size) <= min(max_picture_bytes, max_video_bytes):
        # As most are, and then it is all one which is which.
        return
    if looks_swapped(picture, video):
        picture, video = video, picture
    check_picture(picture, max_picture_bytes)
    check_video(video, max_video_bytes)


def check_picture(picture: SourceFile, most_bytes: int) -> None:
    """Raise `OrderRefused` for a picture above its cap."""
    if picture.size > most_bytes:
        raise OrderRefused("picture_too_large", size=picture.size, limit=most_bytes)


def check_video(video: SourceFile, most_bytes: int) -> None:
    """Raise `OrderRefused` for a video above its cap."""
    if video.size > most_bytes:
        raise OrderRefused("video_too_large", size=video.size, limit=most_bytes)


def check_wishes(wishes: Wishes) -> None:
    """Raise `OrderRefused` for a text that the renderer would not take: Discord counts in another way."""
    for code, text in (
        ("prompt_too_long", wishes.prompt),
        ("negative_prompt_too_long", wishes.negative_prompt),
    ):
        # No character counts for more than two.
        if len(text) * 2 > LONGEST_PROMPT and length_of(text) > LONGEST_PROMPT:
            raise OrderRefused(code, length=length_of(text), limit=LONGEST_PROMPT)
