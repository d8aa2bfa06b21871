"""Assistants: a name, instructions, a model and tools."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.domain.record import Record


class FunctionDefinition(Record):
    """A function the model may call; `parameters` is a JSON schema of type object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool = False


class FunctionTool(Record):
    """A tool that is one of our functions or, over the HTTP surface, one of the caller's."""

    type: Literal["function"] = "function"
    function: FunctionDefinition


class CodeInterpreterTool(Record):
    """The built-in Python sandbox."""

    type: Literal["code_interpreter"] = "code_interpreter"


class FileSearchTool(Record):
    """The built-in search over the assistant's and the thread's files."""

    type: Literal["file_search"] = "file_search"


Tool = Annotated[FunctionTool | CodeInterpreterTool | FileSearchTool, Field(discriminator="type")]


def tool_name(tool: Tool) -> str:
    """What a tool is called, where operators and models name it."""
    return tool.function.name if isinstance(tool, FunctionTool) else tool.type


def functions_among(tools: Iterable[Tool]) -> frozenset[str]:
    """Names of the functions among these tools."""
    return frozenset(tool.function.name for tool in tools if isinstance(tool, FunctionTool))


class Assistant(Record):
    """The configuration that answers. The operator's assistants are upserted at every start."""

    id: str
    created_at: int
    """Unix seconds."""
    name: str | None = None
    description: str | None = None
    model: str
    instructions: str | None = None
    tools: tuple[Tool, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)
    temperature: float | None = None
    top_p: float | None = None
    own_model: bool = False
    """`model` was named for it; otherwise it is the one that the process which works on a run is connected to."""
