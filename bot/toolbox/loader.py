"""From a folder of Python files to tools. Files are loaded by path, so their names collide with no module."""

import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import structlog

from bot.errors import ToolDefinitionError
from bot.toolbox.schema import FunctionAsTool, tool_from

log = structlog.get_logger()


def load_tools(folder: Path) -> tuple[FunctionAsTool, ...]:
    """Every public function defined in the folder's `*.py` files (names with a leading underscore are private).

    Args:
        folder: only files that really lie in it are loaded; a link that leads out of it is refused.

    Raises:
        ToolDefinitionError: one sentence a problem, all problems of the folder at once.
    """
    if not folder.is_dir():
        raise ToolDefinitionError(f"TOOLS_DIR: there is no folder {folder}.")
    found: dict[str, FunctionAsTool] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith("_"):
            continue
        try:
            for loaded in _tools_of(path, folder):
                name = loaded.definition.name
                if name in found:
                    problems.append(f"{path.name}: {name} is already a tool in another file; rename one of them.")
                found[name] = loaded
        except ToolDefinitionError as error:
            problems.append(str(error))
    if problems:
        raise ToolDefinitionError("\n".join(problems))
    return tuple(found.values())


def _tools_of(path: Path, folder: Path) -> list[FunctionAsTool]:
    if folder.resolve() != path.resolve().parent:
        raise ToolDefinitionError(f"{path.name} is a link that leads out of the tools folder; it is not loaded.")
    module = _load(path)
    tools = [
        tool_from(function, path.name)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    ]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    log.info("tools loaded", file=path.name, sha256=digest, tools=[loaded.definition.name for loaded in tools])
    return tools


def _load(path: Path) -> ModuleType:
    name = f"_bot_tools.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ToolDefinitionError(f"{path.name} cannot be loaded as Python.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and get_type_hints look a module up by its name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ToolDefinitionError(f"{path.name} cannot be loaded: {type(error).__name__}: {error}") from error
    return module
