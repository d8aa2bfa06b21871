"""The menu that every message has: asking about it, aloud or privately, and having its thread summarised."""

from collections import OrderedDict
from dataclasses import dataclass

import discord
from discord import app_commands

from adapters.discord.commands import offered
from adapters.discord.deadlines import FirstAnswer
from adapters.discord.forms import QUESTION, AboutMessage, Submitted, about_message
from adapters.discord.handlers import Handlers
from adapters.discord.inbound import Asked, from_ask, may_read_history
from adapters.discord.material import heard
from adapters.discord.questions import Questions
from bot.domain.deliveries import Heard

ASK, ASK_PRIVATELY, SUMMARISE = "Ask about this", "Ask privately", "Summarise thread"
_KEPT = 20
"""Messages remembered for each person who may be writing a question about them; Discord shows one form at a time."""
_PEOPLE = 1_000
"""People for whom that is done; those who have opened no form for the longest time are forgotten."""
_SUMMARY = "Summarise this conversation: what it is about, what was decided, and what is still open."
_NOTHING_THERE = "There is nothing in this message that I could read."
_NOT_FOR_YOU = "You may not read this channel's history, so I cannot sum it up for you."
_FORGOTTEN = (
    "I do not know any more which message you meant, perhaps because I was restarted while you were writing. "
    "Please choose it again. Your question was:"
)


@dataclass(frozen=True, slots=True)
class _Target:
    """What a form is about. It is filled in where it was opened."""

    channel: int | None
    heard: Heard


class Targets:
    """What people are writing questions about, each of them for themselves."""

    def __init__(self) -> None:
        """Nobody has opened a form."""
        self._kept: OrderedDict[int, OrderedDict[int, _Target]] = OrderedDict()

    def keep(self, interaction: discord.Interaction, heard: Heard) -> None:
        """Somebody opens a form about a message; of too many forms they lose their own oldest."""
        own = self._kept.setdefault(interaction.user.id, OrderedDict())
        self._kept.move_to_end(interaction.user.id)
        own[interaction.id] = _Target(interaction.channel_id, heard)
        if len(own) > _KEPT:
            own.popitem(last=False)
        if len(self._kept) > _PEOPLE:
            self._kept.popitem(last=False)

    def of(self, interaction: discord.Interaction, opened_by: int) -> Heard | None:
        """The message, for whoever opened the form with that interaction, in the same channel."""
        own = self._kept.get(interaction.user.id)
        target = own.get(opened_by) if own else None
        return target.heard if target is not None and target.channel == interaction.channel_id else None


class Menus:
    """The entries of one client. A message comes with the interaction, even where contents are withheld otherwise."""

    def __init__(
        self,
        client: discord.Client,
        tree: app_commands.CommandTree,
        questions: Questions,
        handlers: Handlers,
        *,
        to_guests: bool,
    ) -> None:
        """Put them on the tree."""
        self._offered = offered(to_guests=to_guests)
        self._client = client
        self._questions = questions
        self._handlers = handlers
        self._targets = Targets()
        self._add(tree, ASK, alone=False)
        self._add(tree, ASK_PRIVATELY, alone=True)
        self._add_summary(tree)

    def _add(self, tree: app_commands.CommandTree, name: str, *, alone: bool) -> None:
        @tree.context_menu(name=name)
        @self._offered
        async def about(  # pyright: ignore[reportUnusedFunction] - the decorator registers it
            interaction: discord.Interaction, message: discord.Message
        ) -> None:
            with self._handlers.one():
                await self._about(interaction, message, alone=alone)

    def _add_summary(self, tree: app_commands.CommandTree) -> None:
        """Only where we are a member: elsewhere nothing of a thread can be read."""

        @tree.context_menu(name=SUMMARISE)
        @offered(to_guests=False)
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
        self._targets.keep(interaction, target)
        await answer.open(about_message(AboutMessage(alone=alone, target=interaction.id)))

    async def asked(self, interaction: discord.Interaction, filled: Submitted, form: AboutMessage) -> None:
        """The form was filled in: that is the question. It may be sent once more when it could not be taken."""
        question, target = filled.texts.get(QUESTION, ""), self._targets.of(interaction, form.target)
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
