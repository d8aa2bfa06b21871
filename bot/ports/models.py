"""A language model behind one of the wires."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from bot.domain.turns import ModelEvent, ModelRequest


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """What the engine has to know about the connected model."""

    name: str
    """Shown to people."""
    context_tokens: int
    """How many tokens a request and its answer may have together."""
    images: bool
    reads_authors: bool = True
    """Names of authors may stand before their words; a provider that reads commands wants the words as typed."""
    summarises: bool = True
    """It can condense a conversation; otherwise an extract has to do."""


class ModelClient(Protocol):
    """A model behind one of the wires."""

    traits: ModelTraits

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """One model turn. Tries again by itself only before the first event.

        Raises:
            ModelError: and its subclasses, see `bot.errors`.
            ModelRefusedAccess: key, permission or model name.
        """
        ...

    def named(self, name: str) -> "ModelClient":
        """Another model of the same provider, with the traits of its own, over the same connections.

        Where no language model is connected there is no other one either: then it is this one.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
