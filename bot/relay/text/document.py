"""What a run looks like while it goes on and at its end, as Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.domain.events import CallChanged, MessageChanged, MessageCreated, MessageDelta, RunChanged, RunEvent
from bot.domain.messages import Attachment, FileCitation, Message, MessageStatus, RefusalPart, TextPart
from bot.domain.names import SOMEONE
from bot.domain.runs import Decided, Run, RunStatus
from bot.domain.steps import CallState, Decision, Effect, ToolCall
from bot.relay.contract import Task
from bot.relay.text.blocks import close_fence

INCIDENT_DIGITS = 8
STOPPING = "_Stopping…_"
DECISIONS = {Decision.WORKED: "it worked", Decision.AGAIN: "run it again", Decision.SKIP: "skip it"}
"""What people say about a call whose outcome nobody knows, in words."""
_CITATION = re.compile(r"【[^【】\n]{1,200}】")
_TASKS: dict[CallState, Literal["running", "done", "failed"]] = {
    CallState.STARTED: "running",
    CallState.DONE: "done",
    CallState.FAILED: "failed",
    CallState.UNKNOWN: "failed",
}
"""How a call that was begun is shown."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(slots=True)
class _Text:
    """The text of one message of the assistant."""

    pieces: list[str] = field(default_factory=list[str])
    cited: dict[str, str] | None = None
    """File ids by citation mark, once the message has ended."""

    def joined(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""


class Document:
    """Folds a run's events, and what the store knows, into the Markdown of its answer."""

    def __init__(self) -> None:
        """Begin empty."""
        self._texts: dict[str, _Text] = {}
        self._calls: dict[tuple[int, int], ToolCall] = {}
        self.stopping = False
        """Somebody has stopped it, and it has not ended yet."""

    def fold(self, event: RunEvent) -> None:
        """Take in one event. Costs next to nothing: it is called for every few letters."""
        match event:
            case MessageDelta():
                self._texts.setdefault(event.message_id, _Text()).pieces.append(event.text)
            case MessageCreated():
                self._texts.setdefault(event.message.id, _Text())
            case MessageChanged():
                self._set(event.message)
            case CallChanged():
                self._calls[event.call.turn, event.call.position] = event.call
            case RunChanged():
                self.stopping = event.run.status is RunStatus.CANCELLING
            case _:
                pass

    def load(self, messages: Iterable[Message], calls: Iterable[ToolCall]) -> None:
        """Take over what is on record, which replaces what was folded."""
        self._texts.clear()
        for message in messages:
            self._set(message)
        self._calls = {(call.turn, call.position): call for call in calls}

    @property
    def text(self) -> str:
        """What the assistant has said so far. Only ever grows, unless a turn broke and its text was withdrawn."""
        texts = [self._numbered(text, number) for text, number in self._in_order()]
        spoken = [text for text in texts if text.strip()]
        return "\n\n".join([*(close_fence(text.rstrip()) for text in spoken[:-1]), *spoken[-1:]])

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the tools that run now, fit to be shown."""
        return tuple(word(call.name) for call in self._calls.values() if call.running)

    @property
    def paused(self) -> bool:
        """Whether the assistant has finished saying what it said last; what may follow begins a new paragraph."""
        spoken = [text for text in self._texts.values() if text.joined().strip()]
        return bool(spoken) and spoken[-1].cited is not None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tool calls that were begun, as steps of the answer."""
        begun = sorted(
            (call for call in self._calls.values() if call.state in _TASKS), key=lambda c: (c.turn, c.position)
        )
        return tuple(Task(id=call.place, title=word(call.name), state=_TASKS[call.state]) for call in begun)

    @property
    def progress(self) -> str:
        """One line about what goes on now, or nothing. Not part of the answer."""
        if self.stopping:
            return STOPPING
        if not self.running:
            return ""
        return f"_Running {', '.join(f'`{name}`' for name in dict.fromkeys(self.running))}…_"

    @property
    def sources(self) -> tuple[str, ...]:
        """Ids of the cited files in the order of their numbers."""
        return tuple(
            text.cited[mark]
            for text in self._texts.values()
            if text.cited
            for mark in _marks(text)
            if mark in text.cited
        )

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of this run."""
        return tuple(self._calls.values())

    def whole(self, run: Run, skipped: Sequence[Attachment]) -> str:
        """The finished answer: the text and what follows it. Never empty. Arguments as for `ending`."""
        ending, text = self.ending(run, skipped), self.text
        return f"{close_fence(text).rstrip()}\n\n{ending}".strip() if ending else text

    def ending(self, run: Run, skipped: Sequence[Attachment]) -> str:
        """What follows the text when the run has ended: decisions, warnings, why it ended, files left out.

        Args:
            run: as it ended.
            skipped: files that were not taken in.
        """
        decisions = [_decided(decided) for decided in run.decisions]
        doubts = [_doubt(call) for call in self._calls.values() if call.state is CallState.UNKNOWN]
        leftovers = [_leftover(attachment) for attachment in skipped if attachment.skipped]
        undecided = run.status is RunStatus.EXPIRED and any(_never_decided(call) for call in self._calls.values())
        verdict = "Nobody decided in time, so it ends here." if undecided else _verdict(run, self.text)
        lines = ["\n".join(decisions), *doubts, verdict, "\n".join(leftovers)]
        return "\n\n".join(line for line in lines if line)

    def footer(self, run: Run, names: Mapping[str, str]) -> str:
        """The small print: sources, and which of several answers it is. `names` are those of cited files by id."""
        sources = (f"[{n}] {inert(names.get(file_id, ''))}" for n, file_id in enumerate(self.sources, 1))
        version = (f"{run.version}/{run.version}",) if run.version > 1 else ()
        return " · ".join([*sources, *version])

    @property
    def repeatable(self) -> bool:
        """Whether nothing was begun for this answer that must not be done twice."""
        return not any(call.effect is Effect.ONCE and call.begins > 0 for call in self._calls.values())

    def _set(self, message: Message) -> None:
        if message.superseded:
            self._texts.pop(message.id, None)
            return
        cited = None
        if message.status is not MessageStatus.IN_PROGRESS:
            notes = [note for part in message.content if isinstance(part, TextPart) for note in part.annotations]
            cited = {note.text: note.file_id for note in notes if isinstance(note, FileCitation)}
        self._texts[message.id] = _Text([_words(message)], cited)

    def _in_order(self) -> list[tuple[_Text, int]]:
        """The texts, each with the number of its first citation."""
        found: list[tuple[_Text, int]] = []
        number = 1
        for text in self._texts.values():
            found.append((text, number))
            number += len([mark for mark in _marks(text) if text.cited is None or mark in text.cited])
        return found

    def _numbered(self, text: _Text, first: int) -> str:
        """The text with citation marks as numbers; marks without a source are left out once that is known."""
        marks = [mark for mark in _marks(text) if text.cited is None or mark in text.cited]
        numbers = {mark: f"[{first + place}]" for place, mark in enumerate(marks)}
        shown = _CITATION.sub(lambda found: numbers.get(found[0], ""), text.joined())
        return _UNPRINTABLE.sub("\ufffd", shown)


def incident(run_id: str) -> str:
    """What a person quotes and an operator searches the log for."""
    return run_id[-INCIDENT_DIGITS:]


def word(name: str) -> str:
    """A tool's name, which the model has chosen, fit to be shown."""
    return re.sub(r"[^\w.-]", "", name)[:64] or "tool"


def _marks(text: _Text) -> list[str]:
    return list(dict.fromkeys(_CITATION.findall(text.joined())))


def _words(message: Message) -> str:
    parts = (
        part.value if isinstance(part, TextPart) else part.refusal
        for part in message.content
        if isinstance(part, TextPart | RefusalPart)
    )
    return "\n\n".join(parts)


def _verdict(run: Run, text: str) -> str:
    """Why the run ended as it did; nothing for an ordinary answer."""
    match run.status:
        case RunStatus.COMPLETED:
            return "" if text.strip() else "_The assistant had nothing to say to this._"
        case RunStatus.CANCELLED if run.started_at is None:
            return "_Stopped before it was answered._"
        case RunStatus.CANCELLED:
            return "_Stopped._"
        case RunStatus.EXPIRED:
            return f"This took too long, so it was stopped. (Incident `{incident(run.id)}`)"
        case RunStatus.INCOMPLETE:
            return "_The answer reached the length limit and ends here._"
        case _:
            # `last_error.message` is written by the engine for people; it never holds the text of an exception
            reason = run.last_error.message if run.last_error else "Something went wrong inside the assistant."
            return f"{reason} (Incident `{incident(run.id)}`)"


def _never_decided(call: ToolCall) -> bool:
    return call.state is CallState.UNKNOWN and call.effect is Effect.ONCE and call.decision is None


def _doubt(call: ToolCall) -> str:
    return (
        f"⚠️ `{word(call.name)}` was interrupted after it had begun. Nobody knows whether it took effect: "
        "please check before it is done again."
    )


def _decided(decided: Decided) -> str:
    """Who decided what; the name is whatever somebody typed."""
    what = next((words for decision, words in DECISIONS.items() if decision == decided.decision), "")
    return f"_{inert(decided.by) or SOMEONE} decided: {what}_"


def _leftover(attachment: Attachment) -> str:
    return f"_{inert(attachment.name)} was not read: {inert(attachment.skipped or '')}_"


def inert(text: str) -> str:
    """Names and reasons come from outside: without marks that would format, link or ping."""
    return re.sub(r"[\s`*_~|\[\]<>\\]+", " ", text).strip()
