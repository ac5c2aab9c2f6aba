"""Every command of `/studio` and every route, tried without the right: refused, logged, nothing changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from discord import Permissions, app_commands, ui
from structlog.testing import capture_logs

from studio.database import metadata
from studio.moderation.audit import Entry
from studio.moderation.council import Council
from studio.sharing.policy import Approval, Policy, Share
from tests.bureau import Bureau, a_button, open_bureau
from tests.finished import finished, told
from tests.ordering_world import custom_id

NOT_MODERATION = (
    *("v1:cancel:", "v1:report:", "v1:reported:", "v1:privacy:", "v1:price:", "v1:ask:", "v1:agree:"),
    *("v1:motions:", "v1:motion-search:", "v1:motion-use:"),
    # One's own orders and clips, and clips that can be seen.
    *("v1:order:", "v1:form:", "v1:same:"),
    *("v1:mine:", "v1:show:", "v1:again:", "v1:change:", "v1:share:", "v1:erase:", "v1:erase-sure:"),
)
"""Presses that members may make; those that are about somebody's own are tried below, by a stranger."""

BELOW_A_CLIP = ("again", "change", "share", "show", "erase", "erase-sure")


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


def commands_of(bureau: Bureau) -> list[app_commands.Command[Any, ..., Any]]:
    group = bureau.client.tree.get_command("studio")
    assert isinstance(group, app_commands.Group)
    return [each for each in group.walk_commands() if isinstance(each, app_commands.Command)]


async def everything(bureau: Bureau) -> dict[str, list[Any]]:
    """Every row of every table."""
    async with bureau.database.read() as connection:
        return {
            table.name: list(await connection.execute(table.select())) for table in metadata.sorted_tables
        }


def options_of(bureau: Bureau, command: app_commands.Command[Any, ..., Any]) -> dict[str, Any]:
    """Something for every option that has to be given."""
    world = bureau.world
    samples: dict[str, Any] = {"user": world.member, "string": "word", "integer": 1, "number": 5.0}
    given = {}
    for parameter in command.parameters:
        if parameter.required:
            value = samples.get(parameter.type.name)
            if parameter.type.name == "role":
                value = world.guild.create_role("some role")
            given[parameter.display_name] = parameter.choices[0].value if parameter.choices else value
    return given


async def test_every_command_is_refused_to_members_logged_and_changes_nothing(bureau: Bureau) -> None:
    world = bureau.world
    # The server's managers have given the command to everybody: Discord no longer stands before it.
    group = bureau.client.tree.get_command("studio")
    assert isinstance(group, app_commands.Group)
    group.default_permissions = None
    await bureau.client.tree.sync()
    before = await everything(bureau)
    commands = commands_of(bureau)

    for command in commands:
        with capture_logs() as logs:
            result = await world.slash(
                world.member, world.clips, command.qualified_name, **options_of(bureau, command)
            )
        assert result.response is not None, command.qualified_name
        assert result.response.ephemeral
        assert "Only moderators may do that here. Nothing was changed." in result.response.content
        assert [entry["event"] for entry in logs] == ["not_permitted"]

    assert len(commands) >= 16
    assert await everything(bureau) == before


OF_MODERATORS = {"audit", "block", "jobs", "report", "reports", "takedown", "unblock"}
"""Commands about members and clips; all others are about the server's rules."""


async def test_moderators_decide_about_members_and_clips_and_managers_about_rules_too(
    bureau: Bureau,
) -> None:
    world = bureau.world
    group = bureau.client.tree.get_command("studio")
    assert isinstance(group, app_commands.Group)
    group.default_permissions = None
    await bureau.client.tree.sync()
    people = {
        "moderator": world.add_member("kim", "Kim", permissions=Permissions(manage_messages=True)),
        "manager": world.add_member("lee", "Lee", permissions=Permissions(manage_guild=True)),
    }
    allowed: dict[str, set[str]] = {name: set() for name in people}

    for command in commands_of(bureau):
        options = options_of(bureau, command)
        for name, person in people.items():
            with capture_logs() as logs:
                result = await world.slash(person, world.clips, command.qualified_name, **options)
            assert result.response is not None
            if "not_permitted" not in {entry["event"] for entry in logs}:
                allowed[name].add(command.qualified_name.removeprefix("studio "))

    assert allowed["moderator"] == OF_MODERATORS
    assert allowed["manager"] == {
        command.qualified_name.removeprefix("studio ") for command in commands_of(bureau)
    }


async def test_every_press_is_refused_to_members_logged_and_changes_nothing(bureau: Bureau) -> None:
    world = bureau.world
    controls: Any = bureau.client.get_cog("Controls")
    prefixes = [route.prefix for route in controls._routes if not route.prefix.startswith(NOT_MODERATION)]
    channel = bureau.client.get_partial_messageable(world.clips.id, guild_id=world.guild.id)
    before = await everything(bureau)

    for prefix in prefixes:
        view = ui.View(timeout=None)
        view.add_item(ui.Button(label="Press", custom_id=f"{prefix}x"))
        view.stop()
        message = await channel.send("a message from before a restart", view=view)
        with capture_logs() as logs:
            result = await world.click(world.member, message, f"{prefix}x")
        assert result.response is not None, prefix
        assert result.response.ephemeral
        assert "Only moderators may do that here. Nothing was changed." in result.response.content
        assert [entry["event"] for entry in logs] == ["not_permitted"]

    assert len(prefixes) >= 6
    assert await everything(bureau) == before


async def own_press(bureau: Bureau, press: str) -> str:
    """The custom_id of a press that is its member's alone, with everything there that it is about."""
    if press in BELOW_A_CLIP:
        job = await finished(bureau)
    elif press == "ask":
        await bureau.rule(Policy(pool=Share(usd_micros=1), approval=Approval(channel_id=5)))
        refused = await bureau.order()
        await bureau.restart()
        return custom_id(refused, "v1:ask:")
    else:
        job = await bureau.opened()
    return f"v1:{press}:{job.id}"


@pytest.mark.parametrize("press", ["cancel", "price:yes", "price:no", "ask", *BELOW_A_CLIP])
async def test_every_press_on_what_is_somebody_elses_is_refused_logged_and_changes_nothing(
    bureau: Bureau, press: str
) -> None:
    pressed = await own_press(bureau, press)
    message = await a_button(bureau, pressed)
    before = await everything(bureau)

    with capture_logs() as logs:
        result = await bureau.world.click(bureau.world.stranger, message, pressed)
        said = await bureau.world.eventually(
            lambda: [
                each.content
                for each in (*result.followups, result.response)
                if each is not None and each.content and each.ephemeral
            ]
        )

    refusals = [(entry["member_id"], entry["what"]) for entry in logs if entry["event"] == "not_permitted"]
    assert "Only the member who ordered this clip" in said[0]
    assert refusals == [(bureau.world.stranger.id, pressed)]
    assert await everything(bureau) == before


async def test_showing_somebody_elses_clip_by_the_command_is_logged_too(bureau: Bureau) -> None:
    job = await finished(bureau)
    before = await everything(bureau)

    with capture_logs() as logs:
        answer = await bureau.world.slash(bureau.world.stranger, bureau.world.clips, "jobs", show=job.id)
        said = await told(bureau, answer)

    assert "Only the member who ordered this clip" in said
    assert [entry["what"] for entry in logs if entry["event"] == "not_permitted"] == ["jobs"]
    assert await everything(bureau) == before


async def test_a_role_that_managers_have_named_may_use_them_until_it_is_no_longer_named(
    bureau: Bureau,
) -> None:
    world = bureau.world
    role = world.guild.create_role("Studio crew")
    user = world.env.create_user("ada", global_name="Ada")
    crew = world.guild.add_member(user, roles=[role])
    named = Entry(at=bureau.studio.now(), guild_id=world.guild.id, actor_id=None, action="test")
    council = Council(bureau.database, bureau.servers, bureau.studio.now)
    group = bureau.client.tree.get_command("studio")
    assert isinstance(group, app_commands.Group)
    group.default_permissions = None
    await bureau.client.tree.sync()

    before = await world.slash(crew, world.clips, "studio pause")
    await council.amend(lambda policy: replace(policy, moderator_role_ids=(role.id,)), named)
    await world.slash(crew, world.clips, "studio pause")
    await world.eventually(lambda: bureau.servers.of(world.guild.id).policy.paused)
    await council.amend(lambda policy: replace(policy, moderator_role_ids=()), named)
    after = await world.slash(crew, world.clips, "studio resume")

    for refused in (before, after):
        assert refused.response is not None
        assert "Only moderators may do that here." in refused.response.content
    assert bureau.servers.of(world.guild.id).policy.paused
