"""Where a clip may be shown once more: what both its member and the bot may do there."""

from __future__ import annotations

import discord

from cogs.gate import THREADS, is_age_restricted
from studio.errors import OrderRefused
from studio.models import Job
from studio.moderation.explicit import check_words

Interaction = discord.Interaction[discord.Client]


def channel_above(interaction: Interaction) -> discord.abc.GuildChannel:
    """The channel that the thread hangs from. Raises `OrderRefused` where none takes messages."""
    channel, guild = interaction.channel, interaction.guild
    if not isinstance(channel, discord.Thread):
        raise OrderRefused("share_in_place")
    above = guild.get_channel(channel.parent_id) if guild is not None else None
    # In a forum there are only posts.
    if not isinstance(above, discord.TextChannel):
        raise OrderRefused("share_nowhere")
    return above


def check_above(interaction: Interaction, above: discord.abc.GuildChannel) -> None:
    """Raise `OrderRefused` unless both the member and the bot may post files in that channel."""
    assert interaction.guild is not None
    assert isinstance(interaction.user, discord.Member)
    kind = discord.ChannelType.text
    _check(kind, above.permissions_for(interaction.user), "copy_not_yours_to_post", above.mention)
    _check(kind, above.permissions_for(interaction.guild.me), "copy_not_mine_to_post", above.mention)


def check_here(interaction: Interaction) -> None:
    """The same for the place of the interaction, of which Discord has told the permissions."""
    kind = getattr(interaction.channel, "type", discord.ChannelType.text)
    mention = f"<#{interaction.channel_id}>"
    _check(kind, interaction.permissions, "copy_not_yours_to_post", mention)
    _check(kind, interaction.app_permissions, "copy_not_mine_to_post", mention)


def check_age(job: Job, channel: object) -> None:
    """Raise `OrderRefused` where people may look for whom the clip was not made."""
    restricted = is_age_restricted(channel)
    if job.order.wishes.adult and not restricted:
        raise OrderRefused("adults_elsewhere")
    check_words(job.order.wishes.prompt, age_restricted=restricted)


def _check(kind: discord.ChannelType, granted: discord.Permissions, code: str, mention: str) -> None:
    send = "send_messages_in_threads" if kind in THREADS else "send_messages"
    needed = ("view_channel", send, "attach_files")
    if not granted.administrator and not all(getattr(granted, name) for name in needed):
        raise OrderRefused(code, channel=mention)
