"""Model turns: what goes to a model, what comes back, and the record of one turn.

The events are the one vocabulary that both wires and the offline provider produce, in the order of arrival.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bot.domain.assistants import FunctionDefinition
from bot.domain.record import Record
from bot.domain.runs import Usage

# --- what goes in -----------------------------------------------------------------------------------------------


class InputText(Record):
    """Text for the model."""

    type: Literal["input_text"] = "input_text"
    text: str


class InputImage(Record):
    """An image for the model, as bytes already in memory."""

    type: Literal["input_image"] = "input_image"
    media_type: str
    base64: str


InputPart = Annotated[InputText | InputImage, Field(discriminator="type")]


class UserInput(Record):
    """Something a person said."""

    type: Literal["user"] = "user"
    parts: tuple[InputPart, ...]


class AssistantText(Record):
    """Something the assistant said earlier."""

    type: Literal["assistant"] = "assistant"
    text: str


class CallInput(Record):
    """A tool call of an earlier turn."""

    type: Literal["call"] = "call"
    call_id: str
    name: str
    arguments: str
    extra: dict[str, str] = Field(default_factory=dict)


class CallOutput(Record):
    """What that tool call gave back."""

    type: Literal["call_output"] = "call_output"
    call_id: str
    output: str


class OpaqueInput(Record):
    """Something the provider wants to see again as it was (reasoning); valid for the same run and model only."""

    type: Literal["opaque"] = "opaque"
    item: str
    """JSON text."""


ModelInput = Annotated[UserInput | AssistantText | CallInput | CallOutput | OpaqueInput, Field(discriminator="type")]


class ModelRequest(Record):
    """Everything that one model turn needs; the provider keeps nothing between turns."""

    model: str
    instructions: str
    input: tuple[ModelInput, ...]
    tools: tuple[FunctionDefinition, ...] = ()
    parallel_tool_calls: bool = True
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    thread_id: str = ""
    """For the provider's prompt cache."""
    person_hash: str = ""
    """For the provider's abuse detection; never the person's id."""


# --- what comes back --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of the model's refusal."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the model's reasoning; never shown as the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The model began to write a tool call. `key` is unique within the turn and links the later events."""

    key: str
    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """More of a call's argument text."""

    key: str
    fragment: str


@dataclass(frozen=True, slots=True)
class CallDone:
    """A call's argument text is complete (not yet validated)."""

    key: str
    arguments: str
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Opaque:
    """An item to replay before this turn's calls within the same run."""

    item: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The provider's token counts; may never come."""

    usage: Usage


class FinishReason(StrEnum):
    """Why a turn ended; `failed` is never reported, it is raised as `bot.errors.ModelError`."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Finished:
    """The terminal event. A stream that ends without it broke."""

    reason: FinishReason


ModelEvent = (
    TextDelta | RefusalDelta | ReasoningDelta | CallStarted | CallArguments | CallDone | Opaque | UsageReport | Finished
)

# --- the record -------------------------------------------------------------------------------------------------


class TurnState(StrEnum):
    """Where a turn is. A started turn of a dead process, or a broken one, is failed and asked again as a new one."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


class Turn(Record):
    """One model turn of a run. Its text is in the message that it wrote, its calls are in the ledger."""

    run_id: str
    number: int
    """Counts from 1; a repeated turn has a number of its own."""
    state: TurnState
    message_id: str | None = None
    """The message that this turn wrote, if it wrote text."""
    opaque: tuple[str, ...] = ()
    """Items to replay, JSON texts."""
    finish: FinishReason | None = None
    usage: Usage | None = None
    error: str | None = None


class TurnResult(Record):
    """What a finished turn amounts to, before it is recorded."""

    text: str = ""
    refusal: str = ""
    calls: tuple["RequestedCall", ...] = ()
    opaque: tuple[str, ...] = ()
    finish: FinishReason
    usage: Usage


class RequestedCall(Record):
    """A tool call as the model asked for it."""

    call_id: str
    name: str
    arguments: str
    extra: dict[str, str] = Field(default_factory=dict)
