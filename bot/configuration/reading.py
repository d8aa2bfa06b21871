"""Reading `assistants.toml`, once, at the start. Every mistake is told, all of them together, each with its line."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from bot.configuration.lines import Lines
from bot.configuration.mistakes import Around, Mistake, contradictions, misspelt
from bot.configuration.tables import LONGEST_INSTRUCTIONS, AssistantsFile, AssistantTable
from bot.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Reading:
    """The file as it was read; without one, what holds then."""

    file: AssistantsFile = field(default_factory=AssistantsFile)
    lines: Lines = field(default_factory=lambda: Lines(""))
    name: str = ""
    """Of the file, as people know it; empty when there is none."""


def read(path: Path | None, around: Around) -> Reading:
    """Read and check the file.

    Args:
        path: None when there is none.
        around: what it may name.

    Raises:
        SettingsError: a sentence for every mistake.
    """
    if path is None:
        return Reading()
    text = _text(path, "ASSISTANTS_FILE")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    lines = Lines(text)
    try:
        file = AssistantsFile.model_validate(tree)
    except ValidationError as error:
        raise _refusal(path, lines, misspelt(error)) from None  # ours say more
    mistakes = contradictions(file, around)
    file, unreadable = _with_instructions(file, path.parent)
    if mistakes or unreadable:
        raise _refusal(path, lines, [*mistakes, *unreadable])
    return Reading(file, lines, str(path))


def _refusal(path: Path, lines: Lines, mistakes: list[Mistake]) -> SettingsError:
    found = sorted({(lines.of(mistake.path) or 0, mistake.text) for mistake in mistakes})
    return SettingsError(
        "\n".join(f"{path}, line {line}: {text}" if line else f"{path}: {text}" for line, text in found)
    )


def _with_instructions(file: AssistantsFile, folder: Path) -> tuple[AssistantsFile, list[Mistake]]:
    """The file with the instructions that it keeps in other files."""
    mistakes: list[Mistake] = []
    tables: dict[str, AssistantTable] = {}
    for name, table in file.assistants.items():
        tables[name] = table
        if table.instructions_file is None or table.instructions is not None:
            continue
        try:
            text = _text(folder / table.instructions_file, f"instructions_file of {name}")
        except SettingsError as error:
            mistakes.append(Mistake(("assistants", name, "instructions_file"), str(error)))
            continue
        if len(text) > LONGEST_INSTRUCTIONS:
            too_long = f"instructions_file of {name} has more than {LONGEST_INSTRUCTIONS:,} characters."
            mistakes.append(Mistake(("assistants", name, "instructions_file"), too_long))
        tables[name] = table.model_copy(update={"instructions": text})
    return file.model_copy(update={"assistants": tables}), mistakes


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{what}: {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{what}: {path} is not UTF-8 text.") from error
