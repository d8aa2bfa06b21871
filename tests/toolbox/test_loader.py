"""From a folder to tools."""

import py_compile
from pathlib import Path

import pytest

from bot.errors import ToolDefinitionError
from bot.toolbox.loader import load_tools

GOOD = '''
import json
from json import dumps


def _private(x): ...


def calendar(day: str) -> str:
    """Look into the calendar.

    Args:
        day: A day.
    """
    return day
'''


def test_only_public_functions_defined_in_the_file_are_tools(tmp_path: Path) -> None:
    (tmp_path / "calendar.py").write_text(GOOD)
    (tmp_path / "_notes.py").write_text("raise RuntimeError")
    assert [loaded.definition.name for loaded in load_tools(tmp_path)] == ["calendar"]
    import calendar

    assert calendar.isleap(2024), "the standard library's module of the same name is untouched"


def test_all_problems_of_a_folder_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def first(x: int): ...")
    (tmp_path / "b.py").write_text("import nothing_like_this")
    (tmp_path / "c.py").write_text("def (")
    with pytest.raises(ToolDefinitionError) as refusal:
        load_tools(tmp_path)
    text = str(refusal.value)
    assert "a.py: first has no docstring" in text
    assert "b.py cannot be loaded: ModuleNotFoundError" in text
    assert "c.py cannot be loaded: SyntaxError" in text


def test_the_same_name_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(GOOD)
    (tmp_path / "b.py").write_text(GOOD)
    with pytest.raises(ToolDefinitionError, match=r"b\.py: calendar is already a tool"):
        load_tools(tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(GOOD)
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "inside.py").symlink_to(outside)
    with pytest.raises(ToolDefinitionError, match="leads out of the tools folder"):
        load_tools(folder)


def test_a_missing_folder_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ToolDefinitionError, match="TOOLS_DIR"):
        load_tools(tmp_path / "none")


def test_the_shipped_tools_load() -> None:
    names = {loaded.definition.name for loaded in load_tools(Path(__file__).parents[2] / "tools")}
    assert names == {"create_ticket", "list_tickets", "close_ticket", "get_github_issue", "get_weather"}


def test_cached_bytecode_beside_the_source_is_not_run(tmp_path: Path) -> None:
    source = tmp_path / "calendar.py"
    source.write_text(GOOD.replace("return day", "raise SystemExit"))
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    source.write_text(GOOD)
    (loaded,) = load_tools(tmp_path)
    assert loaded.function("today") == "today"


def test_hidden_files_are_not_loaded(tmp_path: Path) -> None:
    (tmp_path / ".hidden.py").write_text(GOOD)
    assert load_tools(tmp_path) == ()


def test_a_file_that_ends_the_program_is_refused_like_any_other_that_fails(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import sys\nsys.exit(4)")
    with pytest.raises(ToolDefinitionError, match=r"a\.py cannot be loaded: SystemExit"):
        load_tools(tmp_path)
