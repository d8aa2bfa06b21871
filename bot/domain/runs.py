"""Runs: one execution of an assistant on a thread, and the only legal moves of its status."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from bot.domain.assistants import Tool
from bot.domain.record import Record
from bot.errors import IllegalTransition

NOTE_OF_TURNED_AWAY: Final = "turned away "
"""Beginning of the name of the note that says that a run was not begun, because too many messages waited before it.

The run's id follows; the value is how many waited. The note goes when the run is forgotten.
"""
NOTE_OF_BREAKS: Final = "breaks "
"""Beginning of the name of the note that says where the answer of a run went on in another message before it had to.

The run's id follows; the value are positions in the text, in order, with spaces between them. The note goes when the
run is forgotten.
"""
NOTES_OF_RUNS: Final = (NOTE_OF_TURNED_AWAY, NOTE_OF_BREAKS)
"""Beginnings of the names of all notes about single runs."""
VERSION: Final = "version"
"""Name in `Run.metadata` of which answer to its question the run writes, from the second one on."""
GAPS: Final = "gaps"
"""Name in `Run.metadata` that says that others may have spoken between the question and the one before it."""
RULED_BY: Final = "ruled_by"
"""Name in `Run.metadata` of the channel whose rules held for the question (`Event.ruled_by`)."""
DECIDED: Final = "decided "
"""Beginning of the name in `Run.metadata` of a person's decision about an interrupted call.

`ToolCall.interruption` follows; the value is the decision, a space, and the person's name. See `Run.decisions`.
"""
RUN_LIFETIME = 600
"""Seconds from creation to `expires_at` unless the caller says otherwise (the hosted Assistants API's ten minutes)."""


class RunStatus(StrEnum):
    """The statuses of the Assistants API v2."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    REQUIRES_ACTION = "requires_action"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    EXPIRED = "expired"


_S = RunStatus

RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    _S.QUEUED: frozenset({_S.IN_PROGRESS, _S.CANCELLING, _S.EXPIRED, _S.FAILED}),
    _S.IN_PROGRESS: frozenset({_S.REQUIRES_ACTION, _S.CANCELLING, _S.COMPLETED, _S.FAILED, _S.INCOMPLETE, _S.EXPIRED}),
    _S.REQUIRES_ACTION: frozenset({_S.QUEUED, _S.CANCELLING, _S.EXPIRED}),
    _S.CANCELLING: frozenset({_S.CANCELLED, _S.COMPLETED, _S.FAILED, _S.EXPIRED}),
    _S.CANCELLED: frozenset(),
    _S.FAILED: frozenset(),
    _S.COMPLETED: frozenset(),
    _S.INCOMPLETE: frozenset(),
    _S.EXPIRED: frozenset(),
}

TERMINAL = frozenset(status for status, moves in RUN_MOVES.items() if not moves)


def check_move(old: RunStatus, new: RunStatus) -> None:
    """Refuse a move that the table does not allow.

    Raises:
        IllegalTransition: when `new` cannot follow `old`.
    """
    if new not in RUN_MOVES[old]:
        raise IllegalTransition(f"A run cannot go from {old} to {new}.")


class LastError(Record):
    """Why a run or step failed, in the words of the Assistants API."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class Usage(Record):
    """Tokens, as the provider reported them; zero and `estimated` when it did not."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of two turns."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            estimated=self.estimated or other.estimated,
        )


def total_usage(usages: Iterable[Usage | None]) -> Usage | None:
    """The sum of what is known, or None when nothing is."""
    known = [usage for usage in usages if usage is not None]
    return sum(known[1:], known[0]) if known else None


class AutoTruncation(Record):
    """Fit the model's window; what does not fit is summarised once and the summary kept."""

    type: Literal["auto"] = "auto"


class LastMessages(Record):
    """Read only the newest messages."""

    type: Literal["last_messages"] = "last_messages"
    last_messages: int = Field(ge=1)


Truncation = Annotated[AutoTruncation | LastMessages, Field(discriminator="type")]


class Decided(Record):
    """What a person said about a call whose outcome nobody knew."""

    call: str
    """`ToolCall.interruption`."""
    decision: str
    """A `Decision`."""
    by: str
    """The person's name: whatever they typed."""


class Run(Record):
    """One execution of an assistant on a thread."""

    seq: int
    """Position in the order of acceptance over all threads; runs of a thread are worked on in this order."""
    id: str
    created_at: int
    thread_id: str
    assistant_id: str
    status: RunStatus
    model: str
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    last_error: LastError | None = None
    incomplete_reason: Literal["max_completion_tokens", "max_prompt_tokens"] | None = None
    expires_at: int | None = None
    started_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    usage: Usage | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation: Truncation = Field(default_factory=AutoTruncation)
    parallel_tool_calls: bool = True
    metadata: dict[str, str] = Field(default_factory=dict)
    own_model: bool = False
    """As `Assistant.own_model`, when the run was accepted."""

    @property
    def version(self) -> int:
        """Which answer to its question this is: 1 for the first."""
        written = self.metadata.get(VERSION, "")
        return int(written) if re.fullmatch("[0-9]{1,6}", written) else 1

    @property
    def ruled_by(self) -> str:
        """The channel whose rules held for the question; empty when it is not known."""
        return self.metadata.get(RULED_BY, "")

    @property
    def missed_some(self) -> bool:
        """Whether others may have spoken, unheard, between the question and the one before it."""
        return GAPS in self.metadata

    @property
    def decisions(self) -> tuple[Decided, ...]:
        """What people decided about interrupted calls, in the order in which it was written down."""
        written = [(name, value) for name, value in self.metadata.items() if name.startswith(DECIDED)]
        return tuple(
            Decided(call=name.removeprefix(DECIDED), decision=value.partition(" ")[0], by=value.partition(" ")[2])
            for name, value in written
        )

    @property
    def ended(self) -> bool:
        """Whether the run is in a terminal status."""
        return self.status in TERMINAL
