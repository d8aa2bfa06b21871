"""The functions that the model may call."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from bot.domain.assistants import FunctionDefinition
from bot.domain.messages import Author
from bot.domain.steps import CallState, Effect


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom and for which call a tool runs."""

    person: Author | None
    run_id: str
    thread_id: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool call came to. `state` is done, failed, or unknown when it was cut off after it began."""

    state: CallState
    output: str


class Toolbox(Protocol):
    """The functions that the model may call."""

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        """What is offered to the model."""
        ...

    def only(self, names: Collection[str]) -> "Toolbox":
        """The same functions without those that are not named here: it neither offers, knows nor runs any other."""
        ...

    def effect(self, name: str) -> Effect:
        """The effect of a tool; `read` for a name that does not exist, since calling it does nothing."""
        ...

    def refuse(self, name: str, arguments: str) -> str | None:
        """Why this call must not be begun (unknown tool, broken or invalid arguments), as a text for the model."""
        ...

    async def run(self, name: str, arguments: str, asking: Asking) -> ToolOutcome:
        """Run one call within its time limit and output cap. Raises nothing but cancellation."""
        ...
