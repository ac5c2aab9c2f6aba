"""Where in Discord a job's conversation happens."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Every id is a Discord snowflake.

    `answer_id` is the public answer to the interaction, `thread_id` the thread that hangs from it
    (None: the conversation stays in the channel), `card_id` the status card, `outcome_id` the one
    message that says how it ended, `outcome_channel_id` where that stands (None: nobody knows, most likely
    where the conversation is). `interaction_token` finds an answer whose id was lost in a crash.
    """

    guild_id: int
    channel_id: int
    answer_id: int | None = None
    thread_id: int | None = None
    card_id: int | None = None
    outcome_id: int | None = None
    outcome_channel_id: int | None = None
    interaction_token: str | None = field(default=None, repr=False)

    @property
    def talk_id(self) -> int:
        """The channel or thread in which the conversation goes on."""
        return self.thread_id or self.channel_id

    @property
    def told_at(self) -> tuple[int, int]:
        """Channel and message that say how it ended, else the answer."""
        if self.outcome_id is None:
            return self.channel_id, self.answer_id or 0
        return self.outcome_channel_id or self.talk_id, self.outcome_id

    @property
    def told_link(self) -> str:
        """The address that makes Discord jump there."""
        channel_id, message_id = self.told_at
        return f"https://discord.com/channels/{self.guild_id}/{channel_id}/{message_id}"
