"""What everybody works with who takes something in from a workspace."""

from dataclasses import dataclass

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.courtesies import Courtesies
from adapters.slack.inbound import Reader
from adapters.slack.markup import noted
from adapters.slack.places import channel_key, scope_of
from adapters.slack.replies import Identity
from adapters.slack.settings import Prompt
from adapters.slack.surface import Surface
from bot.domain.messages import Author
from bot.errors import Forbidden, Gone
from bot.relay.contract import Command, CommandName, Reception

log = structlog.get_logger()

NOT_TAKEN = "I could not take that down just now. Please try again in a moment."

HERE = (
    "In Slack:\n"
    "- `/ask private: your question` is answered to you alone.\n"
    "- Slash commands do not work in threads. Mention me and write `!stop`, `!new`, `!forget`, `!usage`, `!model` or "
    "`!help` there instead; in a thread that I am part of, no mention is needed.\n"
    "- In the menu of any message, *Ask about this* and *Summarise thread* answer you alone, unless you want otherwise."
)
"""Added to the help that all platforms give."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One workspace: who we are there, who reads for us, who takes in what was read."""

    api: SlackApi
    surface: Surface
    identity: Identity
    reader: Reader
    reception: Reception
    courtesies: Courtesies
    prompts: tuple[Prompt, ...]

    def note(self, channel: str, user: str, text: str, thread: str | None, response_url: str | None = None) -> None:
        """Tell one person something, later; by the `response_url` where we may not speak."""
        self.courtesies.do("note", self._tell(channel, user, noted(text), thread, response_url))

    async def _tell(self, channel: str, user: str, text: str, thread: str | None, response_url: str | None) -> None:
        try:
            await self.api.whisper(channel, user, text, thread)
        except (Forbidden, Gone):
            if response_url is None:
                raise
            await self.api.respond(response_url, text)

    async def carry_out(
        self,
        name: CommandName,
        conversation: str,
        person: Author,
        user: str,
        where: tuple[str, str],
        *,
        elsewhere: bool = False,
    ) -> str:
        """Carry out a command.

        Args:
            name: the command.
            conversation: that it is about.
            person: who gave it.
            user: their id in Slack.
            where: the workspace or enterprise, and the channel in which it was given.
            elsewhere: not in the conversation itself.

        Raises:
            StoreUnavailable: it was not carried out.
        """
        command = Command(
            name=name,
            conversation=conversation,
            elsewhere=elsewhere,
            person=person,
            moderator=await self.reader.moderates(user),
            scope=scope_of(where[0]),
            channel=channel_key(*where),
        )
        told = await self.reception.command(command)
        return f"{told}\n\n{HERE}" if name == "help" else told
