"""The cogs on the simulated Discord with the real studio's front door, as tests of the cogs need them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from discord import ui
from simcord import ChannelHandle, InteractionResult, MemberActor

from cogs.animate import Animate
from cogs.budget import Budget
from cogs.client import Client
from cogs.desk import DiscordDesk
from cogs.moderation import house
from demo.world import World
from media.workshop import Workshop
from studio import jobs, schema
from studio.census import Census
from studio.database import Database
from studio.equipment import Equipment, Terms
from studio.front import Studio
from studio.ids import new_job_id
from studio.journal import Shelf
from studio.models import Clip, Ending, Inputs, Job, JobState, Orientation, Place, Progress, Stage
from studio.moderation.care import Care, open_care
from studio.ports import AttachmentSource
from studio.progress import progress_of
from studio.results.door import open_results
from studio.sharing import servers
from studio.sharing.policy import Policy
from studio.sharing.servers import Servers
from studio.storage import open_storage

PICTURE = ("me.jpg", b"a picture")
VIDEO = ("happy_dance.mp4", b"a video")

UNUSED = cast(Any, None)

REST_SECONDS = 10


class Bells:
    """A dispatcher that only remembers whom it was asked to wake."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake(self, job_id: str, *, after_seconds: float = 0.0, news: bool = False) -> None:
        self.woken.append(job_id)


class Silence:
    """An operator who is told nothing."""

    async def alarm(self, subject: str, text: str) -> None:
        raise AssertionError(f"nothing here should alarm: {subject}, {text}")

    async def clear(self, subject: str) -> None:
        pass


class Pocket:
    """Notes that live as long as the test; `read` counts nothing and forgets nothing."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def read(self, key: str) -> str | None:
        return self.values.get(key)

    async def write(self, key: str, value: str) -> None:
        self.values[key] = value


@dataclass
class Bureau:
    """Everything that a test of the cogs needs to reach; `equipment` has this desk and real storage."""

    folder: Path
    world: World
    database: Database
    servers: Servers
    studio: Studio
    bells: Bells
    notes: Pocket
    client: Client
    desk: DiscordDesk
    equipment: Equipment
    care: Care

    async def order(
        self,
        member: MemberActor | None = None,
        channel: ChannelHandle | None = None,
        **options: Any,
    ) -> InteractionResult:
        """Have a member use `/animate`; an option that is None is left out."""
        files = {"image": PICTURE, "video": VIDEO}
        given = {name: value for name, value in (files | options).items() if value is not None}
        return await self.world.slash(
            member or self.world.member, channel or self.world.clips, "animate", **given
        )

    async def job(self, job_id: str | None = None) -> Job:
        """The job with this id, or the newest."""
        async with self.database.read() as connection:
            if job_id is not None:
                known = await jobs.get(connection, job_id)
                assert known is not None
                return known
            every = await jobs.in_states(connection, list(JobState))
        return max(every, key=lambda job: job.id)

    async def ordered(self, channel: ChannelHandle | None = None, **options: Any) -> Job:
        """An order that was taken, answered and recorded."""
        before = len(self.bells.woken)
        await self.order(channel=channel, **options)
        await self.world.eventually(lambda: len(self.bells.woken) > before)
        return await self.job(self.bells.woken[-1])

    async def opened(
        self, channel: ChannelHandle | None = None, *, desk: DiscordDesk | None = None, **options: Any
    ) -> Job:
        """An ordered job whose conversation has been opened."""
        job = await self.ordered(channel, **options)
        return placed(job, await (desk or self.desk).open(job, checking(job)))

    async def rule(self, policy: Policy) -> None:
        """Give the server these rules, as a panel would."""
        now = self.studio.now()
        async with self.database.write() as connection:
            server = await servers.read(connection, self.world.guild.id, now)
            await servers.change(connection, server, policy=policy)
        await self.servers.refresh(now)

    @property
    def animate(self) -> Animate:
        cog = self.client.get_cog("Animate")
        assert isinstance(cog, Animate)
        return cog

    def calls(self) -> list[tuple[str, str]]:
        """The bot's REST calls so far."""
        return [(call.method, call.path) for call in self.world.env.http_requests]

    def posts(self, channel_id: int) -> list[dict[str, Any]]:
        """The bot's own messages in a channel or thread, without the one that only opens a thread."""
        return [
            message
            for message in self.world.messages(channel_id)
            if message["author"]["id"] == str(self.world.bot_id) and message["type"] != 21
        ]

    async def restart(self, client: Client | None = None) -> None:
        """Replace the client as a new process would, after the old one's orderly end."""
        await self.animate.taking.finish_answers()
        await self.client.close()
        self.client = client or Client(notes=self.notes, shard_count=1)
        self.desk = DiscordDesk(self.client, budget=Budget())
        self.equipment = replace(self.equipment, desk=self.desk)
        self.care = open_care(self.equipment, self.bells)
        self.studio.results = open_results(self.equipment)
        if client is None:
            install(self.client, self.studio, self.servers, self.database, self.care)
        await self.world.restart(self.client)


@asynccontextmanager
async def open_bureau(
    folder: Path, *, attachments: AttachmentSource = UNUSED, account: str = "test", **terms: Any
) -> AsyncIterator[Bureau]:
    database = Database(f"sqlite:///{folder / 'bot.db'}")
    await schema.upgrade(database)
    bells, notes = Bells(), Pocket()
    client = Client(notes=notes, shard_count=1)
    desk = DiscordDesk(client, budget=Budget())
    equipment = Equipment(
        database=database,
        storage=open_storage((folder / "files").as_uri()),
        workshop=Workshop(),
        attachments=attachments,
        provider=UNUSED,
        desk=desk,
        operator=Silence(),
        clock=lambda: datetime.now(UTC),
        terms=Terms(account=account, usd_micros_per_second=50_000, **terms),
    )
    servers, journal = Servers(database), Shelf(folder, "orders-").open()
    studio = Studio(
        equipment,
        bells,
        census=Census(database),
        servers=servers,
        journal=journal,
        new_job_id=new_job_id,
    )
    care = open_care(equipment, bells)
    install(client, studio, servers, database, care)
    world = World(answer_seconds=20)
    bureau = Bureau(folder, world, database, servers, studio, bells, notes, client, desk, equipment, care)
    try:
        await world.start(client)
        yield bureau
        await bureau.client.close()
    finally:
        await world.stop()
        await _come_to_rest()
        journal.close()
        await database.close()


async def _come_to_rest() -> None:
    """Wait for what handlers still do: they would open a closed database anew, for nobody to close."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=REST_SECONDS)


async def a_button(bureau: Bureau, custom_id: str) -> Any:
    """A message of the bot's with a button that anybody can see: nobody else sees private answers' own."""
    view = ui.View(timeout=None)
    view.add_item(ui.Button(label="Press", custom_id=custom_id))
    view.stop()
    channel = bureau.client.get_partial_messageable(bureau.world.clips.id, guild_id=bureau.world.guild.id)
    return await channel.send("a message with a button", view=view)


def new_client(bureau: Bureau) -> Client:
    """Another client of the same bureau, for `Bureau.restart`."""
    client = Client(notes=bureau.notes, shard_count=1)
    install(client, bureau.studio, bureau.servers, bureau.database, bureau.care)
    return client


def install(client: Client, studio: Studio, servers: Servers, database: Database, care: Care) -> None:
    animate = Animate(studio, max_picture_bytes=25_000_000, max_video_bytes=200_000_000)
    house.install(client, animate, studio, servers=servers, database=database, care=care)


# ── jobs as the studio would have them ──────────────────────────────────────────────────────────


def placed(job: Job, place: Place) -> Job:
    return replace(job, order=replace(job.order, place=place))


def checking(job: Job) -> Progress:
    return progress_of(job, now=job.order.ordered_at + timedelta(seconds=3))


def rendering(job: Job, **changes: Any) -> Progress:
    started = job.order.ordered_at
    progress = Progress(
        stage=Stage.RENDERING,
        fraction=0.42,
        started_at=started,
        expected_at=started + timedelta(seconds=180),
        elapsed_seconds=75,
        price_usd_micros=250_000,
        can_cancel=True,
    )
    return replace(progress, **changes)


def with_inputs(job: Job) -> Job:
    inputs = Inputs(
        picture_key="p",
        video_key="v",
        picture_thumbnail_key="pt",
        video_thumbnail_key="vt",
        seconds=5,
        has_sound=True,
        orientation=Orientation.IMAGE,
    )
    return replace(job, inputs=inputs)


def a_clip(**changes: Any) -> Clip:
    clip = Clip(
        key="jobs/x/clip.mp4",
        size=1000,
        seconds=5,
        width=1080,
        height=1920,
        has_sound=True,
        source_url="https://video.example.org/output_0.mp4",
    )
    return replace(clip, **changes)


def delivered(job: Job, outcome_id: int) -> Job:
    job = replace(job, state=JobState.DELIVERED, clip=a_clip(), cost_usd_micros=250_000)
    return placed(job, replace(job.place, outcome_id=outcome_id))


def failed(job: Job, code: str = "render_no_person_picture") -> Job:
    return replace(job, state=JobState.FAILED, ending=Ending(code))


def done(job: Job) -> Progress:
    stage = Stage.DONE if job.state is JobState.DELIVERED else Stage.ENDED
    return rendering(job, stage=stage, fraction=1.0, can_cancel=False)


def texts_of(message: dict[str, Any]) -> str:
    """Everything that a message says, content and components."""
    return "\n".join([message["content"], *_texts(message["components"])])


def _texts(components: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for component in components:
        found.extend(
            str(component[key]) for key in ("content", "label", "custom_id", "url") if component.get(key)
        )
        found.extend(_texts(component.get("components") or []))
        found.extend(_texts([component["accessory"]] if component.get("accessory") else []))
    return found
