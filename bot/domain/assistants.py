"""Assistants: a name, instructions, a model and tools."""

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


class Assistant(Record):
    """The configuration that answers. The operator's assistant is upserted at every start from the settings."""

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
