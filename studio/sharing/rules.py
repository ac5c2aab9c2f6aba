"""What a server's and the operator's rules say to an order before anything is counted. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from studio.errors import OrderRefused
from studio.moderation import filters
from studio.sharing.house import House
from studio.sharing.servers import Server
from studio.texts import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wants a clip, where: `channel_id` is a thread's parent where there is one.

    `role_ids` is asked only where it matters, since the answer waits for it; `texts` are the prompts.
    """

    guild_id: int
    channel_id: int
    member_id: int
    role_ids: Callable[[], tuple[int, ...]]
    texts: tuple[str, ...] = ()


def check(server: Server, house: House, wish: Wish, now: datetime) -> None:
    """Raise `OrderRefused` for the first rule that forbids the order."""
    if house.paused or house.draining:
        raise OrderRefused("bot_paused" if house.paused else "bot_draining")
    if (house.listed_only or server.access is not None) and not house.admits(server.access):
        raise OrderRefused("server_not_allowed")
    if server.policy.paused:
        raise OrderRefused("server_paused")
    check_member(server, wish, now)
    if server.policy.filters:
        filters.check(server.policy.filters, wish.texts)


def check_member(server: Server, wish: Wish, now: datetime) -> None:
    """Raise `OrderRefused` for who may not use the bot there, whether they order or only show a clip."""
    policy = server.policy
    # Not `if server.blocked`: blocks that were not read (None) are to be noticed, not passed.
    block = None if server.blocked == {} else server.block_of(wish.member_id, now)
    if block is not None:
        if block.until is None:
            raise OrderRefused("member_blocked")
        raise OrderRefused("member_blocked", when=moment(block.until))
    if policy.channel_ids and wish.channel_id not in policy.channel_ids:
        raise OrderRefused("channel_not_allowed", channel=f"<#{policy.channel_ids[0]}>")
    if policy.role_ids and not set(policy.role_ids) & {*wish.role_ids(), wish.guild_id}:
        raise OrderRefused("role_not_allowed")
