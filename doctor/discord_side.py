"""Checks of the Discord side: token, application, intents, and permissions in each server."""

from __future__ import annotations

import aiohttp
import discord
from discord.http import Route

from doctor.check import Check

INVITE_PERMISSIONS = discord.Permissions(309_237_763_072)
"""What the README's invite link grants (`discord.md`, section 5)."""

INVITE = "https://discord.com/oauth2/authorize?client_id={}&permissions={}&scope=bot+applications.commands"
NAMED_SERVERS = 5


async def check_discord(token: str) -> list[Check]:
    """Log in by REST alone, so a bot that is running is not disturbed."""
    client = discord.Client(intents=discord.Intents(guilds=True))
    try:
        await client.login(token)
        return await _look_around(client)
    except discord.LoginFailure:
        fix = "Open the application's page › Bot › Reset Token, and put the new one into .env."
        return [Check("Discord token", False, "is refused", fix)]
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        fix = "Check this machine's connection, DISCORD_API_URL if it is set, and discordstatus.com."
        return [Check("Discord", False, f"cannot be reached ({type(error).__name__})", fix)]
    finally:
        await client.close()


async def _look_around(client: discord.Client) -> list[Check]:
    application = await client.application_info()
    invite = INVITE.format(application.id, INVITE_PERMISSIONS.value)
    checks = [
        Check("Discord token", True, f"is that of {client.user}"),
        Check("Application", True, f"{application.name}, id {application.id}"),
        Check("Intents", True, "only “guilds” is used, which needs no approval"),
        _check_public(application, invite),
    ]
    servers = await client.http.request(Route("GET", "/users/@me/guilds"), params={"limit": 200})
    return [*checks, _check_permissions(servers, invite)]


def _check_public(application: discord.AppInfo, invite: str) -> Check:
    if application.bot_require_code_grant:
        fix = "Switch off “Requires OAuth2 Code Grant” on the application's Bot page."
        return Check("Invite link", False, "cannot be used: a code grant is required", fix)
    return Check("Invite link", True, invite)


def _check_permissions(servers: list[dict[str, str]], invite: str) -> Check:
    """What Discord says here counts roles alone; a channel may still forbid more."""
    if not servers:
        return Check("Servers", False, "the bot is in no server yet", f"Invite it: {invite}")
    lacking = []
    for server in servers:
        granted = discord.Permissions(int(server["permissions"]))
        missing = [name for name, needed in INVITE_PERMISSIONS if needed and not getattr(granted, name)]
        if missing and not granted.administrator:
            lacking.append(f"{server['name']} ({', '.join(missing)})")
    if lacking:
        more = f" and {len(lacking) - NAMED_SERVERS} more" if len(lacking) > NAMED_SERVERS else ""
        fix = f"Give the bot's role these permissions, or invite it again: {invite}"
        return Check("Permissions", False, f"missing in {'; '.join(lacking[:NAMED_SERVERS])}{more}", fix)
    return Check("Permissions", True, f"complete in {len(servers)} server(s)")
