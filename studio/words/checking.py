"""What is said of the optional picture check."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "setting_check_pictures": "Picture check",
    "audit_set_check_pictures": "{actor} switched the picture check {value}.",
    "panel_check_pictures": (
        "-# A model on my own machine looks for nudity in pictures, videos and finished clips, except in "
        "age-restricted channels. A hit goes to the moderators before anything is charged, also where "
        "approval is off; a finished clip is posted behind a spoiler and reported. It can be wrong both ways."
    ),
    "panel_check_nowhere": (
        "✗ There is no channel for approvals yet: choose one above. Until then a clip with a hit waits, and "
        "ends uncharged when nobody was asked in time; reports wait in /studio reports."
    ),
    "panel_check_missing": (
        "✗ The package for the check is no longer installed here. Every clip waits for a moderator until the "
        "bot's operator installs requirements-safety.txt, or you switch the check off."
    ),
    "why_picture": "The picture check found {what} in the picture. It can be wrong: please look.",
    "why_video": "The picture check found {what} in the video. It can be wrong: please look.",
    "why_result": "The picture check found {what} in the clip. It can be wrong: please look.",
    "why_unchecked": "The picture check broke down at these files. Please look for yourself.",
    "seen_breasts": "bare breasts",
    "seen_buttocks": "a bare bottom",
    "seen_genitals": "bare genitals",
    "result_covered": (
        "Hidden until you press it: my picture check was not sure about it, so moderators look at it, too."
    ),
    "audit_clip_covered": "{actor} posted clip {job} behind a spoiler and reported it.",
}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "check_not_installed": (
        "The picture check needs a package that is not installed here. Nothing was changed. Nothing was "
        "charged. Ask the bot's operator to install requirements-safety.txt and to restart the bot."
    ),
}
