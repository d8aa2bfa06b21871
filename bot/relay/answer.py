"""What an answer looks like: from events and records to the messages that the chat should show."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, TypedDict, TypeVar, Unpack

from bot.domain.events import RunEvent
from bot.domain.messages import DELETED, Attachment
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import ToolCall
from bot.ports import Store
from bot.relay.breaks import breaks_of, remember
from bot.relay.chat import Chat
from bot.relay.contract import Button, Operation, Outbound, OutboundFile, Task
from bot.relay.errand import Errand
from bot.relay.full_lane import why_turned_away
from bot.relay.policy import RelayPolicy
from bot.relay.produced import answer_file
from bot.relay.text.blocks import close_fence
from bot.relay.text.composer import Composer, Growth, Part
from bot.relay.text.document import STOPPING, Document, incident
from bot.relay.text.links import addresses
from bot.relay.text.question import question
from bot.relay.text.sources import named_by_tools

STOP = "Stop"
DECISIONS: tuple[tuple[Operation, str], ...] = (
    ("worked", "It worked"),
    ("again", "Run it again"),
    ("skip", "Skip it"),
)
GOING_ON = "_Going on…_"
AGAIN = "_Writing it again…_"
REGENERATE, TRY_AGAIN = "Regenerate", "Try again"
RATINGS: tuple[tuple[Operation, str], ...] = (("up", "👍"), ("down", "👎"))
COMPLETED = RunStatus.COMPLETED
NO_FILES = "_The files of this answer could not be attached here._"
_ENDED: dict[str, Literal["done", "failed"]] = {"running": "failed", "done": "done", "failed": "failed"}
"""How a step is shown when the answer has ended: nothing goes on any more."""
_T = TypeVar("_T")
_SLOW = 0.05
"""Seconds of composing beyond which it is done in a thread from then on: everybody else's answers share the loop."""
_LONG = 4_000
"""Characters beyond which it is done there at once."""
_HISTORY = 40
"""Newest messages whose web addresses count as known."""


class Answer:
    """One run's answer, at any moment and at its end."""

    def __init__(self, store: Store, errand: Errand, chat: Chat, policy: RelayPolicy) -> None:
        """Begin empty; `load` takes over what is on record."""
        self._store = store
        self._errand = errand
        self._most_files = policy.max_files
        self._document = Document()
        self._composer = Composer(chat.dialect, chat.capabilities, chat.terms.max_segments)
        self._grows = chat.terms.life is not None
        self._shows_tasks = chat.capabilities.tasks
        self._breaks: tuple[int, ...] | None = None
        """As they are remembered; None before anybody looked."""
        self._earlier: frozenset[str] = frozenset()
        """Steps that had ended when the newest message began: earlier messages show them."""
        self._messages = 0
        stop = Button(op="stop", run_id=errand.run_id, label=STOP, danger=True)
        self._buttons = (stop,) if chat.buttons else ()
        self._rewritable = chat.buttons and not (chat.address.private and chat.address.secrets)
        """Whether the answer may be written again later: the way back to one person is forgotten with its end."""
        self._files_out = chat.capabilities.files_out
        self._decided = False
        self._slow = False
        self._sources_of: tuple[ToolCall, ...] = ()
        self._skipped: tuple[Attachment, ...] = ()

    async def begin(self) -> None:
        """Look at the thread only: of a run that never started nothing else is on record."""
        await self._read_thread()

    async def load(self) -> None:
        """Take over what is on record: it is the truth at the end, and all there is after a crash."""
        store, errand = self._store, self._errand
        calls = await store.runs.calls(errand.run_id)
        self._document.load(await store.runs.messages(errand.run_id), calls)
        if self._grows and self._breaks is None:
            self._breaks = await breaks_of(store.notes, errand.run_id)
            self._composer.restore(self._breaks)
        self._decided = any(call.decision is not None for call in calls)
        await self._read_thread()

    async def _read_thread(self) -> None:
        errand = self._errand
        history = await self._store.history.up_to(errand.run, _HISTORY)
        said = [message for message in history if message.role == "user"]
        self._composer.known = addresses([message.text for message in said])
        self._sources_of = ()
        asked = [message for message in said if message.id == errand.delivery.message_id]
        self._skipped = tuple(record for message in asked for record in message.attachments if record.skipped)
        self._rewritable = self._rewritable and not any(DELETED in message.metadata for message in asked)

    def fold(self, event: RunEvent) -> None:
        """Take in what happened."""
        self._document.fold(event)

    @property
    def run_id(self) -> str:
        """Whose answer it is."""
        return self._errand.run_id

    @property
    def text(self) -> str:
        """What the assistant has said so far, as Markdown."""
        return self._document.text

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools that run now."""
        return self._document.running

    def shrink(self) -> bool:
        """Split into smaller messages from now on. False when they are as small as can be."""
        return self._composer.shrink()

    @property
    def steps(self) -> tuple[object, ...]:
        """What changes when something happens beside the text."""
        return (*self._document.tasks, self._document.stopping, self._document.paused)

    async def running(self, live: int, growth: Growth | None = None) -> list[Outbound]:
        """The messages while the answer goes on, given that `live` are posted already. Empty when there is no text.

        `growth` is given where messages only grow.
        """
        await self._learn_addresses()
        text, progress = self._document.text, self._progress
        if growth is None:
            parts = await self._composed(text, lambda: self._composer.running(text, progress, live))
        else:
            grown = replace(growth, paused=self._document.paused)
            parts = await self._composed(text, lambda: self._composer.growing(text, live, grown))
            await self._remember_breaks()
        if not parts and live and self._replacing:
            parts = (Part(self._composer.plain(progress or (GOING_ON if self._decided else AGAIN)), 0, complete=False),)
        return _messages(parts, buttons=self._buttons, tasks=self._tasks(len(parts)))

    @property
    def _progress(self) -> str:
        """What stands below the text: where steps are shown by themselves, they are no part of it."""
        if self._shows_tasks:
            return STOPPING if self._document.stopping else ""
        return self._document.progress

    def _tasks(self, messages: int) -> tuple[Task, ...]:
        """The steps that belong to the last of so many messages."""
        if not self._shows_tasks:
            return ()
        tasks = self._document.tasks
        if self._grows and messages > self._messages > 0:
            self._earlier = frozenset(task.id for task in tasks if task.state != "running")
        self._messages = messages
        return tuple(task for task in tasks if task.id not in self._earlier)

    async def _remember_breaks(self) -> None:
        """Before anything of it is shown."""
        breaks = self._composer.breaks
        if breaks != (self._breaks or ()):
            await remember(self._store.notes, self.run_id, breaks)
            self._breaks = breaks

    @property
    def decided(self) -> bool:
        """Whether somebody has decided something, so that a question in the chat is answered."""
        return self._decided

    @property
    def _replacing(self) -> bool:
        """Whether what is posted has to go before there is a text: an answered question, or an earlier answer."""
        return self._decided or self._errand.run.version > 1

    async def asking(self, call: ToolCall, live: int) -> list[Outbound]:
        """The answer so far with the question what became of `call`, given that `live` messages are posted already."""
        await self._learn_addresses()
        text = close_fence(self._document.text).rstrip()
        texts = await self._composed(text, lambda: self._composer.asking(text, self._question(call), live))
        decisions = [
            Button(op=op, run_id=self.run_id, call=call.interruption, label=label, danger=op == "again")
            for op, label in DECISIONS
        ]
        buttons = (*decisions, *self._buttons)
        return _messages(_whole(texts), buttons=buttons, tasks=self._tasks(len(texts)), asking=True)

    async def ended(
        self, run: Run, live: int, files: tuple[OutboundFile, ...] | None, left_out: Sequence[str] = ()
    ) -> list[Outbound]:
        """The messages of the whole answer. Never empty.

        Args:
            run: as it ended.
            live: how many messages are posted already.
            files: to be attached to the last one; None when files turned out to be impossible here, which is said.
            left_out: a line for each file that does not come along.
        """
        await self._learn_addresses()
        whole, footer = await self._whole(run)
        whole = "\n\n".join([whole, *left_out])
        texts, attach, below = await self._composed(whole, lambda: self._closing(whole, footer, live, files))
        attached = files or ()
        if attach:
            complete = _joined(whole, footer)
            harmless = await self._composed(complete, lambda: self._composer.attachment(complete))
            attached = (answer_file(harmless), *attached)
        buttons = self._closing_buttons(run)
        tasks = tuple(task.model_copy(update={"state": _ENDED[task.state]}) for task in self._tasks(len(texts)))
        files = attached[: self._most_files]
        return _messages(_whole(texts), buttons=buttons, files=files, final=True, footer=below, tasks=tasks)

    def _closing(
        self, whole: str, footer: str, live: int, files: tuple[OutboundFile, ...] | None
    ) -> tuple[tuple[str, ...], bool, str]:
        """The messages of an ended answer, whether it has to be attached, and the small print below the last one.

        Small print for which there is no room stands at the end of the text.
        """
        shown = whole if files is not None else f"{whole}\n\n{NO_FILES}"
        attachable = self._files_out and files is not None
        texts, attach = self._composer.ended(shown, live, attachable=attachable)
        below = self._composer.below(texts, footer)
        if below is None:
            texts, attach = self._composer.ended(_joined(shown, footer), live, attachable=attachable)
        return texts, attach, below or ""

    def _closing_buttons(self, run: Run) -> tuple[Button, ...]:
        """What can be done with an answer that has ended."""
        again = Button(op="regenerate", run_id=run.id, label=REGENERATE if run.status is COMPLETED else TRY_AGAIN)
        repeat = (again,) if self._rewritable and self._document.repeatable else ()
        if run.status is not COMPLETED or not self._buttons:
            return repeat
        rate = tuple(Button(op=op, run_id=run.id, label=label) for op, label in RATINGS)
        return (*repeat, *rate)

    def _question(self, call: ToolCall) -> str:
        """The question about a call; of several in one turn, it says which it is."""
        mates = [mate for mate in self._document.calls if mate.turn == call.turn]
        waiting = {mate.place for mate in mates if mate.interrupted and mate.decision is None} | {call.place}
        told = {decided.call.rpartition(".")[0] for decided in self._errand.run.decisions}
        told &= {mate.place for mate in mates} - waiting
        return question(call, len(told) + 1, len(told) + len(waiting))

    def apology(self) -> list[Outbound]:
        """What is shown when the platform does not take this answer in any form."""
        text = f"The answer cannot be shown here. (Incident `{incident(self._errand.run_id)}`)"
        return [Outbound(text=self._composer.plain(text), complete=True, final=True)]

    async def _whole(self, run: Run) -> tuple[str, str]:
        """The text and the small print."""
        if (turned_away := await why_turned_away(self._store.notes, run)) is not None:
            return turned_away, ""
        names = {file_id: await self._name_of(file_id) for file_id in self._document.sources}
        return self._document.whole(run, self._skipped), self._document.footer(run, names)

    async def _learn_addresses(self) -> None:
        calls = self._document.calls
        if calls != self._sources_of:
            self._composer.known |= await asyncio.to_thread(named_by_tools, calls)
            self._sources_of = calls

    async def _composed(self, text: str, compose: Callable[[], _T]) -> _T:
        """The result of `compose`, without holding up the loop when that takes long. One at a time."""
        if self._slow or len(text) > _LONG:
            return await asyncio.to_thread(compose)
        began = time.perf_counter()
        composed = compose()
        self._slow = time.perf_counter() - began > _SLOW
        return composed

    async def _name_of(self, file_id: str) -> str:
        file = await self._store.files.get(file_id)
        return file.filename if file else "a file that is gone"


def _joined(text: str, footer: str) -> str:
    """The small print as a part of the text."""
    return f"{close_fence(text).rstrip()}\n\n{footer}" if footer else text


def _whole(texts: tuple[str, ...]) -> tuple[Part, ...]:
    return tuple(Part(text, len(text), complete=True) for text in texts)


class _OnlyLast(TypedDict, total=False):
    """What belongs to the last message of an answer only."""

    buttons: tuple[Button, ...]
    files: tuple[OutboundFile, ...]
    footer: str
    tasks: tuple[Task, ...]
    asking: bool
    final: bool


def _messages(parts: tuple[Part, ...], **last: Unpack[_OnlyLast]) -> list[Outbound]:
    """A message a part."""
    messages = [
        Outbound(text=part.text, settled=part.settled, complete=part.complete, continuation=place > 0)
        for place, part in enumerate(parts)
    ]
    return [*messages[:-1], *(message.model_copy(update={**last}) for message in messages[-1:])]
