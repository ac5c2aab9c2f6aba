"""Everything that takes interactions put together: `/animate`, the commands below `/studio`, every route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cogs.controls import Controls, Route
from cogs.library import keeping
from cogs.library.browsing import Motions
from cogs.moderation import (
    auditing,
    blocking,
    docket,
    filtering,
    granting,
    limiting,
    pausing,
    petitions,
    reports,
    setup,
    usage,
)
from cogs.moderation.approvals import ApprovalPresses
from cogs.moderation.group import StudioGroup
from cogs.moderation.office import Office
from cogs.moderation.presence import Presence
from cogs.moderation.privacy import PrivacyCommand
from cogs.moderation.quota import Quota
from cogs.moderation.rights import Rights
from cogs.ordering.menus import menus_of
from cogs.results.again import Again
from cogs.results.deleting import Deleting
from cogs.results.jobs import Jobs
from cogs.results.sharing import Sharing
from studio.database import Database
from studio.moderation.care import Care
from studio.moderation.council import Council
from studio.sharing.servers import Servers

if TYPE_CHECKING:
    from cogs.animate import Animate
    from cogs.client import Client
    from studio.front import Studio


def install(
    client: Client, animate: Animate, studio: Studio, *, servers: Servers, database: Database, care: Care
) -> None:
    """Give the client everything that takes interactions.

    A file with commands below `/studio` offers `commands_of(office)`, one with presses `routes_of(office)`.
    """
    rights = Rights(servers)
    office = Office(
        studio=studio,
        servers=servers,
        rights=rights,
        council=Council(database, servers, studio.now),
    )
    group = StudioGroup(rights)
    for part in (filtering, granting, limiting, pausing, setup):
        for command in part.commands_of(office):
            group.add_command(command)
    for each in (auditing, blocking, docket, usage):
        for command in each.commands_of(office):
            group.add_for_moderators(command)
    for command in reports.commands_of(office, care):
        group.add_for_moderators(command)
    privacy = PrivacyCommand(care)
    sharing = Sharing(studio)
    jobs = Jobs(studio, sharing)
    presence = Presence(client, care.departures, studio.now)
    motions = Motions(studio, rights, animate.orders)
    routes: list[Route] = [
        *auditing.routes_of(office),
        *docket.routes_of(office),
        *limiting.routes_of(office),
        *setup.routes_of(office),
        *reports.routes_of(office, care),
        *privacy.routes(),
        *ApprovalPresses(studio.hearings, rights).routes,
        *petitions.routes_of(studio, animate.taking),
        *animate.orders.routes(),
        *Again(studio, animate.taking, animate.orders).routes(),
        *sharing.routes(),
        *Deleting(care, rights).routes(),
        *jobs.routes(),
        *motions.routes(),
        *keeping.routes_of(office, motions),
    ]
    controls = Controls(studio, rights, routes)
    cogs = [animate, motions, Quota(studio), jobs, privacy, presence, controls]
    menus = [*menus_of(studio, animate.orders), keeping.library_menu(office)]
    client.install(cogs, [group, keeping.library_group(office), *menus])
