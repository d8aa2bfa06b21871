"""Commands and buttons: what people can do besides asking. All answers are for the person alone."""

import structlog

from bot.domain.deliveries import Delivery, DeliveryState
from bot.domain.steps import Decision
from bot.ports import RunControl, Store
from bot.relay.contract import COMMANDS, Command, CommandName, Press

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
NOT_YOURS = "Only the person who asked, or a moderator, can stop this answer."
NOT_YOURS_TO_DECIDE = "Only the person who asked, or a moderator, can decide this."
NOT_YOURS_TO_LEAVE = (
    "Only the person who began that conversation, or a moderator, can end it from outside; in it, everybody can."
)
TOO_LATE = "This answer is already finished."
SETTLED = "This is settled already."
UNKNOWN = "This answer is not known any more."

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
    """Carries out commands and button presses."""

    def __init__(self, store: Store, control: RunControl) -> None:
        """Act on `store`; runs are stopped and decisions taken by `control`."""
        self._store = store
        self._control = control

    async def command(self, command: Command) -> str:
        """Carry out a command. Returns what the person is told."""
        match command.name:
            case "new":
                return await self._start_over(command)
            case "stop":
                return await self._stop_current(command)
            case "forget" | "usage" | "model":
                raise NotImplementedError
            case "help":
                return HELP

    async def press(self, press: Press) -> str | None:
        """Carry out a press. Returns a note for the person, or None when the message itself will show it."""
        delivery = await self._store.deliveries.get(press.run_id)
        if delivery is None:
            return UNKNOWN
        if press.op == "stop":
            if not _may_act(press, delivery):
                return NOT_YOURS
            return None if await self._stop(delivery) else TOO_LATE
        if not _may_act(press, delivery):
            return NOT_YOURS_TO_DECIDE
        return None if await self._decide(press, Decision(press.op)) else SETTLED

    async def _start_over(self, command: Command) -> str:
        if command.elsewhere:  # nobody there would see who ended it, and it may be somebody else's
            began = await self._store.deliveries.first_in(command.conversation)
            if began is None:
                return NOTHING_TO_FORGET
            if not _may_act(command, began):
                return NOT_YOURS_TO_LEAVE
        left = await self._store.intake.leave(command.conversation)
        return FRESH if left else NOTHING_TO_FORGET

    async def _stop_current(self, command: Command) -> str:
        thread_id = await self._store.intake.thread_of(command.conversation)
        for run in await self._store.runs.active(thread_id) if thread_id else ():
            delivery = await self._store.deliveries.get(run.id)
            if delivery is None:  # it came in over HTTP
                continue
            if not _may_act(command, delivery):
                return NOT_YOURS
            return STOPPING if await self._stop(delivery) else TOO_LATE
        return NOTHING_RUNS

    async def _stop(self, delivery: Delivery) -> bool:
        """Stop a run. Returns False when it was over before."""
        run = await self._store.runs.get(delivery.run_id)
        if run is None or run.ended or delivery.state is not DeliveryState.OPEN:
            return False
        log.info("stop asked for", run_id=delivery.run_id)
        return await self._control.cancel(delivery.run_id) is not None

    async def _decide(self, press: Press, decision: Decision) -> bool:
        """Take a decision about an interrupted call. Returns False when there is nothing to decide any more."""
        decided = await self._control.decide(press.run_id, press.call, decision)
        log.info("decision", run_id=press.run_id, call=press.call, decision=str(decision), decided=decided)
        return decided


def _may_act(wish: Command | Press, delivery: Delivery) -> bool:
    """Whether it comes from the person who asked, or from a moderator of the place where they asked."""
    person, asker, address = wish.person, delivery.asker, delivery.address
    if (person.platform, person.id) == (asker.platform, asker.id):
        return True
    same_place = wish.scope != "" and (person.platform, wish.scope) == (address.platform, address.scope)
    return wish.moderator and same_place
