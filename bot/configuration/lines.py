"""On which line of a TOML file something stands. The parser of the standard library does not tell."""

import tomllib
from collections.abc import Mapping
from typing import cast

Path = tuple[str | int, ...]
"""A key, as pydantic names it: `("channels", 2, "mentions")`."""


class Lines:
    """Where the keys of a file stand."""

    def __init__(self, text: str) -> None:
        """Find the keys of a text that is valid TOML: statement by statement, each as many lines as it needs."""
        self._found: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        table: Path = ()
        lines = text.split("\n")
        begin = 0
        for end in range(1, len(lines) + 1):
            statement = "\n".join(lines[begin:end])
            try:
                said = tomllib.loads(statement)
            except tomllib.TOMLDecodeError:
                continue  # a list or a text that goes on
            if lines[begin].lstrip().startswith("["):
                table = self._enter(said, begin + 1)
            else:
                self._note(table, said, begin + 1)
            begin = end

    def of(self, path: Path) -> int | None:
        """The line of a key, or of the nearest table around it; None when it is not in the file."""
        while path:
            if path in self._found:
                return self._found[path]
            path = path[:-1]
        return None

    def _enter(self, header: Mapping[str, object], line: int) -> Path:
        """The table that a header begins. Of a list of tables, it is the next one."""
        path: Path = ()
        inner: object = header
        while isinstance(inner, dict):
            names = cast("Mapping[str, object]", inner)
            path = (*path, *names)  # a header has one name at each level, and none at the last
            inner = next(iter(names.values()), None)
        if isinstance(inner, list):
            number = self._counts.get(path, 0)
            self._counts[path] = number + 1
            path = (*path, number)
        self._found.setdefault(path, line)
        return path

    def _note(self, path: Path, said: object, line: int) -> None:
        if isinstance(said, dict):
            items = cast("dict[str | int, object]", said).items()
        elif isinstance(said, list):
            items = enumerate(cast("list[object]", said))
        else:
            return
        for name, inner in items:
            self._found.setdefault((*path, name), line)
            self._note((*path, name), inner, line)
