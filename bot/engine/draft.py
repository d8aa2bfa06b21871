"""A model turn while it arrives: events in, one `TurnResult` out."""

from dataclasses import dataclass, field

from bot.domain.runs import Usage
from bot.domain.tokens import estimate_tokens
from bot.domain.turns import (
    CallArguments,
    CallDone,
    CallStarted,
    Finished,
    FinishReason,
    ModelEvent,
    ModelRequest,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    RequestedCall,
    TextDelta,
    TurnResult,
    UsageReport,
)
from bot.engine.limits import EngineLimits
from bot.engine.sizes import request_tokens
from bot.errors import BrokenStream

_CALLS_KEPT = 4
"""Times `EngineLimits.calls`: so many calls are recorded (the surplus refused); a flood beyond is dropped."""


@dataclass(slots=True)
class _Call:
    call_id: str
    name: str
    arguments: list[str] = field(default_factory=list[str])
    size: int = 0
    extra: dict[str, str] = field(default_factory=dict[str, str])


class Draft:
    """Collects one turn; leading white space waits until something visible follows."""

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._size = 0
        self._waiting: str = ""
        self._calls: dict[str, _Call] = {}
        self._opaque: list[str] = []
        self._usage: Usage | None = None
        self.finish: FinishReason | None = None
        """Set by the terminal event, or by a limit of ours."""

    @property
    def text(self) -> str:
        """The answer so far, without a refusal."""
        return "".join(self._text)

    @property
    def refusal(self) -> str:
        """The refusal so far."""
        return "".join(self._refusal)

    @property
    def words(self) -> str:
        """All that a person sees of it, as `Message.words` puts it together."""
        return "\n\n".join(filter(None, (self.text, self.refusal)))

    def take(self, event: ModelEvent) -> str:
        """Take one event in. Returns what it adds to the visible answer."""
        match event:
            case TextDelta() | RefusalDelta():
                return self._write(event)  # a refusal is shown like an answer
            case CallStarted(key, call_id, name):
                if len(self._calls) < _CALLS_KEPT * self._limits.calls:
                    self._calls.setdefault(key, _Call(call_id, name))
            case CallArguments(key, fragment):
                self._argue(key, fragment)
            case CallDone(key, arguments, extra):
                self._complete(key, arguments, dict(extra))
            case Opaque(item):
                self._opaque.append(item)
            case UsageReport(usage):
                self._usage = usage
            case Finished(reason):
                self.finish = reason
            case ReasoningDelta():
                pass  # never part of the answer
        return ""

    def result(self, request: ModelRequest) -> TurnResult:
        """The whole turn. A cut answer carries no calls: they may be cut as well.

        Raises:
            BrokenStream: the terminal event did not come.
        """
        if self.finish is None:
            raise BrokenStream
        cut = self.finish in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER)
        calls = () if cut else tuple(_requested(call) for call in self._calls.values())
        return TurnResult(
            text=self.text,
            refusal=self.refusal,
            calls=calls,
            opaque=tuple(self._opaque),
            finish=self.finish,
            usage=self._known_usage() or self.estimate(request),
        )

    def estimate(self, request: ModelRequest) -> Usage:
        """A guess at the tokens, for providers that do not count them."""
        prompt = request_tokens(request)
        written = self.words + "".join(part for call in self._calls.values() for part in call.arguments)
        answer = estimate_tokens(written)
        return Usage(prompt_tokens=prompt, completion_tokens=answer, total_tokens=prompt + answer, estimated=True)

    def _known_usage(self) -> Usage | None:
        return self._usage if self._usage is not None and self._usage.total_tokens > 0 else None

    def _write(self, event: TextDelta | RefusalDelta) -> str:
        text = event.text
        into = self._text if isinstance(event, TextDelta) else self._refusal
        if self._size == 0:
            text = self._waiting + text
            if not text.strip():
                self._waiting = text
                return ""
        room = self._limits.turn_text - self._size
        if len(text) > room:
            text = text[:room]
            self.finish = FinishReason.LENGTH
        if not text:
            return ""
        gap = "\n\n" if into is self._refusal and self._text and not into else ""
        into.append(text)
        self._size += len(text)
        return gap + text

    def _argue(self, key: str, fragment: str) -> None:
        call = self._calls.get(key)
        if call is None or not fragment:
            return
        fragment = fragment[: self._limits.call_arguments - call.size]
        call.arguments.append(fragment)
        call.size += len(fragment)

    def _complete(self, key: str, arguments: str, extra: dict[str, str]) -> None:
        call = self._calls.get(key)
        if call is None:
            return
        if arguments:
            call.arguments = [arguments[: self._limits.call_arguments]]
            call.size = len(call.arguments[0])
        call.extra = extra or call.extra


def _requested(call: _Call) -> RequestedCall:
    return RequestedCall(call_id=call.call_id, name=call.name, arguments="".join(call.arguments), extra=call.extra)
