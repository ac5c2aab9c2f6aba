"""The panel of `/studio setup`: its pages, choices, options and checks."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "command_studio_setup": "This server's rules on one panel, with a check of my permissions",
    "page_overview": "Overview",
    "page_places": "Places and roles",
    "page_approval": "Approval",
    "page_defaults": "Defaults",
    "page_log": "Log and check",
    "panel_overview": (
        "### Set up the studio\nEverything is saved as soon as you choose it, and recorded with your name."
    ),
    "panel_places": "### Places and roles",
    "panel_approval": "### Approval and prices",
    "panel_defaults": "### Defaults for members' clips",
    "panel_log": "### Log and permissions",
    "panel_line": "**{title}**: {value}",
    "panel_limits": "**Limits**: {limits}\n-# Change them with /studio limits.",
    "panel_paused": "**New clips are paused.** /studio resume opens them again.",
    "panel_gone": "Some of what was chosen no longer exists in this server: {gone}",
    "button_remove_gone": "Remove what is gone",
    "button_check_again": "Check again",
    "button_change": "Change: {title}",
    "button_switch_on": "Switch on: {title}",
    "button_switch_off": "Switch off: {title}",
    "select_more": "{title}: {number} more than fit here",
    "switch_on": "on",
    "switch_off": "off",
    "setting_channel_ids": "Channels for clips",
    "hint_channel_ids": "Every channel",
    "setting_role_ids": "Roles that may make clips",
    "hint_role_ids": "Everybody",
    "setting_moderator_role_ids": "Roles that may use /studio",
    "hint_moderator_role_ids": "Only who may manage the server",
    "setting_spoiler_channel_ids": "Channels where clips are hidden behind a spoiler",
    "hint_spoiler_channel_ids": "None",
    "setting_approval_mode": "Moderators are asked",
    "hint_approval_mode": "When moderators are asked",
    "approval_mode_off": "never",
    "approval_mode_everyone": "for everybody's clips",
    "approval_mode_without_roles": "for members without the roles below",
    "approval_mode_above_price": "above a price",
    "approval_mode_over_limit": "when somebody is over their limit",
    "setting_approval_channel": "Channel for approvals and reports",
    "hint_approval_channel": "None yet",
    "setting_approval_exempt": "Roles that need no approval",
    "hint_approval_exempt": "None",
    "setting_approval_days": "How long a request waits for an answer",
    "hint_approval_days": "Time for an answer",
    "approval_days_1": "one day",
    "approval_days_3": "3 days",
    "approval_days_7": "a week",
    "approval_days_14": "two weeks",
    "approval_days_30": "30 days",
    "setting_approval_above": "Price above which moderators are asked",
    "hint_approval_above": "None",
    "setting_confirm_above": "Price above which members confirm first",
    "hint_confirm_above": "None",
    "setting_orientation": "Direction of the person",
    "hint_orientation": "Direction of the person",
    "orientation_auto": "by the video's length",
    "orientation_video": "as in the video",
    "orientation_image": "as in the picture",
    "setting_keep_sound": "Sound of the video",
    "setting_shot_type": "Camera",
    "hint_shot_type": "Camera",
    "shot_type_customize": "customize",
    "shot_type_intelligent": "intelligent",
    "setting_consent": "Members' consent before their first clip",
    "setting_language": "Language of what everybody reads",
    "hint_language": "Language",
    "language_auto": "as this server has told Discord",
    "language_en": "English",
    "language_de": "Deutsch",
    "language_fr": "Français",
    "language_es": "Español",
    "language_pt_BR": "Português (Brasil)",
    "language_ja": "日本語",
    "language_ko": "한국어",
    "language_zh_Hans": "简体中文",
    "language_pl": "Polski",
    "language_tr": "Türkçe",
    "setting_time_zone": "Time zone",
    "setting_log_channel": "Log channel",
    "hint_log_channel": "No log",
    "form_money": "Dollars, such as 0.50; empty for none",
    "form_zone": "City or zone, such as Berlin or America/New York",
    "check_fine": "✓ I have every permission that I need in {channel}.",
    "check_missing": (
        "✗ In {channel} I lack **{permissions}**.\n-# Server Settings › Roles › {role}: switch them on. "
        "Or only there: Edit Channel › Permissions › {role}."
    ),
    "check_gone": (
        "✗ {channel} no longer exists, or I cannot see it: choose another one, or give me View Channel."
    ),
    "check_no_approval_channel": "✗ Moderators are to be asked, but there is no channel for it: choose one.",
    "permission_view_channel": "View Channel",
    "permission_connect": "Connect",
    "permission_attach_files": "Attach Files",
    "permission_read_message_history": "Read Message History",
    "permission_send_messages": "Send Messages",
    "permission_send_messages_in_threads": "Send Messages in Threads",
    "check_none": "Choose channels, and I check whether I may work there.",
}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "no_such_choice": (
        "I do not know that choice; the panel may be from an older version of me. Nothing was changed. "
        "Nothing was charged. Open it again with /studio setup."
    ),
    "time_zone_unknown": (
        "I know no time zone “{given}”. Nothing was changed. Nothing was charged. "
        "Try a large city near you, or a name such as Europe/Berlin."
    ),
    "amount_unclear": (
        "I cannot read “{given}” as dollars. Nothing was changed. Nothing was charged. Write it like 2.50."
    ),
    "span_unclear": (
        "I cannot read “{given}” as a length of time. Nothing was changed. Nothing was charged. "
        "Write it like 12h, 7d or 4w; leave it out for good."
    ),
}

DECISIONS: Mapping[str, str | tuple[str, ...]] = {
    "audit_set_channel_ids": (
        "{actor} lets clips be made only in {value}.",
        "{actor} lets clips be made in every channel.",
    ),
    "audit_set_role_ids": ("{actor} lets only {value} make clips.", "{actor} lets everybody make clips."),
    "audit_set_moderator_role_ids": (
        "{actor} lets {value} use /studio.",
        "{actor} lets only those use /studio who may manage the server.",
    ),
    "audit_set_spoiler_channel_ids": (
        "{actor} has clips hidden behind a spoiler in {value}.",
        "{actor} has clips hidden behind a spoiler nowhere.",
    ),
    "audit_set_approval_mode": "{actor} has moderators asked {value}.",
    "audit_set_approval_channel": (
        "{actor} made {value} the channel for approvals.",
        "{actor} took away the channel for approvals.",
    ),
    "audit_set_approval_exempt": (
        "{actor} lets {value} make clips without approval.",
        "{actor} lets no role make clips without approval.",
    ),
    "audit_set_approval_days": "{actor} gave moderators this long for an answer: {value}.",
    "audit_set_approval_above": (
        "{actor} has moderators asked about prices above {value}.",
        "{actor} took away the price above which moderators are asked.",
    ),
    "audit_set_confirm_above": (
        "{actor} has members confirm prices above {value}.",
        "{actor} has members confirm no prices.",
    ),
    "audit_set_orientation": "{actor} set the usual direction of the person to: {value}.",
    "audit_set_keep_sound": "{actor} switched the video's sound {value} unless a member chooses otherwise.",
    "audit_set_shot_type": "{actor} set the usual camera to {value}.",
    "audit_set_consent": "{actor} switched members' consent before their first clip {value}.",
    "audit_set_language": "{actor} set the language to {value}.",
    "audit_set_time_zone": "{actor} set the time zone to {value}.",
    "audit_set_log_channel": (
        "{actor} made {value} the log channel.",
        "{actor} took away the log channel.",
    ),
    "audit_gone_removed": "{actor} took out of the rules what no longer exists here: {value}.",
}
