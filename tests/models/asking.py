"""How these tests ask a model: one connection, one request, all events."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.domain.assistants import FunctionDefinition
from bot.domain.turns import CallDone, InputText, ModelEvent, ModelInput, ModelRequest, TextDelta, UserInput
from bot.models import ModelConfig, RetryPolicy, connect
from bot.ports import ModelClient
from tests.support.model_server import ScriptedModel

WIRES = ("responses", "chat")
ONCE = RetryPolicy(attempts=1)
QUICK = RetryPolicy(attempts=3, base=0.001, ceiling=0.002)


def said(*texts: str) -> UserInput:
    """A person's message; further texts are files."""
    return UserInput(parts=tuple(InputText(text=text) for text in texts))


def request(*inputs: ModelInput, **fields: Any) -> ModelRequest:
    """A request; without inputs somebody says hi."""
    return ModelRequest(
        **{"model": "scripted", "instructions": "Be brief.", "input": inputs or (said("hi"),), **fields}
    )


def tool(name: str = "lookup", *, strict: bool = False, **properties: Any) -> FunctionDefinition:
    """A function with these properties, all required."""
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return FunctionDefinition(name=name, description=f"Does {name}.", parameters=schema, strict=strict)


@asynccontextmanager
async def connected(server: ScriptedModel, **fields: Any) -> AsyncIterator[ModelClient]:
    """A client of the stand-in; by default it never repeats a request."""
    client = connect(ModelConfig(**{"base_url": server.base_url, "model": "scripted", "retry": ONCE, **fields}))
    try:
        yield client
    finally:
        await client.close()


async def events_of(client: ModelClient, asked: ModelRequest | None = None) -> list[ModelEvent]:
    """All events of one turn."""
    return [event async for event in client.stream(asked or request())]


async def until_failure(client: ModelClient, asked: ModelRequest | None = None) -> tuple[list[ModelEvent], Exception]:
    """The events before a turn failed, and how it failed."""
    events: list[ModelEvent] = []
    try:
        async for event in client.stream(asked or request()):
            events.append(event)  # noqa: PERF401 - what came before the failure is wanted
    except Exception as exc:  # noqa: BLE001 - the test looks at it
        return events, exc
    raise AssertionError(f"the turn succeeded: {events}")


def text_of(events: Sequence[ModelEvent]) -> str:
    """The answer's text."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def arguments_of(events: Sequence[ModelEvent]) -> list[str]:
    """The argument texts of finished calls."""
    return [event.arguments for event in events if isinstance(event, CallDone)]
