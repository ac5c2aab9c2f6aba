"""The studio as the cogs see it: taking orders, cancelling them, and asking after them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from media.errors import MediaRefused, WorkshopFailed
from media.facts import Bar
from studio import cancelling, doorbell, jobs
from studio.census import Census
from studio.crashpoints import passing
from studio.endings import withdraw
from studio.equipment import Equipment, because
from studio.errors import ConsentNeeded, NotYours, OrderRefused
from studio.forecast import Forecast
from studio.journal import Journal
from studio.models import CancelAnswer, Ending, Job, Member
from studio.moderation import approvals, consents, petitions
from studio.moderation.hearing import Hearings
from studio.moderation.petitions import Petition
from studio.motions.library import Library
from studio.ports import Dispatcher
from studio.progress import Turn
from studio.promptly import in_time
from studio.register import Register, check_unfinished
from studio.results.door import open_results
from studio.sharing import admission, rules
from studio.sharing.account import Account, account_of
from studio.sharing.rules import Wish
from studio.sharing.servers import Server, Servers
from studio.wishing.giving_back import give_back
from studio.wishing.preparation import Preparation

log = structlog.get_logger(__name__)


class Studio:
    """The one door for members' wishes. Every method is short: the work itself is done elsewhere.

    `register` takes down the orders; `hearings` is the door for those who answer what jobs have to ask;
    `motions` is the library, and `preparation` is for members who lay out a clip before they order it;
    `results` is the door for what is done with finished clips. `server` gives a server's rules from memory.
    """

    def __init__(
        self,
        equipment: Equipment,
        dispatcher: Dispatcher,
        *,
        census: Census,
        servers: Servers,
        journal: Journal,
        new_job_id: Callable[[datetime], str],
    ) -> None:
        self._equipment = equipment
        self._census = census
        self._servers = servers
        self._dispatcher = dispatcher
        # No methods of our own around these: answers wait for each call.
        self.server, self.now, self.new_job_id = servers.of, equipment.clock, new_job_id
        self.register = Register(equipment, census, journal)
        self.hearings = Hearings(equipment.database, dispatcher, equipment.clock)
        self.motions = Library(equipment)
        self.results = open_results(equipment)
        self.preparation = Preparation(equipment.database, equipment.clock, new_job_id)
        self.accepting = True

    def language(self, guild_id: int) -> str:
        """What its moderators want the server to be spoken to, or `auto`; from memory."""
        return self._servers.of(guild_id).policy.language

    async def admit(self, wish: Wish, *, overruled: bool = False, agrees: bool = False) -> None:
        """Decide before the answer. Raises `OrderRefused`.

        From memory alone, unless there are limits to be counted or the server asks for consent: then by one
        short read. `overruled`: moderators will be asked to let it pass the server's own limits; `agrees`:
        the member gives their word by this very press.
        """
        server = self.glance(wish)
        asks_consent = server.policy.consent and not agrees
        budget = self._equipment.terms.monthly_budget_usd_micros
        counts = overruled or server.limits_orders or budget is not None
        if not (asks_consent or counts):
            return
        asking = self._ask(server, wish, asks_consent=asks_consent, counts=counts, overruled=overruled)
        try:
            await in_time(asking)
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error

    async def _ask(
        self, server: Server, wish: Wish, *, asks_consent: bool, counts: bool, overruled: bool
    ) -> None:
        async with self._equipment.database.read() as connection:
            if asks_consent and not await consents.given(
                connection,
                guild_id=wish.guild_id,
                member_id=wish.member_id,
                trial=self._equipment.terms.is_trial,
            ):
                raise self._consent_needed()
            if counts:
                await self._check_limits(connection, server, wish, overruled=overruled)

    def glance(self, wish: Wish) -> Server:
        """Decide from memory alone, and return the server. Raises `OrderRefused`."""
        if not self.accepting:
            raise OrderRefused("shutting_down")
        server = self._servers.of(wish.guild_id)
        rules.check(server, self._servers.house, wish, self.now())
        check_unfinished(
            self._equipment.terms,
            server,
            wish.role_ids,
            in_server=self._census.of_server(wish.guild_id),
            of_member=self._census.of_member(wish.guild_id, wish.member_id),
        )
        return server

    def _consent_needed(self) -> ConsentNeeded:
        """To what the member is asked to agree: they are told who gets their files."""
        if self._equipment.terms.is_trial:
            return ConsentNeeded("consent_needed_trial")
        return ConsentNeeded(provider=self._equipment.terms.provider_name)

    async def _check_limits(
        self, connection: AsyncConnection, server: Server, wish: Wish, *, overruled: bool
    ) -> None:
        if overruled:
            await approvals.check_not_asking(connection, wish.guild_id, wish.member_id)
        found = await admission.allotments(
            connection,
            server,
            Member(wish.member_id, "", wish.role_ids()),
            now=self.now(),
            budget=self._equipment.terms.monthly_budget_usd_micros,
            overruled=overruled,
        )
        refusal = found.refusal(clips=1, usd_micros=self._equipment.terms.least_usd_micros)
        if refusal is not None:
            raise admission.limit_reached(refusal)

    def check_showing(self, wish: Wish) -> None:
        """Raise `OrderRefused` for who may not show clips there. From memory alone."""
        rules.check_member(self._servers.of(wish.guild_id), wish, self.now())

    def asks_moderators(self, guild_id: int) -> bool:
        """Whether the server has a place where its moderators can be asked."""
        return self._servers.of(guild_id).policy.approval.channel_id is not None

    @property
    def consent_version(self) -> int:
        """Of the words that members are asked to agree to now."""
        return consents.version_of(trial=self._equipment.terms.is_trial)

    async def keep(self, petition: Petition, *, instead_of: str | None = None) -> None:
        """Keep a refused order for its member's press; without it, the press says that it is over."""
        try:
            async with self._equipment.database.write() as connection:
                await petitions.add(connection, petition)
                if instead_of is not None:
                    await petitions.use(connection, instead_of, petition.id, petition.at)
        except SQLAlchemyError as error:
            log.warning("petition_not_kept", guild_id=petition.guild_id, error=type(error).__name__)

    async def petition(self, petition_id: str, *, guild_id: int, member_id: int) -> Petition:
        """The refused order that the member presses for. Raises `OrderRefused` when it cannot go on."""
        try:
            async with self._equipment.database.read() as connection:
                found = await petitions.read(connection, petition_id)
        except SQLAlchemyError as error:
            raise OrderRefused("database_busy") from error
        if found is not None and found.guild_id == guild_id and found.member_id != member_id:
            raise NotYours
        if found is None or not found.is_open_to(member_id, guild_id, self.now()):
            raise OrderRefused("petition_over")
        return found

    async def agree(self, guild_id: int, member_id: int) -> None:
        """Store the member's word on likenesses; if that fails they are asked again at their next clip."""
        try:
            async with self._equipment.database.write() as connection:
                await consents.add(
                    connection,
                    guild_id=guild_id,
                    member_id=member_id,
                    now=self.now(),
                    trial=self._equipment.terms.is_trial,
                )
        except SQLAlchemyError as error:
            log.warning("consent_not_stored", guild_id=guild_id, error=type(error).__name__)

    async def acknowledged(self, job_id: str, *, answer_id: int) -> None:
        """The member has seen the answer with this id: the work may begin."""
        try:
            async with self._equipment.database.write_once() as connection:
                await jobs.note_answer(connection, job_id, answer_id)
            passing("front.answer_noted")
        except SQLAlchemyError as error:
            # The order stands: its answer is found by the interaction's token when the database is back.
            log.warning("answer_not_noted", job_id=job_id, error=type(error).__name__)
        self._dispatcher.wake(job_id)

    async def abandon(self, job_id: str) -> None:
        """The answer never reached the member: there is no order, and nothing was charged or used up."""
        ending, why = Ending("interrupted"), because("interrupted")
        async with self._equipment.database.write() as connection:
            job = await jobs.get(connection, job_id)
            if job is not None and await withdraw(connection, job, ending, now=self.now(), why=why):
                await give_back(connection, job_id)
        passing("front.abandoned")
        self.register.withdrawn(job_id)
        await self._census.refresh()
        self._dispatcher.wake(job_id)

    async def cancel(self, job_id: str, *, member_id: int, is_moderator: bool) -> CancelAnswer:
        """Cancel if that is possible and the member may; what follows is told in the conversation."""
        job = await self.job(job_id)
        if job is None:
            return CancelAnswer.UNKNOWN
        if member_id != job.order.member.id and not is_moderator:
            return CancelAnswer.NOT_YOURS
        async with self._equipment.database.write() as connection:
            answer = await cancelling.cancel(connection, job_id, by=member_id, now=self.now())
        passing("front.cancel_recorded")
        if answer is CancelAnswer.CANCELLED:
            await self._census.refresh()
        self._dispatcher.wake(job_id)
        return answer

    def wake(self, job_ids: Iterable[str]) -> None:
        """Have the jobs looked at, since something was decided about them."""
        for job_id in job_ids:
            self._dispatcher.wake(job_id)

    async def account(self, guild_id: int, member: Member) -> Account:
        """What the member has used and has left in the server."""
        async with self._equipment.database.read() as connection:
            return await account_of(
                connection,
                guild_id=guild_id,
                member=member,
                now=self.now(),
                budget=self._equipment.terms.monthly_budget_usd_micros,
                price=self._equipment.terms.least_usd_micros,
            )

    async def turns_of(self, job_ids: Iterable[str]) -> dict[str, Turn]:
        """The turns of those among the jobs that wait in the queue."""
        forecast = Forecast(self._equipment)
        found = {job_id: await forecast.turn_of(job_id) for job_id in job_ids}
        return {job_id: turn for job_id, turn in found.items() if turn is not None}

    async def chart(self, bars: Sequence[Bar]) -> bytes | None:
        """The bars as a PNG, 780 px wide; None when it could not be drawn, which is only logged."""
        async with self._equipment.storage.workspace() as folder:
            target = folder / "chart.png"
            try:
                await self._equipment.workshop.draw_bars(bars, target)
            except (MediaRefused, WorkshopFailed, OSError) as error:
                log.warning("chart_not_drawn", error=str(error))
                return None
            return await asyncio.to_thread(target.read_bytes)

    async def job(self, job_id: str) -> Job | None:
        async with self._equipment.database.read() as connection:
            return await jobs.get(connection, job_id)

    async def ring(self, token: str, provider_job_id: str | None) -> None:
        """The provider's doorbell: have the attempt's job looked at. Unknown tokens change nothing."""
        job_id = await doorbell.answer(self._equipment, token, provider_job_id)
        if job_id is not None:
            self._dispatcher.wake(job_id, news=True)
