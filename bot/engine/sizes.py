"""How much of the model's window things take, as a guess: nobody but the provider knows its tokenizer."""

from collections.abc import Iterable

from bot.domain.assistants import FunctionDefinition
from bot.domain.tokens import estimate_tokens
from bot.domain.turns import (
    AssistantText,
    CallInput,
    CallOutput,
    InputText,
    ModelInput,
    ModelRequest,
    OpaqueInput,
    UserInput,
)

PER_ITEM = 6
"""Tokens that the frame of one message or call takes."""
PER_IMAGE = 1_100
"""Tokens of an image at high detail (the order of magnitude of 2026's models)."""


def item_tokens(item: ModelInput) -> int:
    """Tokens of one input item."""
    match item:
        case UserInput(parts=parts):
            return PER_ITEM + sum(
                estimate_tokens(part.text) if isinstance(part, InputText) else PER_IMAGE for part in parts
            )
        case AssistantText(text=text):
            return PER_ITEM + estimate_tokens(text)
        case CallInput(name=name, arguments=arguments):
            return PER_ITEM + estimate_tokens(name) + estimate_tokens(arguments)
        case CallOutput(output=output):
            return PER_ITEM + estimate_tokens(output)
        case OpaqueInput(item=opaque):
            return estimate_tokens(opaque)


def input_tokens(items: Iterable[ModelInput]) -> int:
    """Tokens of several input items."""
    return sum(item_tokens(item) for item in items)


def tool_tokens(tools: Iterable[FunctionDefinition]) -> int:
    """Tokens of tool definitions."""
    return sum(estimate_tokens(f"{tool.name} {tool.description} {tool.parameters}") for tool in tools)


def request_tokens(request: ModelRequest) -> int:
    """Tokens of a whole request."""
    return estimate_tokens(request.instructions) + tool_tokens(request.tools) + input_tokens(request.input)


def clip(text: str, most: int) -> str:
    """At most `most` characters (and a note) of a text: its beginning and its end, since both matter most."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    tail = most - head
    return f"{text[:head]}\n[… {len(text) - most} characters left out …]\n{text[len(text) - tail :] if tail else ''}"
