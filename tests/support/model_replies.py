"""The script of a stand-in model: what it answers and how the connection misbehaves while it does."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Wire = Literal["responses", "chat"]


@dataclass(frozen=True)
class Call:
    """A tool call. `arguments` as text is sent as it is, valid JSON or not."""

    name: str
    arguments: dict[str, Any] | str = field(default_factory=dict)
    call_id: str = "call_1"
    extra: dict[str, Any] = field(default_factory=dict)
    """Further keys of the call (chat wire), for example Gemini's `extra_content`."""
    pieces: int = 2
    """In how many fragments the arguments arrive."""

    @property
    def text(self) -> str:
        """The arguments as sent."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)

    @property
    def fragments(self) -> list[str]:
        """The arguments in pieces."""
        size = max(1, -(-len(self.text) // self.pieces))
        return [self.text[start : start + size] for start in range(0, len(self.text), size)]


Hook = Callable[[int], Awaitable[None] | None]


@dataclass
class Reply:
    """One scripted answer; the same script works on both wires.

    A *frame* is one server-sent event; a *piece* is a frame that carries text, reasoning or arguments.
    """

    text: str | Sequence[str] = ()
    """The answer; a string is sent word by word, a sequence piece by piece."""
    calls: Sequence[Call] = ()
    reasoning: Sequence[str] = ()
    encrypted: str = ""
    """Encrypted reasoning (Responses wire)."""
    refusal: str = ""
    usage: tuple[int, int] | None = (10, 5)
    """Prompt and completion tokens; None to leave them out."""
    finish: Literal["", "stop", "length", "tool_calls", "content_filter", "failed"] = ""
    """Empty for whatever fits."""
    terminal: bool = True
    """False: the stream ends without its terminal event."""
    frames: Sequence[dict[str, Any] | str] | None = None
    """The data of all frames, instead of what would be made of the fields above."""

    delay: float = 0.0
    """Seconds before every piece."""
    hold: asyncio.Event | None = None
    """Wait for this event before going on after `hold_after` pieces."""
    hold_after: int = 1
    before_frame: Hook | None = None
    """Called with the frame's number, from 0, before it is written."""
    after_frame: Hook | None = None

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: Any = None
    """JSON body of a status that is not 200, or of `finish="failed"`."""
    content_type: str = "text/event-stream"
    """With `application/json`, `error` (or an empty object) is sent as the body."""

    cut_after_frames: int | None = None
    cut_after_bytes: int | None = None
    cut: Literal["reset", "clean"] = "reset"
    """How the stream is cut: the connection is torn down, or ends as if all had been sent."""
    line_end: str = "\n"
    comments: bool = False
    """A comment before every frame, as OpenRouter does."""
    write_size: int | None = None
    """Write the body in pieces of so many bytes."""

    @property
    def pieces(self) -> list[str]:
        """The text in the pieces that are sent."""
        if not isinstance(self.text, str):
            return list(self.text)
        return re.findall(r"\S*\s+|\S+", self.text)


@dataclass(frozen=True)
class SeenRequest:
    """A request that the stand-in received."""

    wire: Wire
    body: dict[str, Any]
    headers: dict[str, str]
    path: str
    query: dict[str, str]
    peer: str = ""
    """The client's address: the same for requests on one connection."""

    @property
    def model(self) -> str:
        """The model asked for."""
        return self.body.get("model", "")

    @property
    def tools(self) -> list[str]:
        """Names of the tools offered."""
        return [
            tool["name"] if self.wire == "responses" else tool["function"]["name"]
            for tool in self.body.get("tools", [])
        ]

    @property
    def instructions(self) -> str:
        """The system's words."""
        if self.wire == "responses":
            return self.body.get("instructions", "")
        return "\n".join(message["content"] for message in self.body["messages"] if message["role"] == "system")

    @property
    def user_texts(self) -> list[str]:
        """What people said, one text per message, oldest first."""
        return [_text(item["content"]) for item in self._items if item.get("role") == "user"]

    @property
    def last_user_text(self) -> str:
        """What was said last."""
        return (self.user_texts or [""])[-1]

    @property
    def tool_outputs(self) -> list[str]:
        """The outputs of tool calls since the last user message, in order."""
        items = self._items
        since = max((number for number, item in enumerate(items) if item.get("role") == "user"), default=-1)
        after = items[since + 1 :]
        if self.wire == "responses":
            return [item["output"] for item in after if item.get("type") == "function_call_output"]
        return [item["content"] for item in after if item.get("role") == "tool"]

    @property
    def _items(self) -> list[dict[str, Any]]:
        return self.body.get("input" if self.wire == "responses" else "messages", [])


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if "text" in part)
