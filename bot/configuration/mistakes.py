"""What can be wrong in an `assistants.toml`, each mistake as a sentence that names what is allowed."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.configuration.lines import Path
from bot.configuration.patterns import covers, unwritable
from bot.configuration.tables import (
    ALL,
    AssistantsFile,
    AssistantTable,
    ChannelTable,
    Defaults,
    PlaceTable,
)

_LONGEST_NAME = 256
"""Characters of an assistant's name, as in the Assistants API."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that the operator has to change."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Around:
    """What a file may name."""

    platforms: tuple[str, ...]
    tools: tuple[str, ...] | None
    """None when nobody knows."""
    usual: str
    """Name of the assistant of the settings."""
    instructed: bool = False
    """The settings have instructions for it."""


# --- what is written ----------------------------------------------------------------------------------------------


def misspelt(error: ValidationError) -> list[Mistake]:
    """Keys that do not exist, and values that they do not take."""
    found = [_misspelt(details) for details in error.errors(include_url=False)]
    return list({mistake.path: mistake for mistake in reversed(found)}.values())  # one for each key


def _misspelt(details: ErrorDetails) -> Mistake:
    path = _without_types(details["loc"])
    where, key = _table(path[:-1]), path[-1] if path else ""
    if details["type"] == "extra_forbidden":
        keys = _keys(path)
        return Mistake(path, f"{key!r} is no key of {where}; {_meant(str(key), keys)}")
    if details["type"] == "missing":
        return Mistake(path[:-1], f"{where} needs the key {key!r}.")
    if key == "match":
        return Mistake(path, f"match in {where} takes one channel's key, or a list of them.")
    return Mistake(path, f"{_key(path)} in {where}: {details['msg'].rstrip('.')}.")


def _without_types(loc: Sequence[str | int]) -> Path:
    """Pydantic adds the names of types that a value could have been."""
    depth = {"channels": 3, "defaults": 2, "assistants": 3}.get(str(loc[0]) if loc else "", 1)
    return tuple(loc[:depth])


def _keys(path: Path) -> list[str]:
    kinds: dict[tuple[str, int], type[BaseModel]] = {
        ("defaults", 2): Defaults,
        ("channels", 3): ChannelTable,
        ("assistants", 3): AssistantTable,
    }
    return list(kinds.get((str(path[0]), len(path)), AssistantsFile).model_fields)


def _key(path: Path) -> str:
    return str(path[-1]) if path else "the file"


def _table(path: Path) -> str:
    match path:
        case ("defaults", *_):
            return "[defaults]"
        case ("assistants", name, *_):
            return f"[assistants.{name}]"
        case ("channels", *_):
            return "[[channels]]"
        case _:
            return "the file"


def _meant(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names, or all of them."""
    known = list(known)
    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {folded[near[0]]!r}?"
    return f"allowed are {', '.join(known)}." if known else "there is none."


# --- what it means ------------------------------------------------------------------------------------------------


def contradictions(file: AssistantsFile, around: Around) -> list[Mistake]:
    """Names that nobody has, and things that cannot both be meant."""
    names = list(dict.fromkeys([around.usual, *file.assistants]))
    found = [*_of_names(names), *_of_channels(file, around)]
    for name, table in file.assistants.items():
        found += _of_assistant(name, table, around)
    for path, place in _places(file):
        found += _of_place(path, place, names, around.tools)
    return found


def _places(file: AssistantsFile) -> Iterator[tuple[Path, PlaceTable]]:
    yield ("defaults",), file.defaults
    for number, table in enumerate(file.channels):
        yield ("channels", number), table


def _of_names(names: list[str]) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for name in names:
        path = ("assistants", name)
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            yield Mistake(path, f"An assistant's name has 1 to {_LONGEST_NAME} characters on one line.")
        if (other := seen.setdefault(name.strip().casefold(), name)) != name:
            yield Mistake(path, f"[assistants.{name}] and the assistant {other!r} have the same name for people.")


def _of_assistant(name: str, table: AssistantTable, around: Around) -> Iterator[Mistake]:
    path, where = ("assistants", name), f"[assistants.{name}]"
    if table.instructions is not None and table.instructions_file is not None:
        yield Mistake(path, f"{where} has instructions and instructions_file: keep one of them.")
    if name == around.usual and around.instructed and (table.instructions or table.instructions_file):
        yield Mistake(
            path,
            f"{where} has instructions, and so has ASSISTANT_INSTRUCTIONS (or its file) for the same assistant: "
            "keep one of them.",
        )
    yield from _of_tools((*path, "tools"), where, table.tools, around.tools)


def _of_place(path: Path, place: PlaceTable, names: list[str], tools: Sequence[str] | None) -> Iterator[Mistake]:
    where = _table(path)
    for key, wanted in (("assistant", (place.assistant,)), ("assistants", place.assistants or ())):
        for name in wanted:
            if name is not None and name not in names:
                yield Mistake((*path, key), f"{key} in {where}: there is no {name!r}; {_meant(name, names)}")
    yield from _of_tools((*path, "tools"), where, place.tools, tools)


def _of_tools(path: Path, where: str, wanted: Sequence[str] | None, known: Sequence[str] | None) -> Iterator[Mistake]:
    if wanted is None:
        return
    if ALL in wanted and len(wanted) > 1:
        yield Mistake(path, f'tools in {where}: "*" is all tools, so it stands alone.')
    for name in wanted:
        if known is not None and name != ALL and name not in known:
            yield Mistake(path, f"tools in {where}: there is no tool {name!r}; {_meant(name, known)}")


def _of_channels(file: AssistantsFile, around: Around) -> Iterator[Mistake]:
    """Patterns that match nothing, or nothing that an earlier table has left."""
    earlier: list[str] = []
    for number, table in enumerate(file.channels):
        path = ("channels", number, "match")
        if not table.patterns:
            yield Mistake(path, "match in [[channels]] is an empty list: it matches nothing.")
        for pattern in table.patterns:
            if (reason := unwritable(pattern, around.platforms)) is not None:
                yield Mistake(path, f"match in [[channels]]: {pattern!r} {reason}.")
            elif (before := next((one for one in earlier if covers(one, pattern)), None)) is not None:
                yield Mistake(
                    path,
                    f"match in [[channels]]: {pattern!r} is never reached, because {before!r} stands before it and the "
                    "first table that matches holds. Move the narrower one up.",
                )
        earlier += table.patterns
