"""Filling in the order form on the simulated Discord, and reading the private answers around it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from studio.models import Job
from tests.bureau import Bureau

ANIMATE, AS_MOTION, AS_PICTURE = "Animate this", "Use as motion", "Use as picture"


async def chosen(bureau: Bureau, menu: str, *files: Any, member: Any = None, channel: Any = None) -> Any:
    """What a command in the menu of a message with these files leads to."""
    world = bureau.world
    channel = channel or world.clips
    message = await world.say(world.moderator, channel, "look", *files)
    return await world.message_command(member or world.member, menu, (channel.id, message))


def fields(shown: Any) -> dict[str, dict[str, Any]]:
    """The form's fields by their custom ids; `text` is what is only read."""
    found: dict[str, dict[str, Any]] = {}
    for part in shown._interaction.modal["components"]:
        if part["type"] == 10:
            found["text"] = part
        else:
            found[part["component"]["custom_id"]] = part["component"] | {"hint": part.get("description")}
    return found


async def sent(bureau: Bureau, shown: Any, *, member: Any = None, **values: Any) -> Any:
    """Send the form as a client does: what was not touched comes back as it was shown."""
    usual: dict[str, Any] = {}
    for name, field in fields(shown).items():
        if name == "prompt":
            usual[name] = field.get("value") or ""
        elif name == "orientation":
            usual[name] = [option["value"] for option in field["options"] if option.get("default")]
    return await bureau.world.submit_modal(member or bureau.world.member, shown, usual | values)


async def pressed(bureau: Bureau, result: Any, prefix: str, *, member: Any = None) -> Any:
    """Press the button of a private answer."""
    message = (result.followups or [result.response])[-1].message if result.followups else message_of(result)
    return await bureau.world.click(member or bureau.world.member, message, custom_id(result, prefix))


async def taken(bureau: Bureau, before: int = 0) -> Job:
    """The order that is woken next after so many."""
    await bureau.world.eventually(lambda: len(bureau.bells.woken) > before)
    return await bureau.job(bureau.bells.woken[-1])


async def states(bureau: Bureau) -> list[str]:
    """The states of all orders that there are."""
    async with bureau.database.read() as connection:
        return list((await connection.execute(text("SELECT state FROM jobs"))).scalars())


def message_of(result: Any) -> Any:
    assert result.response is not None
    return result.response.message


def custom_id(result: Any, prefix: str) -> str:
    return next(each for each in custom_ids(result) if each.startswith(prefix))


def custom_ids(result: Any) -> list[str]:
    parts = _walk(message_of(result).components)
    return [part.custom_id for part in parts if getattr(part, "custom_id", None)]


def words(result: Any) -> str:
    """Everything that a private answer says."""
    message = message_of(result)
    contents = [getattr(part, "content", None) for part in _walk(message.components)]
    return "\n".join(content for content in (message.content, *contents) if content)


def alt_texts(result: Any) -> list[str | None]:
    """The descriptions of the pictures that a private answer shows."""
    found: list[str | None] = []
    for part in _walk(message_of(result).components):
        found += [item.description for item in getattr(part, "items", [])]
        if getattr(part, "media", None) is not None:
            found.append(part.description)
    return found


def _walk(components: Any) -> list[Any]:
    found: list[Any] = []
    for component in components:
        found.append(component)
        found += _walk(getattr(component, "children", None) or [])
        accessory = getattr(component, "accessory", None)
        found += [accessory] if accessory else []
    return found
