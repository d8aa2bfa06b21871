"""`@tool(…)`: what a tool says about itself beyond its signature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, ParamSpec, TypeVar

from bot.domain.steps import Effect

P = ParamSpec("P")
R = TypeVar("R")

_ATTRIBUTE = "__parley_tool__"
DEFAULT_TIMEOUT = 30.0
"""Seconds. Longer than any interactive web service needs, shorter than people wait without a word."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The effect and the time limit of a tool."""

    effect: Effect = Effect.ONCE
    timeout: float = DEFAULT_TIMEOUT


def tool(
    *, effect: Literal["read", "idempotent", "once"] = "once", timeout: float = DEFAULT_TIMEOUT
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare the effect and the time limit of a tool.

    Without this decorator a function is a tool all the same, with the effect `once`.

    Args:
        effect: `read` only looks; `idempotent` may be repeated with the same idempotency key; `once` is never begun a
            second time: interrupted, its outcome is reported as unknown.
        timeout: seconds until the call is given up.
    """
    declaration = Declaration(Effect(effect), timeout)

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        setattr(function, _ATTRIBUTE, declaration)
        return function

    return declare


def declaration_of(function: Callable[..., object]) -> Declaration:
    """What `@tool` said, or the defaults."""
    return getattr(function, _ATTRIBUTE, Declaration())
