"""What the relay wants to be seen in the chat, and what a platform says to that."""

from typing import Literal

from pydantic import Field

from bot.domain.record import Record
from bot.relay.contract.capabilities import Terms
from bot.relay.contract.inbound import Operation


class Button(Record):
    """A button under an answer; its identity holds all its state, so it works after a restart."""

    op: Operation
    run_id: str
    call: str = ""
    """`ToolCall.interruption` of the call that is decided about; empty for operations on the whole run."""
    label: str
    danger: bool = False


class OutboundFile(Record):
    """A file to attach to an answer."""

    name: str
    content: bytes = Field(repr=False)
    media_type: str


class Task(Record):
    """A tool call, for platforms that show the steps of an answer by themselves (`Capabilities.tasks`)."""

    id: str
    """Unique in the answer, the same in every edit."""
    title: str
    """Fit to be shown."""
    state: Literal["running", "done", "failed"]


class Outbound(Record):
    """One chat message, in full: every edit carries the whole text."""

    text: str
    """In the platform's dialect, not empty; with the footer within the hard limit."""
    settled: int = 0
    """So many characters at the beginning of `text` will stand in every later edit, unless something is withdrawn: a
    platform that can only append may send these and hold back the rest."""
    footer: str = ""
    """Small print below the text, in the dialect: sources, which version it is. Of the last message of an answer."""
    tasks: tuple[Task, ...] = ()
    """What the answer has done so far, with the last message only."""
    buttons: tuple[Button, ...] = ()
    complete: bool = False
    """Nothing will be added to this message: the answer goes on in a later one, or waits, or has ended."""
    continuation: bool = False
    """A later message of an answer that has begun in an earlier one: nobody is notified again."""
    final: bool = False
    """The answer is complete with this; nothing more will be edited or posted for its run."""
    asking: bool = False
    """The answer goes on only when somebody has pressed one of the buttons."""
    files: tuple[OutboundFile, ...] = ()
    """With the final edit of the last message only."""


class Posted(Record):
    """A message that exists at the platform now."""

    ref: dict[str, str]
    """What `Adapter.edit` needs, JSON-safe, stored with the segment."""
    conversation: str | None = None
    """A further conversation key under which follow-ups to this message will arrive, if there is one."""
    terms: Terms | None = None
    """What holds for edits of this message, where that is not what holds at its address."""


class RateSignal(Record):
    """What a platform's reply said about its limits."""

    bucket: str
    limit: int | None = None
    remaining: int | None = None
    reset_after: float | None = None
    """Seconds until the window starts anew."""
    retry_after: float | None = None
    """Seconds to wait after a 429."""
