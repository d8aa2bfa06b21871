"""Slash commands: `/ask`, and the commands beside it, whose answers are for the person alone."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import discord
import structlog
from discord import app_commands

from adapters.discord.deadlines import FirstAnswer, time_left
from adapters.discord.handlers import Handlers
from adapters.discord.inbound import (
    NO_CHANNEL,
    Asked,
    channel_of,
    from_ask,
    in_plain_channel,
    is_moderator,
    rules_of,
    scope_in,
)
from adapters.discord.material import author_of, file_of
from adapters.discord.presses import NOT_DONE
from adapters.discord.questions import Questions, begun, done_within
from bot.errors import StoreUnavailable
from bot.relay.contract import COMMANDS, Command, CommandName, Reception

log = structlog.get_logger()

C = TypeVar("C", bound=Callable[..., object])

_MOST_CHOICES = 25
_LONGEST_CHOICE = 100
_LONGEST_DESCRIPTION = 100
_LONGEST_QUESTION = 6_000
_SHOWN_NAMES = 20


def offered(*, to_guests: bool) -> Callable[[C], C]:
    """In servers and direct messages; `to_guests`, who have installed us for themselves, wherever they are."""

    def described(callback: C) -> C:
        installed = app_commands.allowed_installs(guilds=True, users=to_guests)
        return app_commands.allowed_contexts(guilds=True, dms=True, private_channels=to_guests)(installed(callback))

    return described


class Commands:
    """The typed commands of one client."""

    def __init__(
        self,
        tree: app_commands.CommandTree,
        reception: Reception,
        questions: Questions,
        handlers: Handlers,
        *,
        to_guests: bool,
    ) -> None:
        """Put them on the tree."""
        self._offered = offered(to_guests=to_guests)
        self._reception = reception
        self._questions = questions
        self._handlers = handlers
        self._add_ask(tree)
        for name, description in COMMANDS.items():
            self._add_simple(tree, name, description)

    def _add_ask(self, tree: app_commands.CommandTree) -> None:
        @tree.command(name="ask", description="Ask the assistant")
        @app_commands.describe(
            question="What you want to know",
            file="A file to read",
            private="Only you see the answer",
            assistant="Who answers",
        )
        @app_commands.autocomplete(assistant=self._suggested)
        @self._offered
        async def ask(  # pyright: ignore[reportUnusedFunction] - the decorator registers it
            interaction: discord.Interaction,
            question: app_commands.Range[str, 1, _LONGEST_QUESTION],
            file: discord.Attachment | None = None,
            private: bool = False,
            assistant: str = "",
        ) -> None:
            files = (file_of(file),) if file else ()
            with self._handlers.one():
                await self._ask(interaction, Asked(text=question, files=files, private=private, assistant=assistant))

    def _add_simple(self, tree: app_commands.CommandTree, name: CommandName, description: str) -> None:
        @tree.command(name=name, description=description[:_LONGEST_DESCRIPTION])
        @self._offered
        async def command(interaction: discord.Interaction) -> None:  # pyright: ignore[reportUnusedFunction]
            with self._handlers.one():
                await self._simple(interaction, name)

    # --- /ask ---

    async def _ask(self, interaction: discord.Interaction, asked: Asked) -> None:
        if asked.assistant:
            known = self._reception.assistants(rules_of(interaction))
            name = named(asked.assistant, known)
            if name is None:
                await FirstAnswer(interaction).say(_unknown(asked.assistant, known))
                return
            asked = asked.model_copy(update={"assistant": name})
        await self._questions.take(interaction, from_ask(interaction, asked))

    async def _suggested(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Assistants whose names contain what was typed, from memory: Discord waits three seconds."""
        names = suggestions(typed, self._reception.assistants(rules_of(interaction)))
        return [app_commands.Choice(name=name, value=name) for name in names]

    # --- the others ---

    async def _simple(self, interaction: discord.Interaction, name: CommandName) -> None:
        answer = FirstAnswer(interaction)
        async with begun(self._carried_out(interaction, name)) as work:
            if not await done_within(work, time_left(interaction)):
                await answer.defer(thinking=True, ephemeral=True)
            try:
                note = await work
            except StoreUnavailable as error:
                log.warning("command not carried out", interaction_id=interaction.id, reason=type(error).__name__)
                note = NOT_DONE
        await answer.say(note)

    async def _carried_out(self, interaction: discord.Interaction, name: CommandName) -> str:
        last = await self._reception.last_conversation(channel_of(interaction), author_of(interaction.user))
        elsewhere = last is not None and (in_plain_channel(interaction) or NO_CHANNEL in last)
        command = Command(
            name=name,
            conversation=last if last is not None and elsewhere else channel_of(interaction),
            elsewhere=elsewhere,
            person=author_of(interaction.user),
            moderator=is_moderator(interaction.user),
            scope=scope_in(interaction),
            channel=rules_of(interaction),
        )
        return await self._reception.command(command)


def suggestions(typed: str, names: Sequence[str]) -> list[str]:
    """Names that contain what was typed, those that begin with it first; as many as Discord shows."""
    wanted = typed.strip().casefold()
    fitting = [name for name in names if wanted in name.casefold() and 1 <= len(name) <= _LONGEST_CHOICE]
    fitting.sort(key=lambda name: not name.casefold().startswith(wanted))  # stable: the usual one stays in front
    return fitting[:_MOST_CHOICES]


def named(typed: str, names: Sequence[str]) -> str | None:
    """The assistant that somebody means, whatever the case of its letters; None when there is none."""
    same = [name for name in names if name.casefold() == typed.strip().casefold()]
    return typed.strip() if typed.strip() in same else next(iter(same), None)


def _unknown(typed: str, names: Sequence[str]) -> str:
    shown = ", ".join(discord.utils.escape_markdown(name) for name in names[:_SHOWN_NAMES])
    wanted = discord.utils.escape_markdown(typed[:_LONGEST_CHOICE])
    return f"There is no assistant called {wanted} here. You can choose: {shown}"
