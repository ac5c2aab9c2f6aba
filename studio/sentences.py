"""The English wording of the conversation, by code; `studio.texts` fills in the facts.

A tuple holds several wordings, the fullest first: the first whose facts are known is used.
"""

from __future__ import annotations

from collections.abc import Mapping

from studio.reasons import REASONS, Template
from studio.words import SAID

_ANSWERS: Mapping[str, Template] = {
    "answer_started": "🎬 {name}'s clip is on its way…",
    "answer_ready": ("🎬 {name}'s clip is ready: {link}", "🎬 {name}'s clip is ready."),
    "answer_failed": (
        "{name}'s clip could not be made. What happened: {link}",
        "{name}'s clip could not be made.",
    ),
    "answer_cancelled": "{name}'s clip was cancelled.",
    "answer_withdrawn": "{name}'s clip was not started. {reason}",
    "thread_name": ("{name}'s clip: {title}", "{name}'s clip"),
    "thread_name_neutral": "New clip",
}

_CARD: Mapping[str, Template] = {
    "card_title": "{name}'s clip",
    "stage_checking": "Checking your files",
    "stage_queued": ("Waiting in the queue, place {position}", "Waiting in the queue"),
    "stage_rendering": "Rendering",
    "stage_fetching": "Fetching the result",
    "stage_posting": "Posting",
    "mark_done": "✓ {stage} – done",
    "mark_now": "**▸ {stage} – now**",
    "mark_later": "· {stage} – later",
    "card_elapsed": "{elapsed:duration} so far",
    "card_starts": "expected start: {when}",
    "card_expected": "expected {when}",
    "card_price": "price {price:money}",
    "card_price_trial": "a trial, nothing is charged",
    "card_percent": "{percent} %",
    "card_done": "Finished after {elapsed:duration}.",
    "card_ended": "Ended after {elapsed:duration}.",
    "card_cancelled": "Cancelled.",
    "waiting_for_renderer": "The renderer takes nothing new at the moment; it goes on by itself.",
    "render_slow": "This takes longer than usual. I keep waiting for it, you need not.",
    "card_in_pictures": "The picture, and a still of the video whose motion it gets",
    "alt_picture": "The picture that is animated",
    "alt_video": "A still of the video whose motion is used",
    "button_cancel": "Cancel",
    "button_original": "Open the original",
}

_RESULT: Mapping[str, Template] = {
    "result_ready": ("{mention} Your clip is ready.", "Your clip is ready."),
    "result_link_only": (
        "{mention} Your clip is ready. It is too large to be posted here: {link}",
        "{mention} Your clip is ready. It is too large to be posted here; use the button to open it.",
        "Your clip is ready. It is too large to be posted here: {link}",
        "Your clip is ready. It is too large to be posted here; use the button to open it.",
    ),
    "result_smaller": (
        "-# Made smaller so that it fits here; in full quality: {link}",
        "-# Made smaller so that it fits here; the button opens it in full quality.",
    ),
    "result_label": (
        "-# AI-generated · {seconds:number} s · {width} × {height} · {price:money}",
        "-# AI-generated · {seconds:number} s · {width} × {height}",
    ),
    "result_label_trial": "-# Trial clip · {seconds:number} s · {width} × {height} · nothing was charged",
    "alt_clip_trial": "Trial clip of {seconds:number} s: {name}'s picture moving like the reference video",
    "alt_clip": "AI-generated clip of {seconds:number} s: {name}'s picture moving like the reference video",
    "report": ("{mention} {sentence}", "{sentence}"),
}

_WATCHING: Mapping[str, Template] = {
    "watch_title": "{name}'s clip",
    "watch_label": "AI-generated · {seconds:number} s · {width} × {height}",
    "watch_label_trial": "Trial clip · {seconds:number} s · {width} × {height}",
    "watch_covered": "This clip is covered. You see nothing of it until you play it.",
    "watch_cannot_play": "Your browser cannot play this video. You can still save it with the button below.",
    "watch_save": "Save the clip",
    "watch_until": "This page works until {moment}. Whoever has its address can watch the clip.",
    "watch_unknown_title": "There is no clip at this address",
    "watch_unknown": "Part of the address may be missing. Open it again from the message in Discord.",
    "watch_expired_title": "This clip is no longer kept here",
    "watch_expired": (
        "Clips are kept for a while and then deleted. If it was posted in Discord, it is still in its thread."
    ),
    "watch_removed_title": "This clip was removed",
    "watch_removed": "It was taken down and is no longer shown. Was it yours? Ask the server's moderators.",
    "watch_away_title": "Please try again in a moment",
    "watch_away": "I cannot look for the clip right now. Nothing is lost; reload this page a little later.",
}

_CANCELLING: Mapping[str, Template] = {
    "cancel_cancelled": "Cancelled. Nothing was charged.",
    "cancel_asked": "I am asking the renderer to stop; the card will show whether it still could.",
    "cancel_too_late": (
        "It is too late to cancel: the renderer has begun and charges for it. The clip will be posted here."
    ),
    "cancel_not_yours": (
        "Only the member who ordered this clip, or a moderator, can cancel it. Nothing was changed."
    ),
    "cancel_unknown": "I no longer know this clip. Nothing was changed. Use /animate to make a new one.",
    "button_unknown": (
        "This button no longer works, because it is from an older version of me. Nothing was changed. "
        "Use /animate to make a new clip."
    ),
}

_NOTICES: Mapping[str, Template] = {
    "notice_picture_converted": (
        "Your picture was {format}; I converted it to JPEG.",
        "Your picture was converted to JPEG.",
    ),
    "notice_picture_scaled_down": (
        "Your picture was {width} × {height} pixels; I made it smaller to fit.",
        "Your picture was made smaller to fit.",
    ),
    "notice_picture_scaled_up": (
        "Your picture was only {width} × {height} pixels; I enlarged it.",
        "Your picture was small; I enlarged it.",
    ),
    "notice_picture_padded": "Your picture was too long and narrow; I added borders.",
    "notice_picture_flattened": "Your picture was see-through in places; I put it on white.",
    "notice_picture_first_frame": "Your picture moves; I used its first frame.",
    "notice_video_converted": (
        "Your video was {format}; I converted it to a plain MP4.",
        "Your video was converted to a plain MP4.",
    ),
    "notice_video_trimmed": (
        "Your video was {seconds:number} s long; I used the first {kept:number} s.",
        "Your video was too long; I used its beginning.",
    ),
    "notice_video_scaled_down": "Your video was made smaller to fit.",
    "notice_video_scaled_up": "Your video was small; I enlarged it.",
    "notice_video_padded": "Your video was too long and narrow; I added borders.",
    "notice_video_flattened": "Your video was see-through in places; I put it on white.",
    "notice_result_shorter": (
        "The renderer ended it after {seconds:number} s, though your video has {asked:number} s; "
        "cuts in a video do that."
    ),
    "notice_result_silent": "The renderer made it without the sound of your video.",
}

_COMMANDS: Mapping[str, Template] = {
    "command_animate": "Give the motion of a video to a picture: it comes back as a clip in a few minutes",
    "command_studio": "Rules, shares and moderation of this server's clips",
    "option_image": "The picture that should move (JPEG, PNG, WebP, HEIC … up to 25 MB)",
    "option_video": "The video whose motion it gets (3 to 30 s, up to 200 MB)",
    "option_prompt": "What the scene should look like (the motion comes from the video)",
    "option_negative_prompt": "What should not be in it",
    "option_orientation": "Which way the figure faces; without a choice it depends on the video's length",
    "option_keep_sound": "Keep the video's sound (yes, unless you say no)",
    "option_shot_type": "How the camera works; customize is the usual choice",
    "option_notify": "Mention you when it is done (yes, unless you say no)",
    "choice_orientation_video": "like the video (up to 30 s)",
    "choice_orientation_image": "like the picture (up to 10 s)",
    "choice_shot_customize": "customize",
    "choice_shot_intelligent": "intelligent",
}

SENTENCES: Mapping[str, Template] = {
    **_ANSWERS,
    **_CARD,
    **_RESULT,
    **_WATCHING,
    **REASONS,
    **_CANCELLING,
    **_NOTICES,
    **_COMMANDS,
    **SAID,
}
