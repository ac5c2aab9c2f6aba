"""Limits, grants, blocks and filters: their commands, and what they say."""

from __future__ import annotations

from collections.abc import Mapping

_LIMITS: Mapping[str, str | tuple[str, ...]] = {
    "command_studio_limits": "How many clips the server, roles and members may have",
    "command_studio_limits_show": "Every limit of this server on one page",
    "command_studio_limits_pool": "What the whole server may use; leave both out for no limit",
    "command_studio_limits_role": "What each member with a role (or @everyone) may use; no number, no limit",
    "command_studio_limits_member": "A personal limit instead of the roles' one; without a number: none",
    "option_period": "How often it begins anew",
    "option_pool_clips": "Clips for the whole server in each period",
    "option_role_clips": "Clips for each member with the role in each period",
    "option_personal_clips": "Clips for this member in each period of their role",
    "option_dollars": "Dollars in each period, such as 2.50",
    "option_at_once": "Unfinished clips at once",
    "option_longest": "Longest video in seconds",
    "option_priority": "Higher is earlier in this server's queue",
    "option_role": "The role",
    "choice_per_day": "per day",
    "choice_per_week": "per week",
    "choice_per_month": "per month",
    "period_day": "day",
    "period_week": "week",
    "period_month": "month",
    "clips_one": "1 clip",
    "clips_many": "{number} clips",
    "share_limits": (
        "{clips} and {amount:money} per {period}",
        "{clips} per {period}",
        "{amount:money} per {period}",
        "no limit",
    ),
    "allowance_line": "{role}: {share} each",
    "allowance_at_once": "{number} at once",
    "allowance_longest": "videos up to {seconds:number} s",
    "allowance_priority": "priority {number}",
    "limits_line": "{pool} for the whole server; roles with allowances: {number}",
    "limits_pool": (
        "### Limits\n**The whole server**: {share}\n"
        "**Members, by role** (with several roles, what one of them allows is allowed)"
    ),
    "limits_lifted": (
        "⚠ For {roles} neither clips nor dollars are set. Whoever has such a role may use as much as they "
        "like, whatever their other roles say. If you do not mean that, set a number with "
        "/studio limits role."
    ),
    "limits_rest_free": (
        "⚠ Members without any of these roles have no limit of their own. If you do not mean that, set one "
        "for @everyone with /studio limits role."
    ),
    "limits_no_roles": "No limits for roles.",
    "limits_given": "**Given and taken**",
    "hint_drop": "Remove the allowance of a role …",
    "role_gone": "Deleted role {id}",
    "given_more": (
        "{subject}: {clips} more in each period, until {until}, by {actor}",
        "{subject}: {clips} more in each period, by {actor}",
    ),
    "given_less": (
        "{subject}: {clips} less in each period, until {until}, by {actor}",
        "{subject}: {clips} less in each period, by {actor}",
    ),
    "given_limit": (
        "{subject}: personal limit of {clips}, until {until}, by {actor}",
        "{subject}: personal limit of {clips}, by {actor}",
    ),
    "studio_personal_limit_set": (
        "{subject} has a personal limit of {clips} for each period, until {until}.",
        "{subject} has a personal limit of {clips} for each period.",
    ),
    "studio_personal_limit_removed": "{subject} has no personal limit any more; the roles' limits count.",
}

_GRANTS: Mapping[str, str | tuple[str, ...]] = {
    "command_studio_grant": "Give a member, or each member with a role, more clips",
    "command_studio_take": "Take clips from what a member, or each member with a role, may use",
    "option_clips": "How many clips, in each period",
    "option_member_given": "The member; or choose a role",
    "option_role_given": "The role; or choose a member",
    "option_span": "For how long, such as 12h, 7d or 4w; for good if left out",
    "studio_granted": (
        "{subject} may use {clips} more in each period, until {until}.",
        "{subject} may use {clips} more in each period.",
    ),
    "studio_taken": (
        "{subject} may use {clips} less in each period, until {until}.",
        "{subject} may use {clips} less in each period.",
    ),
    "studio_grant_idle": (
        "⚠ That changes nothing for now: {subject} has no limit that is counted in clips. A grant adds to or "
        "takes from such a limit only, not from dollars or from what the whole server may use. "
        "See /studio limits show."
    ),
}

_BLOCKS: Mapping[str, str | tuple[str, ...]] = {
    "command_studio_block": "Let a member make no clips here, for a while or for good",
    "command_studio_unblock": "Let a blocked member make clips again",
    "option_member": "The member",
    "studio_blocked": (
        "{subject} can make no clips here until {until}. What waits for a yes ends at no cost; "
        "what is under way goes on, and /studio jobs can cancel it.",
        "{subject} can make no clips here. What waits for a yes ends at no cost; "
        "what is under way goes on, and /studio jobs can cancel it.",
    ),
    "studio_unblocked": "{subject} can make clips again.",
    "studio_not_blocked": "{subject} is not blocked. Nothing was changed.",
    "block_line": (
        "-# {since} by {actor}: {reason} · lifted {lifted} by {lifter}",
        "-# {since} by {actor}: {reason} · until {until}",
        "-# {since} by {actor}: {reason}",
    ),
}

_FILTERS: Mapping[str, str | tuple[str, ...]] = {
    "command_studio_filter": "Words and patterns that no prompt may contain",
    "command_studio_filter_add": "Add a word (with * for any letters) or a /pattern/",
    "command_studio_filter_remove": "Remove a word or pattern",
    "command_studio_filter_list": "Show all words and patterns, only to you",
    "command_studio_filter_test": "Try a text on this server's filter",
    "option_rule": "A word or words, * for any letters; or a pattern between slashes: /colou?r/",
    "option_example": "A text that it has to catch, as a test before it is saved",
    "option_rule_given": "The word or pattern",
    "option_sample": "The text to try",
    "studio_filter_added": "Prompts with {rule} are refused from now on.",
    "studio_filter_removed": "{rule} is no longer filtered.",
    "studio_filter_none": "No words are filtered here. Add one with /studio filter add.",
    "studio_filter_list": "Filtered here ({number}): {rules}",
    "studio_filter_caught": "That text would be refused, because of {rules}",
    "studio_filter_passes": "That text would pass.",
    "studio_filter_lost": (
        "⚠ I cannot read these any more, so they refuse nothing: {rules} "
        "Remove them with /studio filter remove, and add them in another way."
    ),
}

SAID: Mapping[str, str | tuple[str, ...]] = {**_LIMITS, **_GRANTS, **_BLOCKS, **_FILTERS}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "member_or_role": (
        "I need either a member or a role. Nothing was changed. Nothing was charged. Choose one of the two."
    ),
    "block_yourself": (
        "You cannot block yourself. Nothing was changed. Nothing was charged. Choose somebody else."
    ),
    "allowances_full": (
        "There are {limit} roles with allowances already. Nothing was changed. Nothing was charged. "
        "Remove one of them in /studio limits show."
    ),
    "filters_full": (
        "There are {limit} words and patterns already. Nothing was changed. Nothing was charged. "
        "Remove some, or join several in one pattern."
    ),
    "filter_length": (
        "A word or pattern has 1 to {limit} characters. Nothing was changed. Nothing was charged. Shorten it."
    ),
    "filter_unreadable": (
        "I cannot read that pattern. Nothing was changed. Nothing was charged. "
        "Look at its brackets; back references and look-arounds are not possible."
    ),
    "filter_catches_all": (
        "That would catch quite ordinary prompts, too. Nothing was changed. Nothing was charged. "
        "Make it more exact."
    ),
    "filter_misses_example": (
        "That does not catch your example. Nothing was changed. Nothing was charged. Change one of the two."
    ),
    "filter_unknown": (
        "I have no such word or pattern. Nothing was changed. Nothing was charged. See /studio filter list."
    ),
    "prompt_filtered_word": (
        "Your prompt contains a word that this server's moderators do not want. Nothing was charged. "
        "Say it in another way, or ask them."
    ),
    "prompt_filtered_pattern": (
        "Your prompt contains something that this server's moderators do not want. Nothing was charged. "
        "Say it in another way, or ask them."
    ),
}

DECISIONS: Mapping[str, str | tuple[str, ...]] = {
    "audit_pool_set": "{actor} set what the whole server may use: {share}.",
    "audit_allowance_set": "{actor} set an allowance. {limits}.",
    "audit_allowance_removed": "{actor} removed the allowance of {subject}.",
    "audit_personal_limit_set": (
        "{actor} gave {subject} a personal limit of {clips} until {until}.",
        "{actor} gave {subject} a personal limit of {clips}.",
    ),
    "audit_personal_limit_removed": "{actor} removed the personal limit of {subject}.",
    "audit_granted": (
        "{actor} gave {subject} {clips} more in each period until {until}.",
        "{actor} gave {subject} {clips} more in each period.",
    ),
    "audit_taken": (
        "{actor} took {clips} from {subject} in each period until {until}.",
        "{actor} took {clips} from {subject} in each period.",
    ),
    "audit_blocked": ("{actor} blocked {subject} until {until}.", "{actor} blocked {subject}."),
    "audit_unblocked": "{actor} unblocked {subject}.",
    "audit_filter_added": "{actor} has prompts with {rule} refused.",
    "audit_filter_removed": "{actor} no longer has prompts with {rule} refused.",
}
