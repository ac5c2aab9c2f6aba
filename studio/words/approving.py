"""What is said while a clip waits for a yes: of its member, of the moderators, to a price, to likenesses."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    # the card
    "stage_asking": "Waiting for a yes",
    "waiting_for_decision": (
        "The moderators are asked first; their answer comes here. Nothing is charged meanwhile."
    ),
    "moderators_out_of_reach": (
        "I cannot reach the moderators' channel. I keep trying, and nothing is charged meanwhile; "
        "ask whoever manages the server to check it with /studio setup."
    ),
    "waiting_for_confirmation": "Say yes or no to the price below; nothing is charged before that.",
    # the price
    "price_question": "{mention} This clip costs {price:money}. Make it?",
    "price_question_dearer": (
        "{mention} The renderer now asks {price:money} for this clip, more than its listed price. "
        "Make it? Nothing is charged before you say yes."
    ),
    "price_question_trial": "{mention} This clip would cost {price:money}; it is a trial and free. Make it?",
    "press_yes": "Yes",
    "press_no": "No",
    "price_approved_shown": "The price of {price:money} was confirmed.",
    "price_denied_shown": "The price of {price:money} was declined. Nothing was charged.",
    "price_expired_shown": "Nobody confirmed the price of {price:money} within a day. Nothing was charged.",
    "price_withdrawn_shown": "The clip ended before its price was confirmed. Nothing was charged.",
    # the request
    "request_title": "{name}'s clip",
    "why_everyone": "Every clip here needs a moderator's yes.",
    "why_without_roles": "This member has none of the roles that need no asking.",
    "why_above_price": "The price is above what needs no asking.",
    "why_dearer": "The renderer now asks more for it than its listed price.",
    "why_over_limit": "This clip is over a limit; the member asks you to let it through.",
    "alt_request_video": "The video whose motion is used",
    "request_words": "**Words:** {words}",
    "request_no_words": "**Words:** none",
    "request_negative_words": "**Not wanted:** {words}",
    "request_price": "**Price:** {price:money} for {seconds:number} s",
    "request_price_trial": "**Price:** none, this is a trial; {seconds:number} s",
    "request_member": (
        "**Member:** {mention}, on Discord since {since} · clips made: {made} · failed: {failed} · "
        "blocks: {blocks} · reports: {reports}"
    ),
    "request_until": "-# Ordered in {link} · expires {when}",
    "press_approve": "Approve",
    "press_deny": "Deny…",
    "press_block": "Block…",
    "request_approved_shown": "✓ Approved by {by} {when}.",
    "request_denied_shown": ("✗ Denied by {by} {when}: {reason}", "✗ Denied by {by} {when}."),
    "request_expired_shown": "Expired {when}: nobody decided. Nothing was charged.",
    "request_withdrawn_shown": "Over {when}: the clip ended before anybody decided. Nothing was charged.",
    "form_deny": "Deny this clip",
    "form_block": "Block this member",
    "form_reason": "Reason",
    "form_reason_hint": "The member reads it.",
    "form_duration": "For how long",
    "duration_1": "one day",
    "duration_7": "one week",
    "duration_30": "30 days",
    "duration_0": "for good",
    # answers to presses
    "heard_approved": "Approved; the clip goes on.",
    "heard_denied": "Denied. The member is told; nothing was charged.",
    "heard_confirmed": "Thank you, the clip goes on.",
    "heard_declined": "All right, the clip is not made. Nothing was charged.",
    "heard_too_late": (
        "{by} was quicker {when}. Your press changed nothing.",
        "Somebody was quicker. Your press changed nothing.",
    ),
    "heard_over": "This clip no longer waits for an answer. Your press changed nothing.",
    "heard_dearer": (
        "The price has changed since this message. Nothing was changed or charged. "
        "Use my newest message about this clip."
    ),
    "heard_member_blocked": "This member is blocked, so the clip cannot be approved. Lift the block first.",
    "heard_not_yours": "Only the member who ordered this clip can confirm its price. Nothing was changed.",
    "heard_unknown": "I no longer know this clip. Nothing was changed.",
    # petitions
    "button_ask": "Ask a moderator",
    "button_agree": "I agree, make my clip",
}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "approval_denied": (
        "The moderators said no to this clip: {reason} {cost} Ask them if something is unclear.",
        "The moderators said no to this clip. {cost} Ask them if something is unclear.",
    ),
    "approval_expired": (
        "The moderators did not answer in time. {cost} Ask one of them, and use /animate again."
    ),
    "price_declined": (
        "This clip was not made, because its price was declined. {cost} A shorter video costs less."
    ),
    "price_expired": (
        "Nobody confirmed the price of this clip within a day. {cost} Use /animate again to have it."
    ),
    "consent_needed": (
        "Before your first clip here, I need your word: “I may use the likeness of everybody in my picture "
        "and video, and nobody is harmed by it.” Your picture and video go to {provider}, which renders the "
        "clip; here they are deleted together with the clip, some days later. {cost} Agree to that once, and "
        "your clip goes on by itself."
    ),
    "consent_needed_trial": (
        "Before your first clip here, I need your word: “I may use the likeness of everybody in my picture "
        "and video, and nobody is harmed by it.” This is a trial: your picture and video go to nobody, the "
        "clip is made on the bot's own machine. They are deleted together with the clip, some days later. "
        "{cost} Agree to that once, and your clip goes on by itself."
    ),
    "petition_over": (
        "This button has been used, or is too old by now. Nothing was charged. Use /animate again."
    ),
    "already_asked": (
        "The moderators already have a request of yours. Nothing was charged. Wait for their answer first."
    ),
}
