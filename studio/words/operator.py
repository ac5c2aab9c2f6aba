"""The English wording of what only the operator reads, by code."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "operator_alarm": (
        "⚠️ **{subject}**\n{text}\n-# I tell you once; the log has the rest. See docs/operating.md."
    ),
    "operator_spent": (
        "Today {today:money} for {today_clips}, this month {month:money} for {month_clips}. "
        "The month ends {when}. Money on hold is included, the clips are those under way or delivered."
    ),
    "operator_budget": "The month's budget is {limit:money}.",
    "operator_no_budget": "There is no monthly budget (MONTHLY_BUDGET_USD).",
    "operator_server": (
        "· {server}: {spent:money} for {clips}, cap {cap}",
        "· {server}: {spent:money} for {clips}",
    ),
    "operator_queue": "Jobs under way: {jobs}.",
    "operator_is_paused": (
        "**Paused**: nothing new is taken or sent to the renderer. /operator resume ends it."
    ),
    "operator_is_draining": "**Draining**: no new orders. /operator resume ends it.",
    "operator_is_listed_only": "Only servers that you allowed may order.",
    "operator_paused": (
        "Paused. No orders are taken, what waits stays waiting; what is being rendered is still delivered. "
        "/operator resume ends it."
    ),
    "operator_resumed": "Resumed. Orders are taken again, and the queue goes on.",
    "operator_draining": (
        "Draining. No new orders are taken, what was taken is finished. Update when /operator status shows "
        "no jobs; /operator resume ends it."
    ),
    "operator_listed_only": "From now on only servers that you allowed with /operator access may order.",
    "operator_listed_all": "From now on every server may order, except those that you denied.",
    "operator_cap_set": "{server} may spend {limit:money} a month.",
    "operator_cap_gone": "{server} has no cap of its own any more.",
    "operator_access_allowed": "{server} may order clips.",
    "operator_access_denied": "{server} may not order clips any more. What was ordered is still delivered.",
    "operator_access_house": "{server} is treated like every other server.",
    "audit_server_cap": (
        "{actor}, for the bot's operator, let this server spend {cap_usd_micros:money} a month at most.",
        "{actor}, for the bot's operator, took away this server's own monthly cap.",
    ),
    "audit_server_access": (
        "{actor} decided for the bot's operator: this server {access}.",
        "{actor} decided for the bot's operator: this server is treated like every other.",
    ),
    "access_allowed": "may order clips",
    "access_denied": "may not order clips",
    "command_operator": "Spending, caps and pauses over all servers",
    "command_operator_status": "What was spent, by whom, and what is under way",
    "command_operator_pause": "Take no orders, send nothing to the renderer",
    "command_operator_resume": "End every pause and the draining",
    "command_operator_drain": "Take no new orders before an update; finish the others",
    "command_operator_listed": "Whether only servers on your list may order",
    "command_operator_cap": "What a server may spend each month (UTC)",
    "command_operator_access": "Allow or deny a server",
    "option_operator_listed": "Yes: only allowed servers; no: all but the denied ones",
    "option_operator_server": "A server that I am in, or its id",
    "option_operator_dollars": "Dollars a month; nothing = no cap",
    "option_operator_access": "Allow, deny, or treat it like the others",
    "choice_access_allowed": "allow",
    "choice_access_denied": "deny",
    "choice_access_house": "like the others",
}
