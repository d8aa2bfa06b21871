"""What is in force in one channel, and why, as a page for people: `python -m bot explain CHANNEL`."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.configuration.patterns import matches
from bot.configuration.reading import Reading
from bot.configuration.rules import InForce, Rules, Said
from bot.configuration.tables import ALL, AssistantTable
from bot.domain.assistants import Assistant, tool_name

_MEANINGS = {
    "always": "every message is for the assistant",
    "threads": "messages that mention it, and what follows in a conversation that it is part of",
    "required": "only messages that mention it; direct messages always are for it",
    "thread": "a mention is answered in a thread",
    "reply": "a mention is answered by a reply in the channel",
    "channel": "a mention is answered plainly in the channel",
    "stream": "an answer grows while it is made",
    "status": "an answer comes all at once",
}
_LEFT = 14
_LINES = 3
"""First lines of the instructions that are shown."""
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Told:
    """What the environment says, in the words of `explain`."""

    usual: str
    """Name of the assistant of the settings."""
    instructions: str
    """Where its instructions come from."""
    model: str
    """Where the model comes from that assistants without their own have."""
    offline: bool = False
    """No language model is connected."""


def explain(channel: str, reading: Reading, rules: Rules, told: Told) -> str:
    """The page.

    Args:
        channel: its key, as in `Event.ruled_by`.
        reading: the file.
        rules: made of it.
        told: what holds where the file says nothing.
    """
    return "\n".join([f"What is in force in {channel}", "", *_Page(channel, reading, rules, told).lines()])


def which_channel(part: str, found: Sequence[str]) -> str:
    """Said instead, when a part of a key means no channel or several in which something was said."""
    if found:
        return "\n".join(["Which of these is meant?", *(f"  python -m bot explain {channel}" for channel in found)])
    return (
        f"Nothing was said to the assistant yet in a channel whose key contains {part!r}. Give the whole key: "
        "slack:TEAM:CHANNEL or discord:SERVER:CHANNEL, with ids, as they stand in a channel's link; of a thread in "
        "Discord, the channel that it is in; discord:guest:* is whoever installed the bot there for themselves."
    )


class _Page:
    """The lines about one channel."""

    def __init__(self, channel: str, reading: Reading, rules: Rules, told: Told) -> None:
        self._channel = channel
        self._reading = reading
        self._told = told
        self._holds: InForce = rules.in_force(channel)
        self._assistant: Assistant = rules.assistant(channel)
        self._name = self._holds.assistant.value

    def lines(self) -> Iterator[str]:
        """All of them."""
        holds = self._holds
        yield from _entry("assistant", [self._name], [self._why(holds.assistant, "ASSISTANT_NAME")])
        yield from _entry("choosable", [", ".join(holds.offered)], [self._why(holds.assistants, "the usual one only")])
        yield from _entry("instructions", _beginning(self._assistant.instructions or ""), self._of_instructions())
        yield from _entry("model", [self._model()], self._of_model())
        tools = ", ".join(sorted(map(tool_name, self._assistant.tools))) or "none"
        yield from _entry("tools", [tools], self._of_tools())
        for key, said in (("mentions", holds.mentions), ("threads", holds.threads), ("delivery", holds.delivery)):
            yield from _entry(key, [f"{said.value}: {_MEANINGS[said.value]}"], [self._why(said, "the default")])
        yield ""
        yield from self._tables()

    # --- who said it

    def _why(self, said: Said[object], otherwise: str) -> str:
        return self._line(said.path) if said.path else otherwise

    def _line(self, path: tuple[str | int, ...]) -> str:
        where = {"defaults": "in [defaults]", "channels": "in [[channels]]", "assistants": f"of {self._name}"}
        return f"{self._reading.name}, line {self._reading.lines.of(path)}: {path[-1]} {where[str(path[0])]}"

    def _own(self, key: str) -> tuple[str | int, ...]:
        return ("assistants", self._name, key)

    @property
    def _table_of_assistant(self) -> AssistantTable:
        return self._reading.file.assistants.get(self._name, AssistantTable())

    def _of_instructions(self) -> list[str]:
        table = self._table_of_assistant
        why: list[str] = []
        if table.instructions_file is not None:
            why.append(self._line(self._own("instructions_file")))
        elif table.instructions is not None:
            why.append(self._line(self._own("instructions")))
        else:
            why.append(self._told.instructions if self._name == self._told.usual else "the general ones")
        if self._holds.instructions.value:
            why.append(f"then {self._line(self._holds.instructions.path)}")
        return why

    def _model(self) -> str:
        offline = "none: the offline provider answers, which is no language model"
        return offline if self._told.offline else self._assistant.model

    def _of_model(self) -> list[str]:
        if self._table_of_assistant.model is None:
            return [self._told.model]
        line = self._line(self._own("model"))
        return [self._told.model, f"not used: {line}"] if self._told.offline else [line]

    def _of_tools(self) -> list[str]:
        table, limits = self._table_of_assistant, self._holds.tools
        why = ["every tool of TOOLS_DIR" if table.tools is None else self._line(self._own("tools"))]
        if limits.path:
            why.append(f"narrowed by {self._line(limits.path)}")
            had = table.tools or (ALL,)
            useless = [name for name in limits.value if name != ALL and not {name, ALL} & {*had}]
            if useless:
                why.append(f"without effect: {self._name} does not have {', '.join(useless)}")
        return why

    # --- tables

    def _tables(self) -> Iterator[str]:
        channels = self._reading.file.channels
        if not self._reading.name:
            yield "There is no assistants.toml (ASSISTANTS_FILE): the settings and the defaults hold everywhere."
            return
        if self._holds.table is None:
            yield f"No [[channels]] of {self._reading.name} matches: [defaults] and the settings hold."
        else:
            yield f"The table that holds is {self._named(self._holds.table)}."
        passed_over = [number for number in range(len(channels)) if number != self._holds.table]
        if passed_over:
            yield "Passed over:"
        for number in passed_over:
            yield f"  {self._named(number)}: {self._reason(number)}"

    def _named(self, number: int) -> str:
        line = self._reading.lines.of(("channels", number))
        return f"[[channels]] in line {line}, {' and '.join(self._reading.file.channels[number].patterns)}"

    def _reason(self, number: int) -> str:
        if any(matches(pattern, self._channel) for pattern in self._reading.file.channels[number].patterns):
            return "matches too, but the first that matches holds"
        return "does not match"


def _entry(label: str, values: Iterable[str], why: Iterable[str]) -> Iterator[str]:
    """A value with who said so below it."""
    for value in [*values, *(f"  ({reason})" for reason in why)]:
        yield f"{label:{_LEFT}}{value}".rstrip()
        label = ""


def _beginning(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    shown = [textwrap.shorten(line, _WIDTH, placeholder=" …") for line in lines[:_LINES]]
    return [*shown, "…"] if len(lines) > _LINES else shown or ["none"]
