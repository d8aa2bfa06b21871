"""Resolving: what the file says about one channel, and who said it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from bot.configuration.lines import Path
from bot.configuration.patterns import matches
from bot.configuration.tables import ALL, AssistantsFile, PlaceTable
from bot.domain.assistants import Assistant, Tool, tool_name
from bot.domain.channels import ChannelPolicy, Manner

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_BUILT_IN = ChannelPolicy()


@dataclass(frozen=True, slots=True)
class Said(Generic[T_co]):
    """A value with the key of the file that it comes from; without one nobody said anything, and it is the built-in."""

    value: T_co
    path: Path = ()


@dataclass(frozen=True, slots=True)
class InForce:
    """Everything that holds in one channel."""

    table: int | None
    """Which of the file's `[[channels]]` holds, from 0."""
    assistant: Said[str]
    assistants: Said[tuple[str, ...]]
    """Besides the one that answers."""
    mentions: Said[Literal["always", "threads", "required"]]
    threads: Said[Literal["thread", "reply", "channel"]]
    delivery: Said[Manner]
    instructions: Said[str]
    """Added to the assistant's."""
    tools: Said[tuple[str, ...]]
    """The assistant's are narrowed to these; `*` is all of them."""

    @property
    def offered(self) -> tuple[str, ...]:
        """The assistants that people may choose, the usual one first."""
        return tuple(dict.fromkeys((self.assistant.value, *self.assistants.value)))


class Rules:
    """Implements `bot.ports.ChannelRules` for the operator's file.

    Args:
        file: as it was read and checked.
        usual: name of the assistant that answers where the file names none.
        assistants: all of them by name, `usual` among them.
    """

    def __init__(self, file: AssistantsFile, usual: str, assistants: Mapping[str, Assistant]) -> None:
        self._file = file
        self._usual = usual
        self._assistants = dict(assistants)
        self._by_folded_name = {name.casefold(): name for name in assistants}

    def policy(self, channel: str) -> ChannelPolicy:
        """When and how messages are answered there."""
        holds = self.in_force(channel)
        return ChannelPolicy(
            assistant=holds.assistant.value,
            mentions=holds.mentions.value,
            threads=holds.threads.value,
            delivery=holds.delivery.value,
        )

    def assistants(self, channel: str) -> tuple[str, ...]:
        """Names of the assistants that people may choose there, the usual one first."""
        return self.in_force(channel).offered

    def assistant(self, channel: str, wanted: str = "") -> Assistant:
        """Who answers there, with the instructions and tools of this channel."""
        holds = self.in_force(channel)
        chosen = self._by_folded_name.get(wanted.strip().casefold())
        known = self._assistants[chosen if chosen in holds.offered else holds.assistant.value]
        words = (known.instructions or "", holds.instructions.value)
        return known.model_copy(
            update={
                "instructions": "\n\n".join(part.strip() for part in words if part.strip()),
                "tools": narrowed(known.tools, holds.tools.value),
            }
        )

    def in_force(self, channel: str) -> InForce:
        """What holds there, and who said it."""
        table = self._table(channel)

        def said(key: str, of: Callable[[PlaceTable], T | None], otherwise: T) -> Said[T]:
            for where, place in self._places(table):
                if (value := of(place)) is not None:
                    return Said(value, (*where, key))
            return Said(otherwise)

        return InForce(
            table=table,
            assistant=said("assistant", lambda place: place.assistant, self._usual),
            assistants=said("assistants", lambda place: place.assistants, ()),
            mentions=said("mentions", lambda place: place.mentions, _BUILT_IN.mentions),
            threads=said("threads", lambda place: place.threads, _BUILT_IN.threads),
            delivery=said("delivery", lambda place: place.delivery, _BUILT_IN.delivery),
            instructions=said("instructions", lambda place: place.instructions, ""),
            tools=said("tools", lambda place: place.tools, (ALL,)),
        )

    def _table(self, channel: str) -> int | None:
        """The first table that matches."""
        for number, table in enumerate(self._file.channels):
            if any(matches(pattern, channel) for pattern in table.patterns):
                return number
        return None

    def _places(self, table: int | None) -> Iterable[tuple[Path, PlaceTable]]:
        if table is not None:
            yield ("channels", table), self._file.channels[table]
        yield ("defaults",), self._file.defaults


def narrowed(tools: Iterable[Tool], names: Iterable[str] | None) -> tuple[Tool, ...]:
    """Those of the tools that are named; None and `*` name all. There is never one more."""
    kept = {ALL} if names is None else frozenset(names)
    return tuple(tool for tool in tools if ALL in kept or tool_name(tool) in kept)
