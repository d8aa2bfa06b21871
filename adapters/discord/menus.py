"""The menu that every message has: asking about it, aloud or privately, and having its thread summarised."""

from collections import OrderedDict

import discord
from discord import app_commands

from adapters.discord.commands import everywhere
from adapters.discord.deadlines import FirstAnswer
from adapters.discord.forms import QUESTION, AboutMessage, Submitted, about_message
from adapters.discord.handlers import Handlers
from adapters.discord.inbound import Asked, from_ask, may_read_history
from adapters.discord.material import heard
from adapters.discord.questions import Questions
from bot.domain.deliveries import Heard

ASK, ASK_PRIVATELY, SUMMARISE = "Ask about this", "Ask privately", "Summarise thread"
_KEPT = 500
"""Messages remembered while somebody writes a question about them."""
_SUMMARY = "Summarise this conversation: what it is about, what was decided, and what is still open."
_NOTHING_THERE = "There is nothing in this message that I could read."
_NOT_FOR_YOU = "You may not read this channel's history, so I cannot sum it up for you."
_FORGOTTEN = (
    "I was restarted while you were writing, and do not know any more which message you meant. Please choose it again. "
    "Your question was:"
)


class Menus:
    """The entries of one client. A message comes with the interaction, even where contents are withheld otherwise."""

    def __init__(
        self, client: discord.Client, tree: app_commands.CommandTree, questions: Questions, handlers: Handlers
    ) -> None:
        """Put them on the tree."""
        self._client = client
        self._questions = questions
        self._handlers = handlers
        self._targets: OrderedDict[int, Heard] = OrderedDict()
        self._add(tree, ASK, alone=False)
        self._add(tree, ASK_PRIVATELY, alone=True)
        self._add_summary(tree)

    def _add(self, tree: app_commands.CommandTree, name: str, *, alone: bool) -> None:
        @tree.context_menu(name=name)
        @everywhere
        async def about(  # pyright: ignore[reportUnusedFunction] - the decorator registers it
            interaction: discord.Interaction, message: discord.Message
        ) -> None:
            with self._handlers.one():
                await self._about(interaction, message, alone=alone)

    def _add_summary(self, tree: app_commands.CommandTree) -> None:
        """Only where we are a member: elsewhere nothing of a thread can be read."""

        @tree.context_menu(name=SUMMARISE)
        @app_commands.allowed_installs(guilds=True, users=False)
        @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
        async def summarise(  # pyright: ignore[reportUnusedFunction] - the decorator registers it
            interaction: discord.Interaction, message: discord.Message
        ) -> None:
            with self._handlers.one():
                await self._summarise(interaction, message)

    async def _about(self, interaction: discord.Interaction, message: discord.Message, *, alone: bool) -> None:
        answer, target = FirstAnswer(interaction), self._heard(message)
        if target is None:
            await answer.say(_NOTHING_THERE)
            return
        self._targets[interaction.id] = target
        if len(self._targets) > _KEPT:
            self._targets.popitem(last=False)
        await answer.open(about_message(AboutMessage(alone=alone, target=interaction.id)))

    async def asked(self, interaction: discord.Interaction, filled: Submitted, form: AboutMessage) -> None:
        """The form was filled in: that is the question. It may be sent once more when it could not be taken."""
        question, target = filled.texts.get(QUESTION, ""), self._targets.get(form.target)
        if target is None:
            await FirstAnswer(interaction).say(_with_text(_FORGOTTEN, question))
            return
        asked = Asked(text=question, private=form.alone, pointed_at=(target,))
        await self._questions.take(interaction, from_ask(interaction, asked))

    async def _summarise(self, interaction: discord.Interaction, message: discord.Message) -> None:
        if not may_read_history(interaction):
            await FirstAnswer(interaction).say(_NOT_FOR_YOU)
            return
        target = self._heard(message)
        asked = Asked(
            text=_SUMMARY,
            private=True,
            on_its_own=True,
            about=message.thread.id if message.thread else None,
            pointed_at=(target,) if target else (),
        )
        await self._questions.take(interaction, from_ask(interaction, asked))

    def _heard(self, message: discord.Message) -> Heard | None:
        return heard(message, self._client.user.id if self._client.user else 0)


def _with_text(sentence: str, question: str) -> str:
    room = 2_000 - len(sentence) - 20
    return f"{sentence}\n>>> {discord.utils.escape_markdown(question)[:room]}"
