"""Exchanges: what was said at one run's place in a thread, and how a model reads it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bot.domain.messages import Message
from bot.domain.steps import ToolCall
from bot.domain.tokens import estimate_tokens
from bot.domain.turns import AssistantText, CallInput, CallOutput, InputText, ModelInput, UserInput
from bot.engine.attachments import FileBudget, FileReader
from bot.engine.overheard import overheard
from bot.engine.prompt import said_by
from bot.engine.sizes import PER_ITEM, clip


@dataclass(frozen=True, slots=True)
class Exchange:
    """The messages that stand at one run's place, and the tool calls of that run."""

    seq: int
    messages: tuple[Message, ...]
    calls: tuple[ToolCall, ...] = ()

    @property
    def tokens(self) -> int:
        """A guess at its size, without its files."""
        return sum(estimate_tokens(message.words) + PER_ITEM for message in self.messages)

    @property
    def spoken(self) -> tuple[Message, ...]:
        """What people said to the assistant, and it to them."""
        return tuple(message for message in self.messages if message.heard is None)

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs that its messages name."""
        return tuple(dict.fromkeys(message.run_id for message in self.messages if message.run_id is not None))


def exchanges_of(messages: Sequence[Message], seqs: dict[str, int]) -> list[Exchange]:
    """Messages in their order, grouped by the run's place at which they stand."""
    return [
        Exchange(seq, tuple(group)) for seq, group in groupby(messages, key=lambda message: seqs.get(message.id, 0))
    ]


def with_calls(exchanges: Sequence[Exchange], calls: Iterable[ToolCall]) -> list[Exchange]:
    """The exchanges, each with the calls of its runs."""
    by_run: dict[str, list[ToolCall]] = defaultdict(list)
    for call in calls:
        by_run[call.run_id].append(call)
    return [
        replace(exchange, calls=tuple(call for run_id in exchange.run_ids for call in by_run.get(run_id, ())))
        for exchange in exchanges
    ]


def call_inputs(calls: Sequence[ToolCall], most: int | None, *, extra: bool) -> list[ModelInput]:
    """Calls of one turn with their outputs, each cut to `most` characters.

    `extra` keeps the provider's own keys, which are good for the same run only. Ids may repeat: the wires mend that.
    """
    asked = [
        CallInput(call_id=_id_of(call), name=call.name, arguments=call.arguments, extra=call.extra if extra else {})
        for call in calls
    ]
    given = [CallOutput(call_id=_id_of(call), output=_cut(call.output or "", most)) for call in calls]
    return [*asked, *given]


class Renderer:
    """Turns exchanges into a model's input.

    Args:
        files: shows attachments.
        names: whether authors stand before their words.
        outputs: characters that remain of the outputs of earlier calls.
    """

    def __init__(self, files: FileReader, *, names: bool, outputs: int) -> None:
        self._files = files
        self._names = names
        self._outputs = outputs

    async def render(self, exchange: Exchange, budget: FileBudget, *, most: int | None = None) -> list[ModelInput]:
        """One exchange: what was heard and said, called and answered. `most` cuts each text (characters)."""
        waiting = {run_id: list(calls) for run_id, calls in groupby(exchange.calls, key=lambda call: call.run_id)}
        inputs = await overheard(exchange.messages, self._files, budget, most)
        for message in exchange.spoken:
            if message.role == "assistant":
                inputs += self._calls(waiting.pop(message.run_id or "", []))
                inputs += _answer(message, most)
            else:
                inputs.append(await self._said(message, budget, most))
        for calls in waiting.values():
            inputs += self._calls(calls)
        return inputs

    async def _said(self, message: Message, budget: FileBudget, most: int | None) -> UserInput:
        text = _cut(message.text, most)
        if self._names:
            text = said_by(message.author, text)
        return UserInput(parts=(InputText(text=text), *await self._files.parts(message, budget)))

    def _calls(self, calls: list[ToolCall]) -> list[ModelInput]:
        return [
            item
            for _, turn in groupby(calls, key=lambda call: call.turn)
            for item in call_inputs(list(turn), self._outputs, extra=False)
        ]


def _answer(message: Message, most: int | None) -> list[ModelInput]:
    return [AssistantText(text=_cut(message.words, most))] if message.words else []


def _cut(text: str, most: int | None) -> str:
    return text if most is None else clip(text, most)


def _id_of(call: ToolCall) -> str:
    return call.provider_call_id or call.id
