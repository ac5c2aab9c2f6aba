"""What the motion library says: browsing, ordering with a motion, and keeping the library."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "option_motion": "A motion from this server's library, instead of a video",
    "motion_suggested": "{name} · {seconds:number} s",
    "motion_suggested_tags": "{name} · {seconds:number} s · {tags}",
    "notice_motion_trimmed": "This motion is {seconds:number} s long; I used the first {kept:number} s.",
    "command_motions": "Browse this server's motions, and animate a picture with one of them",
    "option_motion_search": "Part of a name, or a tag",
    "motions_title": "### Motions · page {page} of {pages}",
    "motions_title_search": "### Motions for “{words}” · page {page} of {pages}",
    "motions_none_found": "No motion has these words in its name or tags. Try a shorter one, or show all.",
    "motions_empty": (
        "There are no motions here yet. Moderators can add some; until then, attach a video to /animate."
    ),
    "motions_empty_moderator": (
        "There are no motions here yet. Add one with /library add, or long-press a message with a video: "
        "Apps › Add to motions."
    ),
    "motion_shown": (
        "**{name}** · {seconds:number} s\n-# {tags} · used {used} ×",
        "**{name}** · {seconds:number} s\n-# used {used} ×",
        "**{name}** · {seconds:number} s\n-# {tags}",
        "**{name}** · {seconds:number} s",
    ),
    "alt_motion": "Looping preview of the motion “{name}”",
    "button_motion_use": "Animate with this",
    "button_motions_back": "Back",
    "button_motions_more": "More",
    "button_motions_all": "Show all",
    "button_motions_search": "Search",
    "motions_search_form": "Search the motions",
    "motions_search_field": "Part of a name, or a tag",
    "command_library": "Keep this server's motions: for moderators",
    "command_library_add": "Add a motion from a video",
    "command_library_rename": "Give a motion another name",
    "command_library_tag": "Give a motion other tags",
    "command_library_remove": "Remove a motion; clips that are being made with it go on",
    "option_motion_video": "A video of 3 to 30 s (longer ones are cut)",
    "option_motion_name": "What members will look for",
    "option_motion_tags": "Words to find it by, with commas between them",
    "option_motion_which": "Which motion",
    "motion_added": (
        "“{name}” is in the library: {seconds:number} s, tags {tags}. Members find it with /motions.",
        "“{name}” is in the library: {seconds:number} s. Members find it with /motions.",
    ),
    "motion_saved": (
        "Saved: “{name}”, {seconds:number} s, tags {tags}.",
        "Saved: “{name}”, {seconds:number} s, without tags.",
    ),
    "motion_remove_sure": (
        "Remove “{name}” from the library? Clips that are being made with it go on; then its files are "
        "deleted. It cannot be undone."
    ),
    "motion_removed": "“{name}” is removed. Its files go as soon as no clip needs them any more.",
    "button_motion_edit": "Name and tags",
    "button_motion_remove": "Remove…",
    "button_motion_sure": "Yes, remove it",
    "button_motion_draw": "Draw one for trying",
    "motion_edit_form": "Name and tags",
    "motion_name_field": "Name",
    "motion_tags_field": "Tags",
    "drawn_motion_name": "Jump for joy",
    "drawn_motion_tags": "drawn, jump",
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
    "motion_not_fetched": (
        "Discord did not give me that video. Nothing was changed. {cost} "
        "Try again in a minute; if it was deleted, send it anew."
    ),
    "motion_video_missing": (
        "There is no video in this message. Nothing was changed. {cost} "
        "Use “Add to motions” on a message with a video of 3 to 30 s attached."
    ),
}
