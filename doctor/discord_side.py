"""Checks of the Discord side: token, application, intents, and permissions in each server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp
import discord
from discord.http import Route

from doctor.check import Check
from doctor.trouble import in_words

NEEDED = {
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
    "create_public_threads": "Create Public Threads",
    "send_messages_in_threads": "Send Messages in Threads",
}
"""discord.py's names and those of Discord's own English settings (`discord.md`, section 5)."""

INVITE_PERMISSIONS = discord.Permissions(**dict.fromkeys(NEEDED, True))
"""What the README's invite link grants."""

INVITE = "https://discord.com/oauth2/authorize?client_id={}&permissions={}&scope=bot+applications.commands"
NAMED_SERVERS = 5
SERVERS_A_PAGE = 200
MOST_PAGES = 50


async def check_discord(token: str) -> list[Check]:
    """Log in by REST alone, so a bot that is running is not disturbed."""
    client = discord.Client(intents=discord.Intents(guilds=True))
    try:
        await client.login(token)
        return await _look_around(client)
    except discord.LoginFailure:
        fix = "Open the application's page › Bot › Reset Token, and put the new one into .env."
        return [Check("Discord token", False, "is refused", fix)]
    except discord.HTTPException as error:
        fix = "Try again in a while; discordstatus.com shows whether Discord has trouble."
        return [Check("Discord", False, f"answers with an error ({error.status})", fix)]
    except (aiohttp.ClientError, OSError) as error:
        fix = "Check this machine's connection, DISCORD_API_URL if it is set, and discordstatus.com."
        return [Check("Discord", False, f"cannot be reached ({in_words(error)})", fix)]
    finally:
        await client.close()


async def _look_around(client: discord.Client) -> list[Check]:
    application = await client.application_info()
    invite = INVITE.format(application.id, INVITE_PERMISSIONS.value)
    return [
        Check("Discord token", True, f"is that of {client.user}"),
        Check("Application", True, f"{application.name}, id {application.id}"),
        Check("Intents", True, "only “guilds” is used, which needs no approval"),
        _check_invite(application, invite),
        _check_interactions(application),
        _check_permissions(await _servers(client), invite),
    ]


def _check_invite(application: discord.AppInfo, invite: str) -> Check:
    if application.bot_require_code_grant:
        fix = "Switch off “Requires OAuth2 Code Grant” on the application's Bot page."
        return Check("Invite link", False, "cannot be used: a code grant is required", fix)
    return Check("Invite link", True, invite)


def _check_interactions(application: discord.AppInfo) -> Check:
    """With an endpoint set, Discord sends every command there, and a bot on the gateway gets none."""
    if application.interactions_endpoint_url:
        fix = "Empty “Interactions Endpoint URL” on the application's General Information page."
        return Check("Commands", False, "are sent to an Interactions Endpoint URL, not to this bot", fix)
    return Check("Commands", True, "come to this bot")


async def _servers(client: discord.Client) -> list[dict[str, Any]]:
    servers: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        after = servers[-1]["id"] if servers else 0
        page = await client.http.request(
            Route("GET", "/users/@me/guilds"), params={"limit": SERVERS_A_PAGE, "after": after}
        )
        servers.extend(page)
        if len(page) < SERVERS_A_PAGE:
            break
    return servers


def _check_permissions(servers: Sequence[dict[str, Any]], invite: str) -> Check:
    """What Discord says here counts roles alone; a channel may still forbid more."""
    if not servers:
        return Check("Servers", False, "the bot is in no server yet", f"Invite it: {invite}")
    lacking = []
    for server in servers:
        granted = discord.Permissions(int(server["permissions"]))
        missing = [shown for name, shown in NEEDED.items() if not getattr(granted, name)]
        if missing and not granted.administrator:
            lacking.append(f"{server['name']} ({', '.join(missing)})")
    if lacking:
        more = f" and in {len(lacking) - NAMED_SERVERS} more" if len(lacking) > NAMED_SERVERS else ""
        fix = f"Give the bot's role these permissions, or invite it again: {invite}"
        return Check("Permissions", False, f"missing in {'; '.join(lacking[:NAMED_SERVERS])}{more}", fix)
    count = f"{len(servers)} servers" if len(servers) > 1 else "its server"
    return Check("Permissions", True, f"complete in {count}, as far as roles go; channels may differ")
