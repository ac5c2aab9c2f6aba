"""What the buttons below a finished clip say, and `/jobs`."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "button_again": "Run again",
    "button_change_clip": "Change",
    "button_share": "Share",
    "button_erase": "Delete",
    "button_erase_sure": "Yes, delete it",
    "card_parent": "-# Another version of [an earlier clip]({link})",
    "copy_shared": (
        "{name} shares a clip; it was made in {link}.",
        "{name} shares a clip.",
    ),
    "copy_shown": (
        "{name} brings back a clip; it was made in {link}.",
        "{name} brings back a clip.",
    ),
    "copy_link_only": (
        "It is too large to be posted here: {link}",
        "It is too large to be posted here; the button opens it.",
    ),
    "copy_link_instead": (
        "Discord does not take its file here: {link}",
        "Discord does not take its file here; the button opens it.",
    ),
    "result_link_instead": (
        "{mention} Your clip is ready. Discord does not take its file here: {link}",
        "{mention} Your clip is ready. Discord does not take its file here; use the button to open it.",
        "Your clip is ready. Discord does not take its file here: {link}",
        "Your clip is ready. Discord does not take its file here; use the button to open it.",
    ),
    "shared_now": "Your clip is shared: {link}",
    "shared_already": "This clip has been shared already, and that can be done once: {link}",
    "shown_now": "Here it is: {link}",
    "shown_already": "It stands here already: {link}",
    "erase_sure": (
        "This deletes the clip for everybody: messages, files, link. The channel will say that it was you. "
        "What it cost stays spent. It cannot be undone, and the clip cannot be run again."
    ),
    "erased": "The clip is deleted: messages, files and link are gone.",
    "command_jobs": "Your clips in this server: how far they are, and where the finished ones stand",
    "option_show": "Bring one of your finished clips back, into this channel",
    "mine_title": "### Your clips in this server",
    "mine_none": "You have made no clip here yet. Begin with /animate.",
    "mine_running": "**Under way**",
    "mine_recent": "**Finished**",
    "mine_older": "**Older ones**",
    "mine_step": (
        "{title}: {stage}, place {place}, expected start: {starts}",
        "{title}: {stage}, place {place}",
        "{title}: {stage}, {percent} %, expected {expected}",
        "{title}: {stage}, {percent} %",
    ),
    "mine_ready": (
        "{title}: ready {when}, {seconds:number} s, {price:money}",
        "{title}: ready {when}, {seconds:number} s",
        "{title}: ready {when}",
    ),
    "mine_over": "{title}: ready {when}, no longer kept here; its message may still stand",
    "mine_unposted": (
        "{title}: made {when}, {seconds:number} s, {price:money}, but it could not be posted",
        "{title}: made {when}, {seconds:number} s, but it could not be posted",
    ),
    "mine_unposted_over": "{title}: made {when}, but it could not be posted, and is no longer kept here",
    "answer_unposted": (
        "{name}'s clip is ready, but could not be posted. /jobs brings it back. What happened: {link}",
        "{name}'s clip is ready, but could not be posted. /jobs brings it back.",
    ),
    "mine_removed": "{title}: was removed {when}",
    "mine_failed": "{title}: could not be made, {when}",
    "mine_cancelled": "{title}: was cancelled {when}",
    "mine_title_linked": "[{name}]({link})",
    "mine_unnamed": "Clip",
    "button_show": "Show it here",
    "button_mine_older": "Older ones",
    "button_mine_newest": "Refresh",
    "mine_choice": "{name}, {seconds:number} s, {day}",
}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "result_unknown": (
        "I no longer know this clip. Nothing was changed. Nothing was charged. "
        "Use /animate to make a new one, or /jobs to find yours."
    ),
    "result_not_yours": (
        "Only the member who ordered this clip can do that. Nothing was changed. Nothing was charged. "
        "Make one of your own with /animate."
    ),
    "erase_not_yours": (
        "Only the member who ordered this clip, or a moderator, can delete it. Nothing was changed. "
        "Nothing was charged. If something is wrong with it, press Report."
    ),
    "result_removed": (
        "This clip was removed, so it can neither be shown nor be made again. Nothing was charged for this. "
        "Begin a new one with /animate."
    ),
    "result_unfinished": (
        "This clip is not finished. Nothing was changed. Nothing was charged. /jobs shows how far it is."
    ),
    "result_failed": (
        "This clip was not made, so there is nothing to be shown or made again. Nothing was changed. "
        "Nothing was charged. Begin a new one with /animate."
    ),
    "result_not_kept": (
        "I no longer keep this clip: clips are deleted after a while. Nothing was charged for this. "
        "If nobody has removed its message, it is still here: {link}",
        "I no longer keep this clip: clips are deleted after a while. Nothing was charged for this. "
        "Make a new one with /animate.",
    ),
    "ingredients_gone": (
        "I no longer keep the picture and the video of this clip: they are deleted after a while. "
        "Nothing was charged for this. Use /animate and attach both once more."
    ),
    "kept_files_gone": (
        "The picture or the video of the earlier clip is no longer kept, so this one cannot be made. "
        "{cost} Use /animate and attach both once more."
    ),
    "version_running": (
        "Another version of this clip is being made already. Nothing was ordered now. Nothing was charged. "
        "/jobs shows how far it is; press again when it is done."
    ),
    "adults_elsewhere": (
        "This clip was made in an age-restricted channel, so it can only be shown or made again in one. "
        "Nothing was changed. Nothing was charged. Do it there."
    ),
    "share_in_place": (
        "This clip stands in the channel itself, so everybody there sees it. Nothing was changed. "
        "Nothing was charged."
    ),
    "share_nowhere": (
        "I share clips from a thread into its channel, but this one has no channel that takes messages. "
        "Nothing was changed. Nothing was charged. In another channel, /jobs can show it."
    ),
    "copy_not_yours_to_post": (
        "You may not post files in {channel}, so I do not post the clip there for you. Nothing was changed. "
        "Nothing was charged. If you should be able to, ask a moderator for the right to send files."
    ),
    "copy_not_mine_to_post": (
        "I may not post files in {channel}. Nothing was changed. Nothing was charged. "
        "A moderator can give me View Channel, Send Messages and Attach Files there."
    ),
    "copy_refused": (
        "Discord did not let me post the clip there. Nothing was changed. Nothing was charged. "
        "Try another channel with /jobs, or ask a moderator."
    ),
    "copy_uncertain": (
        "Discord did not answer, so the clip may or may not stand there. Nothing was charged. "
        "Look, and press again in a moment: it is not posted twice."
    ),
}
