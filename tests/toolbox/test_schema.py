"""From a function to a tool."""

from collections.abc import Callable
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from bot.domain.steps import Effect
from bot.errors import ToolDefinitionError
from bot.toolbox import ToolContext, tool
from bot.toolbox.schema import tool_from


class Person(BaseModel):
    name: str
    age: int | None = None


@tool(effect="read", timeout=5)
def book(
    context: ToolContext,
    who: Person,
    when: Literal["today", "tomorrow"],
    seats: Annotated[int, Field(ge=1, le=8)] = 2,
    notes: list[str] | None = None,
) -> str:
    """Book a table.

    Only for this restaurant.

    Args:
        who: The guest.
        when: The day.
        seats: How many seats.
        notes: Wishes
            over two lines.
    """
    return f"{who.name} {when} {seats} {notes} {context.run_id}"


class TestSchema:
    def test_the_summary_is_the_description_and_the_args_describe_the_parameters(self) -> None:
        definition = tool_from(book, "x.py").definition
        assert definition.description == "Book a table.\n\nOnly for this restaurant."
        properties = definition.parameters["properties"]
        assert properties["when"]["description"] == "The day."
        assert properties["notes"]["description"].startswith("Wishes over two lines.")

    def test_the_context_is_not_offered_to_the_model(self) -> None:
        assert list(tool_from(book, "x.py").definition.parameters["properties"]) == ["who", "when", "seats", "notes"]

    def test_the_schema_is_strict_all_the_way_down(self) -> None:
        schema = tool_from(book, "x.py").definition.parameters
        assert schema["required"] == ["who", "when", "seats", "notes"]
        assert schema["additionalProperties"] is False
        person = schema["$defs"]["Person"]
        assert person["required"] == ["name", "age"]
        assert person["additionalProperties"] is False
        assert "default" not in str(schema)

    def test_a_default_is_said_to_the_model(self) -> None:
        assert "Null means 2." in tool_from(book, "x.py").definition.parameters["properties"]["seats"]["description"]

    def test_the_declaration_is_kept(self) -> None:
        declaration = tool_from(book, "x.py").declaration
        assert (declaration.effect, declaration.timeout) == (Effect.READ, 5)

    def test_without_a_declaration_the_effect_is_once(self) -> None:
        def plain(a: int) -> int:
            """Do.

            Args:
                a: A number.
            """
            return a

        assert tool_from(plain, "x.py").declaration.effect is Effect.ONCE


def without_docstring(a: int) -> int:
    return a


def without_annotation(a) -> int:
    """Do.

    Args:
        a: A number.
    """
    return a


def without_description(a: int) -> int:
    """Do."""
    return a


def with_a_map(a: dict[str, int]) -> int:
    """Do.

    Args:
        a: Numbers.
    """
    return len(a)


def with_stars(*a: int) -> int:
    """Do.

    Args:
        a: Numbers.
    """
    return len(a)


def with_a_strange_type(a: Callable[[], int]) -> int:
    """Do.

    Args:
        a: Something.
    """
    return a()


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (without_docstring, "has no docstring"),
        (without_annotation, "'a' has no type annotation"),
        (without_description, "'a' is not described"),
        (with_a_map, "is a map"),
        (with_stars, "cannot be given by name"),
        (with_a_strange_type, "has no JSON form"),
    ],
)
def test_an_incomplete_definition_is_refused_with_file_function_and_reason(
    function: Callable[..., object], complaint: str
) -> None:
    with pytest.raises(ToolDefinitionError) as refusal:
        tool_from(function, "desk.py")
    assert str(refusal.value).startswith(f"desk.py: {function.__name__}")
    assert complaint in str(refusal.value)
