"""The tables of `assistants.toml`. The descriptions are the documentation: docs/assistants-file.md has the same words.

Nothing that is said in two places is merged: a key of a channel's table stands instead of the same key of `[defaults]`.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.channels import Manner

LONGEST_INSTRUCTIONS = 256_000
"""Characters, as in the Assistants API."""
ALL = "*"
"""Instead of tool names: every tool there is."""


class Table(BaseModel):
    """A table of the file; keys that it does not know are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AssistantTable(Table):
    """One assistant, named by its table: `[assistants.Support]`."""

    instructions: str | None = Field(
        default=None,
        max_length=LONGEST_INSTRUCTIONS,
        description="What the assistant is for and how it should answer. Left out: the general ones.",
    )
    instructions_file: Path | None = Field(
        default=None, description="The same as a file, found from the folder of this one; excludes `instructions`."
    )
    model: str | None = Field(
        default=None,
        min_length=1,
        description="Name of a model of the configured provider. Left out: the one of the settings.",
    )
    tools: tuple[str, ...] | None = Field(
        default=None,
        description='Names of the tools that it may use, and no others; `[]` is none. Left out, or `["*"]`: all.',
    )


class PlaceTable(Table):
    """What holds in channels."""

    assistant: str | None = Field(
        default=None, description="Name of the assistant that answers. Left out everywhere: the one of the settings."
    )
    assistants: tuple[str, ...] | None = Field(
        default=None,
        description="Names of the assistants that people may choose for a question, besides the one that answers: "
        "in Discord, with `/ask assistant:`. Slack has no way to choose.",
    )
    mentions: Literal["always", "threads", "required"] | None = Field(
        default=None,
        description="`always`: every message is for the assistant. `threads` (the default): those that mention it, and "
        "what follows in a conversation that it is part of. `required`: only those that mention it. Direct messages "
        "always are.",
    )
    threads: Literal["thread", "reply", "channel"] | None = Field(
        default=None,
        description="Where a mention is answered. `thread` (the default): in a thread. `reply`: as a reply in the "
        "channel; a chain of replies is one conversation. `channel`: plainly in the channel, which is one conversation "
        "then.",
    )
    delivery: Manner | None = Field(
        default=None,
        description="`stream` (the default): an answer grows while it is made. `status`: it comes all at once, and "
        "until then a status says that work is going on.",
    )
    instructions: str | None = Field(
        default=None,
        max_length=LONGEST_INSTRUCTIONS,
        description="Added to the instructions of whichever assistant answers.",
    )
    tools: tuple[str, ...] | None = Field(
        default=None,
        description="Only these tools of the assistant may be used; it never gets one that it does not have anyway.",
    )


class Defaults(PlaceTable):
    """`[defaults]`: what holds in every channel whose table says nothing else."""


class ChannelTable(PlaceTable):
    """`[[channels]]`: what holds in the channels that it matches. The first table that matches holds, and no other."""

    match: str | tuple[str, ...] = Field(
        description="Keys of channels, `*` in them stands for any characters: `slack:T123:C456`, `discord:*:789`, "
        "`slack:*:D*` for direct messages in Slack. One, or a list.",
    )

    @property
    def patterns(self) -> tuple[str, ...]:
        """The keys, one or several."""
        return (self.match,) if isinstance(self.match, str) else self.match


class AssistantsFile(Table):
    """The whole file."""

    defaults: Defaults = Defaults()
    assistants: dict[str, AssistantTable] = Field(default_factory=dict)
    channels: tuple[ChannelTable, ...] = ()
