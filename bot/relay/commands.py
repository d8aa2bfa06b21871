"""Commands and buttons: what people can do besides asking. All answers are for the person alone."""

from collections.abc import Callable

import structlog

from bot.domain.deliveries import Delivery, DeliveryState
from bot.domain.messages import Author
from bot.ports import RunControl, Store
from bot.relay.contract import Command, Press

log = structlog.get_logger()

HELP = """\
Mention me, send me a direct message, or use the `ask` command. In a conversation that I am part of, just go on writing.

- Attach files and I read them.
- `new` starts a new conversation here; I forget what was said before.
- `stop`, or the Stop button under an answer, ends the answer that I am writing.
- `help` shows this."""
FRESH = "Done. Your next message here starts a new conversation."
NOTHING_TO_FORGET = "There is no conversation here yet. Your next message starts one."
STOPPING = "Stopping."
NOTHING_RUNS = "There is no answer to stop here."
NOT_YOURS = "Only the person who asked, or a moderator, can stop this answer."
TOO_LATE = "This answer is already finished."
UNKNOWN = "This answer is not known any more."


class Commands:
    """Carries out commands and button presses."""

    def __init__(self, store: Store, control: Callable[[], RunControl]) -> None:
        """Act on `store` and on the engine that `control` returns."""
        self._store = store
        self._control = control

    async def command(self, command: Command) -> str:
        """Carry out a command. Returns what the person is told."""
        match command.name:
            case "new":
                left = await self._store.intake.leave(command.conversation)
                return FRESH if left else NOTHING_TO_FORGET
            case "stop":
                return await self._stop_current(command)
            case "help":
                return HELP
            case _:
                return f"I do not know that command.\n\n{HELP}"

    async def press(self, press: Press) -> str | None:
        """Carry out a press. Returns a note for the person, or None when the message itself will show it."""
        if press.op != "stop":
            return "This button does nothing any more."
        delivery = await self._store.deliveries.get(press.run_id)
        if delivery is None:
            return UNKNOWN
        if not _may_stop(press.person, delivery, moderator=press.moderator):
            return NOT_YOURS
        return None if await self._stop(delivery) else TOO_LATE

    async def _stop_current(self, command: Command) -> str:
        thread_id = await self._store.intake.thread_of(command.conversation)
        for run in await self._store.runs.active(thread_id) if thread_id else ():
            delivery = await self._store.deliveries.get(run.id)
            if delivery is None:  # it came in over HTTP
                continue
            if not _may_stop(command.person, delivery, moderator=command.moderator):
                return NOT_YOURS
            return STOPPING if await self._stop(delivery) else TOO_LATE
        return NOTHING_RUNS

    async def _stop(self, delivery: Delivery) -> bool:
        """Stop a run. Returns False when it was over before."""
        run = await self._store.runs.get(delivery.run_id)
        if run is None or run.ended or delivery.state is not DeliveryState.OPEN:
            return False
        log.info("stop asked for", run_id=delivery.run_id)
        return await self._control().cancel(delivery.run_id) is not None


def _may_stop(person: Author, delivery: Delivery, *, moderator: bool) -> bool:
    asker = delivery.asker
    return moderator or (person.platform, person.id) == (asker.platform, asker.id)
