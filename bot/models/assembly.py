"""A turn put together as it arrives: turns a wire's findings into events, with every cap in one place."""

from dataclasses import dataclass, field

from bot.domain.runs import Usage
from bot.domain.turns import (
    CallArguments,
    CallDone,
    CallStarted,
    Finished,
    FinishReason,
    ModelEvent,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    UsageReport,
)
from bot.errors import BrokenStream, ModelError
from bot.models.json_values import JsonObject, parses_as_object
from bot.models.opaque import Origin

# These protect the process's memory. The engine's own limits are lower and gentler: they cut and refuse.

TEXT_LIMIT = 2_000_000
"""Characters of one turn's text, refusal and reasoning together; four times the longest answers of today's models."""

ARGUMENTS_LIMIT = 1 << 20
"""Characters of one call's arguments."""

CALLS_LIMIT = 256
"""Tool calls of one turn."""


@dataclass(slots=True)
class PartialCall:
    """A tool call that is being written."""

    key: str
    call_id: str = ""
    name: str = ""
    fragments: list[str] = field(default_factory=list[str])
    size: int = 0
    extra: dict[str, str] = field(default_factory=dict[str, str])
    started: bool = False
    done: bool = False

    @property
    def arguments(self) -> str:
        """What has arrived of the arguments."""
        return "".join(self.fragments)


class Assembly:
    """The turn so far. Its methods return the events that the wire hands on, in order."""

    def __init__(self, origin: Origin) -> None:
        self.calls: list[PartialCall] = []
        self.answered = False
        """Whether there is any text or refusal."""
        self.finished = False
        self._origin = origin
        self._characters = 0

    def text(self, text: str) -> list[ModelEvent]:
        """More of the answer."""
        if not text:
            return []
        self._count(text)
        self.answered = True
        return [TextDelta(text)]

    def refusal(self, text: str) -> list[ModelEvent]:
        """More of a refusal."""
        if not text:
            return []
        self._count(text)
        self.answered = True
        return [RefusalDelta(text)]

    def reasoning(self, text: str) -> list[ModelEvent]:
        """More of the reasoning."""
        if not text:
            return []
        self._count(text)
        return [ReasoningDelta(text)]

    def opaque(self, item: JsonObject) -> list[ModelEvent]:
        """An item to replay."""
        sealed = self._origin.seal(item)
        return [Opaque(sealed)] if sealed else []

    def usage(self, prompt: int, completion: int, total: int, cached: int, reasoning: int) -> list[ModelEvent]:
        """Token counts; all zero means that the server did not count."""
        if not prompt and not completion:
            return []
        usage = Usage(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=total or prompt + completion,
            cached_tokens=cached,
            reasoning_tokens=reasoning,
        )
        return [UsageReport(usage)]

    def open_call(self, call_id: str, name: str) -> tuple[PartialCall, list[ModelEvent]]:
        """A call begins; it is announced as soon as its name is known."""
        if len(self.calls) >= CALLS_LIMIT:
            raise ModelError(f"The model asked for more than {CALLS_LIMIT} tools at once.")
        call = PartialCall(key=str(len(self.calls)), call_id=call_id, name=name)
        self.calls.append(call)
        return call, self._announce(call)

    def name_call(self, call: PartialCall, call_id: str, name: str) -> list[ModelEvent]:
        """Id and name that came late; what was known first stays."""
        call.call_id = call.call_id or call_id
        call.name = call.name or name
        return self._announce(call)

    def arguments(self, call: PartialCall, fragment: str) -> list[ModelEvent]:
        """More of a call's arguments."""
        if not fragment or call.done:
            return []
        call.fragments.append(fragment)
        self._weigh(call, call.size + len(fragment))
        return [CallArguments(call.key, fragment)] if call.started else []

    def close_call(self, call: PartialCall, arguments: str = "") -> list[ModelEvent]:
        """A call is complete; `arguments` is the server's summary, if it sends one."""
        if call.done:
            return []
        self._weigh(call, len(arguments))
        events = [] if call.started else self._announce(call, force=True)
        call.done = True
        text = arguments or call.arguments
        call.fragments = [text]
        return [*events, CallDone(call.key, text, tuple(call.extra.items()))]

    def finish(self, reason: FinishReason, usage: list[ModelEvent]) -> list[ModelEvent]:
        """The terminal event: calls that are still open are closed if they are whole.

        A turn of nothing but reasoning ends like any other: what an empty answer means is for the engine to say.

        Raises:
            BrokenStream: a call breaks off although the server says that the turn is complete.
        """
        events: list[ModelEvent] = []
        for call in self.calls:
            if not call.done and reason is not FinishReason.LENGTH and not _is_whole(call):
                raise BrokenStream("The model's tool call broke off before its end.")
            events += self.close_call(call)
        if self.calls and (reason is FinishReason.STOP or (reason is FinishReason.LENGTH and self._calls_are_whole())):
            reason = FinishReason.TOOL_CALLS  # some servers say "stop" or "length" after whole calls
        if reason is FinishReason.TOOL_CALLS and not self.calls:
            reason = FinishReason.STOP
        self.finished = True
        return [*events, *usage, Finished(reason)]

    def _calls_are_whole(self) -> bool:
        return all(_is_whole(call) for call in self.calls)

    def _announce(self, call: PartialCall, *, force: bool = False) -> list[ModelEvent]:
        if call.started or not (call.name or force):
            return []
        call.started = True
        events: list[ModelEvent] = [CallStarted(call.key, call.call_id, call.name)]
        return events + [CallArguments(call.key, fragment) for fragment in call.fragments]

    def _weigh(self, call: PartialCall, size: int) -> None:
        call.size = max(call.size, size)
        if call.size > ARGUMENTS_LIMIT:
            raise ModelError(f"The model wrote a tool call of more than {ARGUMENTS_LIMIT} characters.")

    def _count(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > TEXT_LIMIT:
            raise ModelError(f"The model wrote more than {TEXT_LIMIT} characters.")


def _is_whole(call: PartialCall) -> bool:
    return not call.arguments or parses_as_object(call.arguments)
