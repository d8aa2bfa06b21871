"""From a folder of Python files to tools. Files are loaded by path, so their names collide with no module."""

import hashlib
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
        if path.name.startswith(("_", ".")):
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
    source = path.read_bytes()
    module = _load(path, source)
    tools = [
        tool_from(function, path.name)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    ]
    digest = hashlib.sha256(source).hexdigest()[:12]
    log.info("tools loaded", file=path.name, sha256=digest, tools=[loaded.definition.name for loaded in tools])
    return tools


def _load(path: Path, source: bytes) -> ModuleType:
    """Run exactly these bytes: a cached bytecode file beside the source could be another program."""
    module = ModuleType(f"_bot_tools.{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses and get_type_hints look a module up by its name
    try:
        exec(compile(source, path, "exec"), vars(module))  # noqa: S102 - tools are the operator's own code
    except (Exception, SystemExit) as error:  # the operator's code may raise anything
        del sys.modules[module.__name__]
        raise ToolDefinitionError(f"{path.name} cannot be loaded: {type(error).__name__}: {error}") from error
    return module
