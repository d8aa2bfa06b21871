"""What happens to a run while it is worked on.

These are the facts behind the stream events of the Assistants API (`thread.run.*`, `thread.run.step.*`,
`thread.message.*`): each one maps to exactly one event name, in the same order.
"""

from dataclasses import dataclass

from bot.domain.messages import Message
from bot.domain.runs import Run
from bot.domain.steps import RunStep, ToolCall


@dataclass(frozen=True, slots=True)
class RunChanged:
    """The run reached the status that it carries."""

    run: Run


@dataclass(frozen=True, slots=True)
class StepCreated:
    """A step began."""

    step: RunStep


@dataclass(frozen=True, slots=True)
class StepChanged:
    """A step ended."""

    step: RunStep


@dataclass(frozen=True, slots=True)
class MessageCreated:
    """The assistant began to write a message; its content is empty."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageDelta:
    """More text of a message in progress."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A message ended: completed, or incomplete with a reason. When `superseded`, its text is to be forgotten."""

    message: Message


@dataclass(frozen=True, slots=True)
class CallChanged:
    """A tool call moved in the ledger."""

    call: ToolCall


RunEvent = RunChanged | StepCreated | StepChanged | MessageCreated | MessageDelta | MessageChanged | CallChanged
