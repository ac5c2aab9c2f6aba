"""The peer of `bench_life`: the same clips, messages, calls and media work, and nothing kept for a crash.

Each order is a task in memory. What it shares with the real bot are its ends (Discord, provider, media room);
what it lacks is what durability costs: no database, no states, no records, no queue, no sweep.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from cogs import cards, endpoints
from cogs.budget import Budget
from cogs.desk import DiscordDesk
from media.facts import Making
from media.workshop import Workshop, kept_warm
from providers.addresses import guarded_session
from providers.attachments import AttachmentFetcher, attachment_hosts
from providers.frontdoor import Bell, open_front_door, webhook_address
from providers.pixelbyte import PixelByte, provider_hosts
from studio import logs
from studio.ids import new_attempt_token, new_job_id
from studio.models import Clip, Inputs, Job, JobState, Member, Order, Orientation, Place, SourceFile, Wishes
from studio.ports import RenderRequest
from studio.progress import progress_of
from studio.settings import Settings, read_settings

log = structlog.get_logger(__name__)
now = partial(datetime.now, UTC)
MOST_BYTES = 200_000_000


@dataclass
class Maker:
    """Makes one clip after another, each in a task of its own."""

    desk: DiscordDesk
    attachments: AttachmentFetcher
    workshop: Workshop
    provider: PixelByte
    address: object
    rung: dict[str, asyncio.Event] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, order: Order) -> None:
        task = asyncio.create_task(
            self.make(Job(order=order, state=JobState.RECEIVED, version=0, state_since=now()))
        )
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: asyncio.Task[None]) -> None:
        """A task that failed is told, or the benchmark would wait for its clip without a word."""
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("clip_failed", exc_info=task.exception())

    async def ring(self, token: str, _provider_job_id: str | None) -> None:
        # The provider rings again for what is done already.
        if token in self.rung:
            self.rung[token].set()

    async def make(self, job: Job) -> None:
        place = await self.desk.open(job, progress_of(job, now=now()))
        job = replace(job, order=replace(job.order, place=place))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            job = await self.prepare(job, folder)
            for state in (JobState.QUEUED, JobState.SUBMITTING):
                job = await self.show(replace(job, state=state))
            job = await self.render(job, folder)
            clip = job.clip
            assert clip is not None
            outcome = await self.desk.deliver(job, clip, folder / "clip.mp4", first=True)
        job = replace(job, order=replace(job.order, place=replace(job.place, outcome_id=outcome)))
        job = replace(job, state=JobState.DELIVERED)
        await self.desk.conclude(job, progress_of(job, now=now()))

    async def prepare(self, job: Job, folder: Path) -> Job:
        first, second = folder / "first", folder / "second"
        await asyncio.gather(
            self.attachments.fetch(job.order.picture, first, max_bytes=MOST_BYTES),
            self.attachments.fetch(job.order.video, second, max_bytes=MOST_BYTES),
        )
        await self.workshop.recognise(first), await self.workshop.recognise(second)
        thumbnails = folder / "picture-thumbnail.jpg", folder / "motion-thumbnail.jpg"
        picture = Making(first, folder / "picture.jpg", thumbnails[0])
        clip = Making(second, folder / "motion.mp4", thumbnails[1])
        _, prepared = await self.workshop.prepare_pair(picture, clip, longest=30.0)
        assert prepared is not None
        inputs = Inputs(
            picture_key="",
            video_key="",
            picture_thumbnail_key="",
            video_thumbnail_key="",
            seconds=prepared.after.seconds,
            has_sound=prepared.after.has_sound,
            orientation=Orientation.VIDEO,
        )
        job = replace(job, state=JobState.PREPARING, inputs=inputs)
        await self.desk.illustrate(job, progress_of(job, now=now()), *thumbnails)
        return job

    async def render(self, job: Job, folder: Path) -> Job:
        assert job.inputs is not None
        token = new_attempt_token()
        self.rung[token] = asyncio.Event()
        request = RenderRequest(
            image_url=await self.provider.upload(folder / "picture.jpg", content_type="image/jpeg"),
            video_url=await self.provider.upload(folder / "motion.mp4", content_type="video/mp4"),
            prompt="",
            negative_prompt="",
            orientation=Orientation.VIDEO,
            keep_sound=True,
            shot_type=job.order.wishes.shot_type,
            webhook_url=self.address(token),  # type: ignore[operator]
        )
        await self.provider.estimate(request, seconds=job.inputs.seconds)
        submission = await self.provider.submit(request)
        job = await self.show(replace(job, state=JobState.RENDERING, submitted_at=now()))
        await self.rung[token].wait()
        del self.rung[token]
        remote = await self.provider.status(submission.provider_job_id)
        assert remote.output_url is not None
        path = folder / "clip.mp4"
        size = await self.provider.download(remote.output_url, path)
        facts = await self.workshop.verify_clip(path)
        clip = Clip(
            key="",
            size=size,
            seconds=facts.seconds,
            width=facts.width,
            height=facts.height,
            has_sound=facts.has_sound,
            source_url=remote.output_url,
        )
        return replace(job, clip=clip, cost_usd_micros=submission.cost_usd_micros)

    async def show(self, job: Job) -> Job:
        await self.desk.show(job, progress_of(job, now=now()), urgent=True)
        return job


class MinimalBot(commands.AutoShardedBot):
    """The command and its answer."""

    maker: Maker

    def __init__(self) -> None:
        intents = discord.Intents(guilds=True)
        super().__init__(command_prefix=commands.when_mentioned, intents=intents, max_messages=None)

    async def setup_hook(self) -> None:
        self.tree.add_command(_animate)
        await self.tree.sync()


@app_commands.command(name="animate", description="Animate")
async def _animate(
    interaction: discord.Interaction[MinimalBot],
    image: discord.Attachment,
    video: discord.Attachment,
    orientation: str = "video",
) -> None:
    member = Member(interaction.user.id, interaction.user.display_name)
    answer = await interaction.response.send_message(cards.first_answer(member))
    assert interaction.guild_id is not None
    assert interaction.channel_id is not None
    place = Place(
        guild_id=interaction.guild_id, channel_id=interaction.channel_id, answer_id=answer.message_id
    )
    files = [SourceFile(one.url, one.filename, one.size, one.content_type) for one in (image, video)]
    order = Order(
        job_id=new_job_id(now()),
        member=member,
        place=place,
        picture=files[0],
        video=files[1],
        wishes=Wishes(orientation=Orientation(orientation)),
        ordered_at=now(),
    )
    interaction.client.maker.begin(order)


async def run(settings: Settings) -> None:
    assert settings.discord_api_url is not None
    endpoints.use_rest(settings.discord_api_url)
    hosts = [urlsplit(settings.discord_api_url).hostname or ""]
    bot, bell = MinimalBot(), Bell()
    async with AsyncExitStack() as stack:
        rules = provider_hosts(settings.pixelbyte_api_url, ()), attachment_hosts(hosts)
        session = await stack.enter_async_context(guarded_session(*rules))
        bound = await stack.enter_async_context(open_front_door(settings, {}, bell, clock=now))
        bot.maker = Maker(
            desk=DiscordDesk(bot, budget=Budget()),
            attachments=AttachmentFetcher(session=session, extra_hosts=hosts),
            workshop=await stack.enter_async_context(kept_warm()),
            provider=PixelByte(
                session=session,
                base_url=settings.pixelbyte_api_url,
                key=settings.pixelbyte_api_key,
                output_hosts=(),
                clock=now,
            ),
            address=webhook_address(settings, bound),
        )
        bell.ring = bot.maker.ring
        await bot.login(settings.discord_token)
        endpoints.use_gateway(bot, settings.discord_gateway_url or "")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
        await bot.connect()


if __name__ == "__main__":
    found = read_settings(os.environ)
    logs.configure(as_json=False, secrets=found.secrets)
    asyncio.run(run(found))
