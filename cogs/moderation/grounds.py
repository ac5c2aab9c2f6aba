"""What a server still has of the roles and channels in its rules, and what the bot may do there."""

from __future__ import annotations

from collections.abc import Iterator

import discord

from cogs.gate import missing_permissions, permission_name
from studio.moderation.choices import CHOICES, Kind
from studio.sharing.policy import ApprovalMode, Policy
from studio.texts import say

MOST_LINES = 12

TO_LOG = ("view_channel", "send_messages")
TO_ASK = (*TO_LOG, "attach_files", "read_message_history")


def gone_from(guild: discord.Guild | None, policy: Policy) -> dict[int, str]:
    """Roles and channels in the rules that the server no longer has, by id, as Discord writes them."""
    if guild is None or guild.unavailable:
        return {}
    gone: dict[int, str] = {}
    for choice in CHOICES.values():
        if choice.kind in (Kind.CHANNELS, Kind.CHANNEL):
            ids = [int(each) for each in choice.given(policy)]
            gone |= {each: f"<#{each}>" for each in ids if guild.get_channel_or_thread(each) is None}
        elif choice.kind is Kind.ROLES:
            ids = [int(each) for each in choice.given(policy)]
            gone |= {each: f"<@&{each}>" for each in ids if guild.get_role(each) is None}
    roles = (allowance.role_id for allowance in policy.allowances)
    return gone | {each: f"<@&{each}>" for each in roles if guild.get_role(each) is None}


def examine(guild: discord.Guild | None, policy: Policy) -> list[str]:
    """What the bot may and may not do in the chosen channels, each with the way to mend it."""
    lines = list(_findings(guild, policy)) if guild is not None else []
    asks = policy.approval.mode is not ApprovalMode.OFF or policy.check_pictures
    if asks and policy.approval.channel_id is None:
        lines.insert(0, say("check_no_approval_channel"))
    return lines[:MOST_LINES] or [say("check_none")]


def _findings(guild: discord.Guild, policy: Policy) -> Iterator[str]:
    for clips_id in dict.fromkeys((*policy.channel_ids, *policy.spoiler_channel_ids)):
        yield _finding(guild, clips_id, None)
    for channel_id, needed in ((policy.approval.channel_id, TO_ASK), (policy.log_channel_id, TO_LOG)):
        if channel_id is not None:
            yield _finding(guild, channel_id, needed)


def _finding(guild: discord.Guild, channel_id: int, needed: tuple[str, ...] | None) -> str:
    """`needed` None: whatever it takes to bring a clip there."""
    mention, channel = f"<#{channel_id}>", guild.get_channel_or_thread(channel_id)
    if channel is None:
        return say("check_gone", channel=mention)
    granted = channel.permissions_for(guild.me)
    if needed is None:
        missing = missing_permissions(channel.type, granted)
    else:
        missing = [name for name in needed if not getattr(granted, name)]
    if not missing:
        return say("check_fine", channel=mention)
    role = guild.self_role
    return say(
        "check_missing",
        channel=mention,
        permissions=", ".join(permission_name(name) for name in missing),
        role=guild.me.display_name if role is None else role.name,
    )
