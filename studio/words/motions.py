"""What the motion library says: browsing, ordering with a motion, and keeping the library."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "option_motion": "A motion from this server's library, instead of a video",
    "motion_suggested": "{name} · {seconds:number} s",
    "motion_suggested_tags": "{name} · {seconds:number} s · {tags}",
    "notice_motion_trimmed": "This motion is {seconds:number} s long; I used the first {kept:number} s.",
    "audit_motion_added": "{actor} added the motion “{subject}” to the library.",
    "audit_motion_renamed": "{actor} renamed the motion “{before}” to “{subject}”.",
    "audit_motion_tagged": (
        "{actor} tagged the motion “{subject}”: {tags}",
        "{actor} took the tags from the motion “{subject}”.",
    ),
    "audit_motion_removed": "{actor} removed the motion “{subject}” from the library.",
}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "motion_unknown": (
        "I know no motion “{name}” in this server's library. {cost} "
        "Pick one from the list while you type, or look at all of them with /motions."
    ),
    "motion_gone": (
        "A moderator has just removed this motion from the library. {cost} "
        "Choose another one with /motions, or attach a video."
    ),
    "motion_with_video": (
        "You gave a video as the picture, besides a motion from the library. {cost} "
        "Send the picture that should move, or use the video without the motion."
    ),
    "motion_and_video": (
        "You gave a video and a motion from the library; I can only use one of them. {cost} "
        "Leave one out and try again."
    ),
    "motion_or_video_missing": (
        "I need to know which motion the picture should get. {cost} "
        "Add a video of 3 to 30 s, or a motion from the library (/motions shows them)."
    ),
    "motion_name_unusable": (
        "A motion's name needs 1 to {limit} letters that can be seen. Nothing was changed. {cost} "
        "Give it a short one, such as “happy dance”."
    ),
    "motion_name_taken": (
        "This server's library has a motion “{name}” already. Nothing was changed. {cost} "
        "Choose another name, or remove the old one first."
    ),
    "motion_tags_unusable": (
        "A motion can have up to {limit} tags of up to {longest} letters each. Nothing was changed. {cost} "
        "Use fewer or shorter ones, with commas between them."
    ),
    "motions_full": (
        "This server's library has {limit} motions, which is as many as it can hold. Nothing was changed. "
        "{cost} Remove one that is seldom used, then add this one again."
    ),
    "motions_too_large": (
        "This motion needs {size:size}, and this server's library has {left:size} of {limit:size} left. "
        "Nothing was changed. {cost} Remove some motions, or add a shorter or smaller video."
    ),
    "motions_busy": (
        "I cannot look into the library just now. {cost} Try again in a minute, or attach a video instead."
    ),
    "motion_video_missing": (
        "There is no video in this message. Nothing was changed. {cost} "
        "Use “Add to motions” on a message with a video of 3 to 30 s attached."
    ),
}
