"""Shares as members read of them: `/quota`, pauses on the card, and what a limit did to a video."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "waiting_for_moderators": (
        "This server's moderators have paused new clips. It goes on by itself when they open it again."
    ),
    "waiting_for_house": "The bot's operator has paused all new clips. It goes on by itself afterwards.",
    "notice_video_trimmed_share": (
        "Your video was {seconds:number} s long; I used the first {kept:number} s, because your clips here "
        "may have {limit:number} s."
    ),
    "command_quota": "What you have used, what is left, and when it begins anew",
    "quota_title": "### Your clips",
    "quota_member": "**You** · {used}, {left}; begins anew {when}",
    "quota_pool": "**This server** · {used}, {left}; begins anew {when}",
    "quota_clips": "{used} of {most} clips used",
    "quota_clips_left": "{left} left",
    "quota_money": "{used:money} of {most:money} used",
    "quota_money_left": "{left:money} left",
    "quota_unlimited": "Nobody has set you a limit here: /animate as you like.",
    "quota_used": (
        "This month so far · your clips: {clips}, {money:money} · this server's: {all}, {whole:money}"
    ),
    "quota_waiting": "⏳ {clip}: place {place} in the queue, expected start: {when}",
    "quota_place": "⏳ {clip}: place {place} in the queue",
    "quota_paused": "⏸ {clip}: waits until new clips are open again",
    "quota_under_way": "⏳ {clip}: under way",
    "quota_clip": ("[Your clip]({link})", "Your clip"),
    "quota_operator": (
        "The bot's operator pays for clips only up to a monthly limit, which is used up. "
        "It begins anew {when}."
    ),
    "alt_quota": "Bars of what is used: {bars}",
    "chart_you": "You",
    "chart_server": "This server",
    "chart_clips": "{used} of {most} clips",
    "chart_money": "{used:money} of {most:money}",
    "chart_left": "{left} left",
}
