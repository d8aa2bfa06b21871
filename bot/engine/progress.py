"""What is on record of a run: the place where its work goes on."""

from dataclasses import dataclass
from itertools import takewhile

from bot.domain.runs import total_usage
from bot.domain.steps import OPEN_CALLS, ToolCall
from bot.domain.turns import Turn, TurnState
from bot.ports import Runs

BROKEN_BY_CRASH = "interrupted"
"""`Turn.error` of a turn whose process died: asked again without counting as an attempt, but only so many times."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A run's turns, calls and texts, as recorded."""

    turns: tuple[Turn, ...]
    calls: tuple[ToolCall, ...]
    texts: dict[str, str]
    """By message id."""

    @property
    def last(self) -> Turn | None:
        """The newest turn."""
        return self.turns[-1] if self.turns else None

    @property
    def done(self) -> tuple[Turn, ...]:
        """The finished turns."""
        return tuple(turn for turn in self.turns if turn.state is TurnState.DONE)

    @property
    def rounds(self) -> int:
        """Finished turns that called tools."""
        return sum(1 for turn in self.done if self.calls_of(turn))

    @property
    def failures(self) -> tuple[str, ...]:
        """Errors of the attempts since the last finished turn, crashes not counted."""
        return tuple(error for error in self._errors if error != BROKEN_BY_CRASH)

    @property
    def crashes(self) -> int:
        """Attempts since the last finished turn whose process died."""
        return self._errors.count(BROKEN_BY_CRASH)

    @property
    def _errors(self) -> list[str]:
        since = takewhile(lambda turn: turn.state is not TurnState.DONE, reversed(self.turns))
        return [turn.error or "" for turn in reversed([*since]) if turn.state is TurnState.FAILED]

    @property
    def answered(self) -> bool:
        """Whether a finished turn has written text."""
        return any(turn.message_id is not None for turn in self.done)

    @property
    def written_tokens(self) -> int:
        """Completion tokens of the turns so far."""
        usage = total_usage(turn.usage for turn in self.turns)
        return usage.completion_tokens if usage else 0

    def calls_of(self, turn: Turn) -> tuple[ToolCall, ...]:
        """The calls that a turn asked for."""
        return tuple(call for call in self.calls if call.turn == turn.number)

    def open_calls(self, turn: Turn) -> tuple[ToolCall, ...]:
        """Those that have not ended."""
        return tuple(call for call in self.calls_of(turn) if call.state in OPEN_CALLS)


NOTHING = Progress((), (), {})
"""Of a run that was just taken out of the queue."""


async def progress_of(runs: Runs, run_id: str) -> Progress:
    """Read what is on record."""
    turns = await runs.turns(run_id)
    if not turns:
        return NOTHING
    calls = await runs.calls(run_id)
    messages = await runs.messages(run_id)
    return Progress(turns, calls, {message.id: message.words for message in messages})
