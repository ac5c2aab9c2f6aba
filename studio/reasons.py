"""The English wording of every refusal and failure, by code: what happened, what it cost, what to do now.

A tuple holds several wordings, the fullest first: the first whose facts are known is used.
"""

from __future__ import annotations

from collections.abc import Mapping

from studio.words import REFUSED

Template = str | tuple[str, ...]

_REFUSALS: Mapping[str, Template] = {
    "not_in_dm": (
        "I only make clips in servers, where the others can enjoy them too. Nothing was charged. "
        "Use /animate in a channel of a server that I am in."
    ),
    "missing_permission": (
        "I may not post a clip in this channel: I lack the permission “{permission}”. Nothing was charged. "
        "Ask a moderator to allow it for me, or use /animate in another channel."
    ),
    "picture_too_large": (
        "Your picture is {size:size}; I take up to {limit:size}. Nothing was charged. "
        "Send a smaller version; a screenshot of it will do.",
        "Your picture is too large; I take up to {limit:size}. Nothing was charged. "
        "Send a smaller version; a screenshot of it will do.",
    ),
    "video_too_large": (
        "Your video is {size:size}; I take up to {limit:size}. Nothing was charged. "
        "Trim it to the part that you need and try again.",
        "Your video is too large; I take up to {limit:size}. Nothing was charged. "
        "Trim it to the part that you need and try again.",
    ),
    "prompt_too_long": (
        "Your prompt counts as {length} characters; the renderer takes {limit}, and most emoji count as two "
        "or more. Nothing was charged. Shorten the prompt and use /animate again."
    ),
    "negative_prompt_too_long": (
        "Your negative prompt counts as {length} characters; the renderer takes {limit}, and most emoji "
        "count as two or more. Nothing was charged. Shorten it and use /animate again."
    ),
    "too_many_jobs_member": (
        "You already have {limit} unfinished clips, which is as many as you may have at once. "
        "Nothing was charged. Try again when one of them is done (/quota shows them), or cancel one."
    ),
    "too_many_jobs_server": (
        "This server already has {limit} unfinished clips, which is as many as it may have at once. "
        "Nothing was charged. Try again in a few minutes."
    ),
    "budget_exhausted": (
        "The bot's operator pays for clips up to a monthly limit; {left:money} of it is left, which is too "
        "little for this clip. {cost} It begins anew {when}; the operator can raise it.",
        "The bot's operator pays for clips up to a monthly limit that is below the price of this clip, "
        "so waiting does not help. {cost} A shorter video might fit; the operator can raise the limit.",
    ),
    "server_cap_reached": (
        "The bot's operator allows this server {limit:money} a month; {left:money} of it is left, which is "
        "too little for this clip. {cost} It begins anew {when}; the operator can raise it.",
        "The bot's operator allows this server {limit:money} a month, which is below the price of this clip, "
        "so waiting does not help. {cost} A shorter video might fit; the operator can raise the limit.",
    ),
    "pool_clips_used": (
        "This server has too few clips left: {left} of {limit}, which all members share. {cost} "
        "There are new ones {when}, or a moderator can let yours through.",
        "This server's limit for all members together is {limit} clips, so waiting does not help. {cost} "
        "A moderator can raise it, or let yours through.",
    ),
    "pool_money_used": (
        "This server has {left:money} left of the {limit:money} that all members share, which is too little "
        "for this clip. {cost} It begins anew {when}; a shorter video costs less, or a moderator can let "
        "yours through.",
        "This server's limit for all members together is {limit:money}, which is below the price of this "
        "clip, so waiting does not help. {cost} A shorter video might fit, or a moderator can let yours "
        "through.",
    ),
    "member_clips_used": (
        "You have too few clips left: {left} of {limit}. {cost} You get new ones {when}, "
        "or a moderator can let this one through.",
        "Your own limit is {limit} clips, so waiting does not help. {cost} "
        "A moderator can raise it, or let this one through.",
    ),
    "member_money_used": (
        "You have {left:money} left of your own {limit:money}, which is too little for this clip. {cost} "
        "It begins anew {when}; a shorter video costs less, or a moderator can let this one through.",
        "Your own limit is {limit:money}, which is below the price of this clip, so waiting does not help. "
        "{cost} A shorter video might fit, or a moderator can let this one through.",
    ),
    "bot_paused": "The bot's operator has paused all new clips. Nothing was charged. Try again later.",
    "bot_draining": "I am about to be updated. Nothing was charged. Try again in a few minutes.",
    "server_not_allowed": (
        "The bot's operator has not opened me for this server. Nothing was charged. "
        "Ask whoever invited me to talk to the operator."
    ),
    "server_paused": (
        "This server's moderators have paused new clips. Nothing was charged. Ask them when it goes on."
    ),
    "member_blocked": (
        "This server's moderators do not let you make clips for now. Nothing was charged. "
        "It ends {when}; ask them if you think that it is a mistake.",
        "This server's moderators do not let you make clips. Nothing was charged. "
        "Ask them if you think that it is a mistake.",
    ),
    "channel_not_allowed": (
        "Clips are made in other channels of this server. Nothing was charged. Use /animate in {channel}."
    ),
    "role_not_allowed": (
        "Your roles do not include clips in this server. Nothing was charged. "
        "Ask a moderator for the right one."
    ),
    "not_operator": "Only the bot's owner or its team may do that. Nothing was changed. Nothing was charged.",
    "server_unknown": (
        "I do not know that server. Nothing was changed. Nothing was charged. "
        "Choose one from the list while you type, or give its id."
    ),
    "not_permitted": (
        "Only moderators may do that here. Nothing was changed. Nothing was charged. "
        "If you are one, ask who manages the server to name your role with /studio setup."
    ),
    "shutting_down": "I am restarting just now. Nothing was charged. Try again in a minute.",
    "order_not_noted": (
        "I cannot write your order down just now. Nothing was charged. Try again in a few minutes."
    ),
    "database_busy": "I am too busy to take your order just now. Nothing was charged. Try again in a minute.",
}

_INPUTS: Mapping[str, Template] = {
    "two_pictures": (
        "Both files are pictures. {cost} I need one picture, and one video of 3 to 30 s "
        "whose motion it should get."
    ),
    "two_videos": (
        "Both files are videos. {cost} I need one video, and one picture that should get its motion."
    ),
    "attachment_gone": (
        "Discord no longer has one of your files, so I could not fetch it. {cost} Attach both files again "
        "with /animate."
    ),
    "media_not_a_picture": (
        "The file that you gave as the picture is not one that I can read, whatever its name says. {cost} "
        "Send a JPEG, PNG, WebP, HEIC, AVIF or GIF; a screenshot of it always works."
    ),
    "media_not_a_video": (
        "The file that you gave as the video is not one that I can read, whatever its name says. {cost} "
        "Send an MP4, MOV, WebM or animated GIF; a screen recording of it always works."
    ),
    "media_no_video_stream": (
        "There is no moving picture in your video, only sound or nothing. {cost} "
        "Send a video in which somebody can be seen moving."
    ),
    "media_broken": (
        "Your {what} is damaged or incomplete. {cost} "
        "Open it on your device to see whether it is whole, save or export it again, and try once more."
    ),
    "media_too_short": (
        "Your video is {seconds:number} s long; the shortest that works is {limit:number} s. {cost} "
        "Send a longer one.",
        "Your video is too short; it needs at least 3 s. {cost} Send a longer one.",
    ),
    "media_too_small": (
        "Your {what} is {width} × {height} pixels; both sides need at least {limit}. {cost} "
        "Send a larger one.",
        "Your {what} is {width} × {height} pixels, which is too small. {cost} Send a larger one.",
        "Your {what} has too few pixels. {cost} Send a larger one.",
    ),
    "media_too_many_pixels": (
        "Your {what} is {width} × {height} pixels, more than I can open. {cost} "
        "Send a smaller version; a screenshot or screen recording of it will do.",
        "Your {what} has more pixels than I can open. {cost} "
        "Send a smaller version; a screenshot or screen recording of it will do.",
    ),
    "media_too_many_frames": (
        "Your {what} has more single frames than I can work through. {cost} "
        "Trim it to the part that you need and try again."
    ),
    "media_too_large": (
        "Your {what} is too large; I take up to {limit:size}. {cost} Send a smaller version.",
        "Your {what} is too large for me. {cost} Send a smaller version.",
    ),
    "media_too_complex": (
        "Your {what} takes too long to read: it is unusually large or built in an unusual way. {cost} "
        "Export it as an ordinary JPEG or MP4 and try again."
    ),
    "media_crashed": (
        "I could not read your {what} safely, so I stopped; that is trouble of mine, and noted. {cost} "
        "Export it as an ordinary JPEG or MP4 and try again; a screenshot or screen recording works, too."
    ),
    "fetch_failed": "One of your files could not be fetched from Discord. {cost} Attach both files again.",
    "fetch_forbidden": (
        "One of your files is not where Discord keeps attachments, so I did not fetch it. {cost} "
        "Attach both files to the command itself."
    ),
    "fetch_too_large": (
        "One of your files is larger than {limit:size}. {cost} Send a smaller version.",
        "One of your files is larger than I take. {cost} Send a smaller version.",
    ),
    "fetch_interrupted": (
        "The connection to Discord broke while I fetched your files. {cost} Attach both files again."
    ),
}

_RENDERING: Mapping[str, Template] = {
    "render_no_person_picture": (
        "The renderer found no whole upper body in your picture. {cost} "
        "Use a picture in which head, shoulders and torso are fully visible and large."
    ),
    "render_no_person_video": (
        "The renderer found no whole upper body in your video. {cost} "
        "Crop the video closer to one person who stays in the picture, and try again."
    ),
    "render_character_invalid": (
        "The renderer did not recognise the character in your picture, or in the video's first frame. {cost} "
        "Use a realistic or clearly human-like figure that is fully visible."
    ),
    "render_moderated": (
        "The renderer's safety rules refused this picture, video or text. {cost} "
        "Use other ones; well-known people are refused too."
    ),
    "render_busy_upstream": "The renderer is overloaded. {cost} Try again in about ten minutes.",
    "render_supplier_problem": (
        "The renderer has a problem on its own side, which is not your fault. {cost} Try again later."
    ),
    "render_inputs_unreachable": (
        "The renderer could not read the files that I sent it, which is not your fault. {cost} Try again."
    ),
    "render_timeout": "The renderer ran out of time. {cost} Try again, perhaps with a shorter video.",
    "render_failed": (
        "The renderer failed without saying why. {cost} Try again, or try another picture or video."
    ),
    "provider_failed": "The renderer gave no usable answer. {cost} Try again later.",
    "provider_rejected_input": (
        "The renderer did not accept this picture, video or text (it names “{field}”). {cost} "
        "Try other ones.",
        "The renderer did not accept this picture, video or text. {cost} Try other ones.",
    ),
    "upload_refused": (
        "The renderer's storage did not take one of your files, however often I tried. {cost} "
        "Try again later, or try another picture or video."
    ),
    "provider_busy": "The renderer is busy. {cost} Try again in a few minutes.",
    "provider_unavailable": "The renderer cannot be reached. {cost} Try again later.",
    "waiting_for_operator": "Waiting for the bot's operator; it goes on by itself afterwards.",
    "submit_unclear": "The renderer did not say whether it took the order; I am finding out.",
    "provider_lost_job": "The renderer no longer knows this clip. {cost} Try again.",
    "lost_by_provider": (
        "The renderer lost this clip. {cost} If it still comes within a day, I post it here; "
        "else ask the bot's operator about it, or try again."
    ),
    "took_too_long": (
        "The renderer did not finish within an hour, so I gave up. {cost} "
        "If the clip still comes within a day, I post it here; else try a shorter video."
    ),
    "result_missing": (
        "The clip was rendered, but there was no usable file to fetch. {cost} "
        "If it still comes within a day, I post it here; else ask the bot's operator about it, or try again."
    ),
    "order_unexplained": (
        "The renderer never said what became of this order. {cost} The bot's operator has been told; "
        "ask them about it, or try again."
    ),
    "cancelled": "Your clip was cancelled. {cost} You can start another one whenever you like.",
    "cancelled_by_provider": "The renderer's side cancelled this clip. {cost} Try again later.",
    "interrupted": (
        "I was interrupted before your clip could begin. {cost} Use /animate again with the same files."
    ),
    "nowhere_to_deliver": (
        "The clip is ready, but I could not post it where you ordered it. {cost} "
        "I keep it for a while: /jobs shows it in any channel where you may post."
    ),
}

_TROUBLE: Mapping[str, Template] = {
    "internal": (
        "Something went wrong on my side. {cost} Try again; if it happens again, tell the bot's operator "
        "the reference {reference}.",
        "Something went wrong on my side. {cost} Try again later.",
    ),
    "command_outdated": (
        "This command has just been updated. Nothing was charged. Restart Discord, or try again in a minute."
    ),
    "discord_failed": "Discord did not accept my message. {cost} Try again later.",
    "discord_gone": "The channel or thread is gone, or closed to me. {cost} Use /animate in another channel.",
    "discord_unavailable": "Discord cannot be reached at the moment. {cost} I keep trying.",
    "clip_too_large": (
        "The clip is larger than the {limit:size} that can be posted here.",
        "The clip is larger than what can be posted here.",
    ),
}

REASONS: Mapping[str, Template] = {
    **_REFUSALS,
    **_INPUTS,
    **_RENDERING,
    **_TROUBLE,
    **REFUSED,
}
