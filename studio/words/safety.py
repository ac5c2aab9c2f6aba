"""What reports, takedowns and `/privacy` say."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "button_report": "Report",
    "button_delete": "Delete the clip",
    "button_block": "Block its maker",
    "button_dismiss": "Dismiss",
    "report_form": "Report this clip",
    "report_field": "What is wrong with it?",
    "report_thanks": (
        "Thank you. This server's moderators have it in front of them now; only they can see that it was you."
    ),
    "report_kept": (
        "Thank you. Your report is kept, and moderators find it with /studio reports. They have not told me "
        "a channel that I can reach, so if it is urgent, write to one of them as well."
    ),
    "report_open": (
        "**Report** by {reporter}: [this clip]({link}), which {member} made.\nWhy: {reason}\n-# Clip {clip}"
    ),
    "report_urgent": (
        "**Urgent: somebody says that they are shown.** {reporter} asks to take down [this clip]({link}), "
        "which {member} made.\nWhy: {reason}\n-# Clip {clip}"
    ),
    "report_words": "Its words: {words}",
    "report_by_studio": "my own check",
    "report_by_former": "somebody who had their data deleted",
    "report_deleted": "**The clip was taken down** ({moderator}).",
    "report_blocked": "**{moderator} blocked** whoever made the clip. The clip itself still stands.",
    "report_dismissed": "**Dismissed** by {moderator}. The clip stays.",
    "reports_none": "No report is waiting for a decision.",
    "reports_waiting": "{count} reports are waiting for a decision; the most pressing ones first:",
    "clip_taken_down": "The clip is taken down: messages and files are gone, and it cannot be made again.",
    "clip_being_taken_down": (
        "The clip is marked as taken down: nobody can watch it here or make it again. Not all of its "
        "messages and files could be removed just now; they follow by themselves."
    ),
    "answer_removed": ("{name}'s clip was removed by {actor}.", "A clip was removed from here."),
    "command_studio_takedown": "Take a clip down: its messages, its files and its link",
    "command_studio_reports": "The reports that nobody has decided on yet",
    "option_clip": "A link to the clip's message, or the clip's number",
    "option_takedown_reason": "Why; it is kept in the record",
    "command_privacy": "What I store about you, your copy of it, and how to have it deleted",
    "button_export": "Send me my data",
    "button_forget": "Delete everything about me…",
    "button_forget_all": "Yes, delete it all",
    "button_shown": "I am shown in a clip…",
    "privacy_stored": (
        "**What I store about you:** your orders (words, file names, price, when and where), what they cost, "
        "your consent, motions that you added or used, reports, moderators' decisions.\n**Where it goes:** "
        "picture, video and words go to {provider}, who makes the clip; the clip is posted on Discord.\n"
        "**For how long:** pictures, videos, clips and words {days} days; "
        "the rest until you delete it."
    ),
    "privacy_trial": (
        "**What I store about you:** your orders (words, file names, price, when and where), what they cost, "
        "your consent, motions that you added or used, reports, moderators' decisions.\n**Where it goes:** "
        "nowhere but Discord, since clips are trials made on my own machine.\n"
        "**For how long:** pictures, videos, clips, words and file names {days} days; "
        "the rest until you delete it."
    ),
    "privacy_choices": (
        "For your next clip I also remember what you chose last, a file that you picked from a message for "
        "15 minutes, and your last picture for an hour."
    ),
    "privacy_kept": (
        "If you delete it, the books of what clips cost, blocks and moderators' decisions stay without your "
        "name. "
        "My messages stay on Discord until you or a moderator remove them; deleting takes the clips down."
    ),
    "alt_privacy_export": "Everything that is stored about you, as a file",
    "privacy_exported": "This is everything that I store about you. Only you can see this message.",
    "privacy_forget_sure": (
        "This deletes everything about you in all servers: your clips are taken down, running ones cancelled "
        "where that is still possible (what was charged stays charged), words, names, files and consent go. "
        "The books of what clips cost, shares used, blocks and moderators' decisions stay without your name. "
        "It cannot be undone."
    ),
    "privacy_forgotten": (
        "Everything about you is deleted. The books of what clips cost, and blocks, stay without your name."
    ),
    "privacy_being_forgotten": (
        "Nearly everything about you is deleted. The rest, such as a clip that is being made at the moment, "
        "follows by itself as soon as it has come to its end."
    ),
    "shown_form": "I am shown in a clip",
    "shown_link": "Link to the message with the clip",
    "shown_reason": "What should the moderators know?",
    "shown_thanks": "Thank you. That server's moderators have your request in front of them, marked urgent.",
    "audit_clip_reported": "Clip {job} was reported.",
    # Read by everybody where there is no channel for moderators: nobody should learn of which clip it is.
    "audit_report_unseen": (
        "A report waits for moderators, but I cannot post it in {channel}: the channel is gone or closed to "
        "me. Look at it with /studio reports, and choose another channel with /studio setup, or let me in.",
        "A report waits for moderators, but no channel is chosen in which I could show it. "
        "Look at it with /studio reports, and choose a channel for approvals with /studio setup.",
    ),
    "audit_clip_deleted": ("{actor} took clip {job} of {subject} down.", "{actor} took clip {job} down."),
    "audit_report_dismissed": (
        "{actor} dismissed a report about clip {job} of {subject}.",
        "{actor} dismissed a report about clip {job}.",
    ),
    "audit_takedown_incomplete": (
        "Clip {job} was taken down, but I could not remove its message, since I may not see its channel. "
        "Please delete it there."
    ),
}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "taken_down": (
        "{actor} took this clip down. {cost} It cannot be made again; ask this server's moderators why.",
        "This clip was taken down. {cost} It cannot be made again; ask this server's moderators why.",
    ),
    "clip_unknown": (
        "I know no such clip here. Nothing was changed. Nothing was charged. "
        "Give me the link of the message with the clip (Copy Message Link), or its number."
    ),
    "clip_gone": (
        "This clip has been taken down already. Nothing was charged for this. There is nothing left to do."
    ),
    "reported_already": (
        "You have reported this clip already, and the moderators have your report. Nothing was charged. "
        "If it is urgent, write to one of them as well."
    ),
    "reported_decided": (
        "You have reported this clip already, and this server's moderators have decided on it. "
        "Nothing was charged. If they should look at it again, write to one of them."
    ),
    "report_unknown": (
        "I no longer know this report. Nothing was changed. Nothing was charged for this. "
        "/studio reports shows those that are open."
    ),
    "report_decided": (
        "Another moderator was quicker: this report has been decided already. Nothing was changed. "
        "Nothing was charged."
    ),
    "explicit_words": (
        "Your words ask for something explicit, which I only take in age-restricted channels. "
        "Nothing was charged. Say it without, or ask a moderator for such a channel."
    ),
}
