"""What a person chooses in a menu of people, roles or channels, as the simulation takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simcord import MemberActor, RoleHandle, UserHandle
from simcord.enums import ComponentType

from demo.world import ImpossibleError, World


def handles(world: World, kind: int, values: Sequence[str]) -> list[Any]:
    """Turn ids from a menu of Discord's component type `kind` into what stands behind them.

    A menu of texts keeps its texts. Raises `ImpossibleError` for what is gone.
    """
    find = _FINDERS.get(kind)
    if find is None:
        return list(values)
    try:
        return [find(world, int(value)) for value in values]
    except (KeyError, ValueError) as error:
        raise ImpossibleError("What you chose is gone.") from error


def _person(world: World, user_id: int) -> MemberActor:
    return MemberActor(world.env, world.guild, UserHandle(world.env, world.discord.users[user_id]))


def _role(world: World, role_id: int) -> RoleHandle:
    return RoleHandle(world.env, world.guild, world.discord.get_guild(world.guild.id).roles[role_id])


def _mentionable(world: World, identifier: int) -> MemberActor | RoleHandle:
    return _person(world, identifier) if identifier in world.discord.users else _role(world, identifier)


_FINDERS: dict[int, Callable[[World, int], Any]] = {
    ComponentType.USER_SELECT: _person,
    ComponentType.ROLE_SELECT: _role,
    ComponentType.MENTIONABLE_SELECT: _mentionable,
    ComponentType.CHANNEL_SELECT: World.channel,
}
