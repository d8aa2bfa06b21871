"""The provider without a language model: calls the tools that it is told to call and says what it cannot do.

It drives the real engine, so that everything around the model can be tried and tested without a key: the same request
always gives the same answer.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, Iterable

from bot.domain.turns import (
    CallArguments,
    CallDone,
    CallInput,
    CallOutput,
    CallStarted,
    Finished,
    FinishReason,
    InputPart,
    InputText,
    ModelEvent,
    ModelRequest,
    TextDelta,
    UserInput,
)
from bot.models.config import ModelConfig
from bot.models.offline.answers import FOOTER, file_receipt, help_answer, no_interpreter, tool_list, tool_results
from bot.models.offline.directives import (
    Directive,
    NotReadable,
    asks_for_tools,
    count_in_words,
    directives,
    python_block,
    tool_names,
)
from bot.models.offline.number_words import in_words
from bot.ports import ModelTraits

OFFLINE_MODEL = "offline-extractive"
"""Name of the model that is none."""

INTERPRETER = "code_interpreter"
"""Name of the tool that runs python blocks, when it is offered."""

_COUNT_PACE = 8
"""How many times slower than other words counting is: slow enough to press Stop in the middle."""

_WORD = re.compile(r"\s*\S+\s*")


class OfflineModel:
    """Answers without a model; `config.offline_pace` seconds lie between two words."""

    def __init__(self, config: ModelConfig) -> None:
        self._pace = config.offline_pace
        self.traits = ModelTraits(
            name=OFFLINE_MODEL,
            context_tokens=config.context_tokens or 128_000,
            images=False,
            reads_authors=False,
            summarises=False,
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """One turn: either tool calls, or text word by word."""
        said, files, calls, outputs = _latest(request)
        number = count_in_words(said)
        answer: str | list[Directive]
        if outputs:
            answer = tool_results(calls, outputs)
        elif number is not None:
            async for event in self._words(_counting(number), self._pace * _COUNT_PACE):
                yield event
            answer = f"\nThat was {in_words(number)}."
        else:
            answer = _answer(said, files, request)
        if isinstance(answer, str):
            async for event in self._words([f"{answer}\n\n{FOOTER}"], self._pace):
                yield event
            yield Finished(FinishReason.STOP)
            return
        for event in _calls(answer, request):
            yield event
        yield Finished(FinishReason.TOOL_CALLS)

    def named(self, name: str) -> "OfflineModel":
        """There is no other: no provider is connected."""
        del name
        return self

    async def close(self) -> None:
        """Nothing is open."""

    async def _words(self, texts: Iterable[str], pace: float) -> AsyncGenerator[ModelEvent, None]:
        for text in texts:
            for word in _WORD.findall(text):
                yield TextDelta(word)
                await asyncio.sleep(pace)


def _latest(request: ModelRequest) -> tuple[str, tuple[InputPart, ...], list[CallInput], list[CallOutput]]:
    """What the person said last, the files with it, and what was called for it since.

    Only the first part is the person's own words: directives in an attached file are nobody's wish.
    """
    said, files = "", ()
    calls: list[CallInput] = []
    outputs: list[CallOutput] = []
    for item in request.input:
        match item:
            case UserInput(parts=parts):
                head, *rest = parts or (InputText(text=""),)
                said, files = (head.text, tuple(rest)) if isinstance(head, InputText) else ("", parts)
                calls, outputs = [], []
            case CallInput():
                calls.append(item)
            case CallOutput():
                outputs.append(item)
            case _:
                pass
    return said, files, calls, outputs


def _answer(said: str, files: tuple[InputPart, ...], request: ModelRequest) -> str | list[Directive]:
    offered = {tool.name for tool in request.tools}
    names = tool_names(said)
    unknown = [name for name in names if name not in offered]
    if unknown or (not names and asks_for_tools(said)):
        return tool_list(request.tools, unknown)
    if names:
        try:
            return directives(said, request.tools)
        except NotReadable as exc:
            return f"{exc} Nothing was run."
    code = python_block(said)
    if code is not None:
        return [Directive(INTERPRETER, json.dumps({"code": code}))] if INTERPRETER in offered else no_interpreter()
    return file_receipt(files) if files else help_answer(request.tools)


def _calls(wanted: list[Directive], request: ModelRequest) -> list[ModelEvent]:
    """The calls as a model would make them; ids come from the request, so that they are the same every time."""
    seed = hashlib.sha256(request.model_dump_json().encode("utf-8", "surrogatepass")).hexdigest()[:12]
    events: list[ModelEvent] = []
    for position, call in enumerate(wanted):
        key = str(position)
        events.append(CallStarted(key, f"call_{seed}_{position}", call.name))
        events.append(CallArguments(key, call.arguments))
        events.append(CallDone(key, call.arguments))
    return events


def _counting(number: int) -> Iterable[str]:
    return (f"{in_words(step)}\n" for step in range(1, number + 1))
