"""Writing one run's answer into the chat, while it is being made and at its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog
from structlog.contextvars import bound_contextvars

from bot.domain.deliveries import DeliveryState
from bot.domain.events import CallChanged, RunChanged, RunEvent
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import ToolCall
from bot.errors import Fenced, Forbidden, Gone, Refused
from bot.ports import Store
from bot.relay.answer import Answer
from bot.relay.chat import Chat
from bot.relay.delivery import Conclusion
from bot.relay.errand import Errand
from bot.relay.interim import Interim
from bot.relay.policy import RelayPolicy
from bot.relay.preparation import Preparation
from bot.relay.segments import Segments
from bot.relay.status import WorkingStatus

log = structlog.get_logger()


class RunWriter:
    """Implements `bot.ports.RunSink` for one run that came from a chat.

    `publish` only takes notes. A task of its own shows the newest text, so a slow platform never holds up the run, and
    a failed interim edit never hurts it. Only `finish` must succeed.
    """

    def __init__(self, store: Store, errand: Errand, chat: Chat, policy: RelayPolicy) -> None:
        """Write the answer of `errand` into `chat`."""
        self._store = store
        self._errand = errand
        self._chat = chat
        self._policy = policy
        self._answer = Answer(store, errand, chat, policy)
        self._segments = Segments(store, errand, chat, policy)
        self._interim = Interim(self._answer, self._segments, chat, policy)
        self._conclusion = Conclusion(store, self._answer, self._segments, chat, policy)
        self._status = WorkingStatus(chat, self._status_text)
        self._asking = asyncio.Lock()
        self._asked: set[str] = set()
        """Calls about which a person was asked and that nothing has happened to since."""
        self._preparation = Preparation(store, errand, chat, policy)

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator["RunWriter"]:
        """Write until the context is left. Leaving it early loses nothing: the next writer goes on from the store."""
        if self._errand.untouched:
            await self._answer.begin()
        else:
            await self._answer.load()
            await self._segments.load()
        with bound_contextvars(run_id=self._errand.run_id):  # the tasks take it along for all that they log
            tasks = [
                asyncio.create_task(self._interim.keep(), name=f"interim {self._errand.run_id}"),
                asyncio.create_task(self._status.keep(), name=f"status {self._errand.run_id}"),
            ]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Fenced):
                    log.info("writer fenced off", run_id=self._errand.run_id)
                elif isinstance(outcome, Exception):  # decoration: whatever it is, the run went on without it
                    log.error("decoration failed", run_id=self._errand.run_id, exc_info=outcome)

    # --- RunSink

    async def prepare(self) -> None:
        """Take in the files that came with the message, and what was said before it."""
        with bound_contextvars(run_id=self._errand.run_id):
            await self._preparation.take_in_files()
            await self._preparation.listen_back()

    def publish(self, event: RunEvent) -> None:
        """Take a note of what happened."""
        self._answer.fold(event)
        match event:
            case CallChanged():
                self._asked.discard(event.call.place)
            case RunChanged() if event.run.status is RunStatus.CANCELLING:
                self._asked.clear()
            case _:
                pass
        if not self._asked:
            self._interim.changed()

    async def ask(self, call: ToolCall) -> bool:
        """Show the question below the answer so far, with its buttons, in place of the interim edits.

        Raises:
            PlatformError: the question could not be shown now.
            Fenced: somebody else has the lane.
        """
        if not self._chat.buttons:
            return False
        self._asked.add(call.place)
        with bound_contextvars(run_id=self._errand.run_id):
            async with self._asking:
                await self._interim.hold()
                await self._answer.load()
                shown = await self._shown(call)
            await self._status.clear()
        if not shown:
            self._asked.discard(call.place)
        log.info("person asked", run_id=self._errand.run_id, call=call.place, shown=shown)
        return shown

    async def _shown(self, call: ToolCall) -> bool:
        """Show the question, in smaller messages if need be. Returns False when this place never takes it."""
        while True:
            wanted = await self._answer.asking(call, self._segments.live)
            try:
                await self._segments.show(wanted, tries=self._policy.attempts)
                return True
            except (Gone, Forbidden) as error:
                await self._interim.end_homeless(error)
                return False
            except Refused as error:
                if not (error.too_long and self._answer.shrink()):
                    return False

    async def finish(self, run: Run) -> None:
        """Show the end at once, take the buttons away and close the delivery. Harmless when it was done before.

        Raises:
            PlatformError: the end could not be shown now; the delivery stays open.
            Fenced: somebody else has the lane.
        """
        with bound_contextvars(run_id=run.id):
            await self._interim.stop()
            if await self._unwanted(run):
                return
            await self._answer.load()
            state = await self._conclusion.deliver(run)
            await self._status.clear()
            await self._store.deliveries.close(self._errand.lease, run.id, state)
        log.info("answer delivered", run_id=run.id, state=str(state), messages=self._segments.live)

    async def _unwanted(self, run: Run) -> bool:
        """Whether the question was deleted before anybody began to answer it: then there is nothing to say."""
        if run.status is not RunStatus.CANCELLED or self._segments.live:
            return False
        delivery = await self._store.deliveries.get(run.id)
        return delivery is not None and delivery.state is not DeliveryState.OPEN

    def _status_text(self) -> str | None:
        if self._interim.stopped or self._asked or (self._segments.live and not self._chat.quiet):
            return None
        tools = self._answer.tools
        return f"is using {', '.join(dict.fromkeys(tools))}…" if tools else "is thinking…"
