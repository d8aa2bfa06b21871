"""Commands: what people can do besides asking. All answers are for the person alone."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from bot.domain.assistants import Assistant
from bot.domain.feedback import Account, Forgotten
from bot.ports import Clock, RunControl, Store
from bot.relay.contract import COMMANDS, Command, CommandName
from bot.relay.presses import NOT_YOURS, TOO_LATE, stop
from bot.relay.rights import may_act
from bot.relay.text.document import inert

log = structlog.get_logger()

HELP = "\n".join(
    [
        "Mention me, send me a direct message, or use the `ask` command. In a conversation that I am part of, just "
        "go on writing. Attach files and I read them.",
        "",
        *(f"- `{name}`: {description}" for name, description in COMMANDS.items()),
    ]
)
FRESH = "Done. Your next message here starts a new conversation."
NOTHING_TO_FORGET = "There is no conversation here yet. Your next message starts one."
STOPPING = "Stopping."
NOTHING_RUNS = "There is no answer to stop here."
NOT_YOURS_TO_LEAVE = (
    "Only the person who began that conversation, or a moderator, can end it from outside; in it, everybody can."
)
NOT_YOURS_TO_FORGET = "Only the person who began this conversation, or a moderator, can have it forgotten."
STOPPED_FIRST = (
    "An answer was still being written here, so I am stopping it first. Please send `forget` again in a moment."
)
_MARKS = ("!", "/")
"""What a command begins with where it is written as a message (Slack takes no slash commands in threads)."""
_BARE: frozenset[CommandName] = frozenset({"stop", "help"})
"""Commands that are meant even without a mark; “new” alone is too common a word."""


def command_in(text: str) -> CommandName | None:
    """The command that a whole message is (`!stop`, `/new`, a bare `stop`), or None when it is something to answer."""
    word = text.strip().lower()
    for name in COMMANDS:
        if word in {mark + name for mark in _MARKS} or (word == name and name in _BARE):
            return name
    return None


class Commands:
    """Carries out commands."""

    def __init__(self, store: Store, control: RunControl, clock: Clock) -> None:
        """Act on `store`; runs are stopped by `control`, and `clock` says which day it is."""
        self._store = store
        self._control = control
        self._clock = clock

    async def command(self, command: Command, assistant: Assistant, choosable: Sequence[str] = ()) -> str:
        """Carry out a command, where `assistant` answers and these may be chosen. Returns what the person is told."""
        match command.name:
            case "new":
                return await self._start_over(command)
            case "stop":
                return await self._stop_current(command)
            case "forget":
                return await self._forget(command)
            case "usage":
                return await self._usage(command)
            case "model":
                return _who_answers(assistant, choosable)
            case "help":
                return HELP

    async def _start_over(self, command: Command) -> str:
        if command.elsewhere:  # nobody there would see who ended it, and it may be somebody else's
            began = await self._store.deliveries.first_in(command.conversation)
            if began is None:
                return NOTHING_TO_FORGET
            if not may_act(command, began):
                return NOT_YOURS_TO_LEAVE
        left = await self._store.intake.leave(command.conversation)
        return FRESH if left else NOTHING_TO_FORGET

    async def _stop_current(self, command: Command) -> str:
        thread_id = await self._store.intake.thread_of(command.conversation)
        for run in await self._store.runs.active(thread_id) if thread_id else ():
            delivery = await self._store.deliveries.get(run.id)
            if delivery is None:  # it came in over HTTP
                continue
            if not may_act(command, delivery):
                return NOT_YOURS
            return STOPPING if await stop(self._store, self._control, delivery) else TOO_LATE
        return NOTHING_RUNS

    async def _forget(self, command: Command) -> str:
        """Delete the conversation's thread. What is still being worked on is stopped first."""
        thread_id = await self._store.intake.thread_of(command.conversation)
        began = await self._store.deliveries.first_in(command.conversation)
        if thread_id is None or began is None:
            return NOTHING_TO_FORGET
        if not may_act(command, began):
            return NOT_YOURS_TO_FORGET
        forgotten = await self._store.upkeep.forget_thread(thread_id)
        if forgotten is None:
            for run in await self._store.runs.active(thread_id):
                await self._control.cancel(run.id)
            return STOPPED_FIRST
        log.info("conversation forgotten", thread_id=thread_id, messages=forgotten.messages, files=forgotten.files)
        return _forgotten(forgotten)

    async def _usage(self, command: Command) -> str:
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        month = today.replace(day=1)
        accounts, thread_id = self._store.accounts, await self._store.intake.thread_of(command.conversation)
        lines = [
            f"- You, today: {_spent(await accounts.of_person(command.person, today.timestamp()))}",
            f"- You, this month: {_spent(await accounts.of_person(command.person, month.timestamp()))}",
        ]
        if thread_id is not None:
            lines.append(f"- This conversation: {_spent(await accounts.of_thread(thread_id))}")
        return "\n".join([*lines, "", "Days and months are counted in UTC."])


def _who_answers(assistant: Assistant, choosable: Sequence[str]) -> str:
    name = assistant.name or "the assistant"
    here = f"Here answers **{inert(name)}**, with the model `{inert(assistant.model)}`."
    if others := [f"**{inert(other)}**" for other in choosable if other != name]:
        return f"{here} For a single question or a new conversation you can also choose {' or '.join(others)}."
    return here


def _forgotten(forgotten: Forgotten) -> str:
    messages = _counted(forgotten.messages, "message")
    files = f" and {_counted(forgotten.files, 'file')}" if forgotten.files else ""
    return (
        f"Done: I have deleted {messages}{files} of this conversation. "
        "What stands in the chat stays there until it is deleted there."
    )


def _spent(account: Account) -> str:
    """In words, and said to be estimated where the provider did not count everything."""
    usage = account.usage
    estimated = " (estimated)" if usage.estimated else ""
    return f"{_counted(account.questions, 'question')}, {_counted(usage.total_tokens, 'token')}{estimated}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
