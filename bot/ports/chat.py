"""Between the engine that works on runs and the chat that waits for them."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.domain.events import RunEvent
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import Decision, ToolCall


class RunSink(Protocol):
    """Who listens to one run while it is worked on."""

    async def prepare(self) -> None:
        """Before the first turn: take in files that came with the message, and what was said before it."""
        ...

    def publish(self, event: RunEvent) -> None:
        """Something happened. Returns at once; nothing here may wait."""
        ...

    async def ask(self, call: ToolCall) -> bool:
        """Ask the person what became of a call that was interrupted; their `Decision` comes through `RunControl`.

        Shows the question and returns. Asking again shows the same question in the same message.

        Returns:
            False when nobody can be asked here; nothing is shown then.

        Raises:
            PlatformError: the question could not be shown now.
            Fenced: somebody else has the lane.
        """
        ...

    async def finish(self, run: Run) -> None:
        """The run ended: show its end and close the delivery. Called again after a crash until it succeeded once."""
        ...


class Outlet(Protocol):
    """Opens a sink for a run that somebody waits for."""

    def open(self, work: Work, lease: Lease) -> AbstractAsyncContextManager[RunSink]:
        """The sink lives as long as this process works on the run; leaving it early (crash, fence) loses nothing."""
        ...


class RunControl(Protocol):
    """What the chat may ask of the engine."""

    @property
    def alive(self) -> bool:
        """Whether this process still holds its lanes.

        Look before every request to a chat platform: a process that was frozen longer than its lease must not speak,
        because another one has taken over.
        """
        ...

    @property
    def workers(self) -> int:
        """How many processes work on runs now, at least 1: they share the platforms' limits."""
        ...

    async def cancel(self, run_id: str) -> RunStatus | None:
        """Stop a run as soon as possible. Returns its status now, None when there is no such run."""
        ...

    async def decide(self, run_id: str, call: str, decision: Decision, by: str = "") -> bool:
        """Say what became of an interrupted call, named by `ToolCall.interruption`, and let its run go on.

        `by` is the name of the person who says so.

        Returns False when there is nothing to decide any more.
        """
        ...
