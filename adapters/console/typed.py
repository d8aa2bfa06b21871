"""What a typed line means."""

from pathlib import Path

from bot.domain.deliveries import RemoteFile
from bot.domain.record import Record
from bot.relay.contract import COMMANDS, CommandName


class Question(Record):
    """Something for the assistant."""

    text: str
    files: tuple[RemoteFile, ...] = ()


class Order(Record):
    """A command for the relay."""

    name: CommandName


class Mistake(Record):
    """A line that means nothing; the text says why."""

    text: str


class Quit(Record):
    """The end."""


def read(line: str) -> Question | Order | Mistake | Quit | None:
    """Understand a line; None when it is empty."""
    line = line.strip()
    word, _, rest = line.partition(" ")
    if not line:
        return None
    if word == "/quit":
        return Quit()
    if word == "/file":
        return _with_file(rest.strip())
    for name in COMMANDS:
        if word == f"/{name}":
            return Order(name=name)
    return Question(text=line)


def _with_file(rest: str) -> Question | Mistake:
    path_text, question = _path_and_question(rest)
    if not path_text:
        return Mistake(text="Write: /file PATH question (quote a path with spaces)")
    path = Path(path_text).expanduser()
    if not path.is_file():
        return Mistake(text=f"There is no file {path_text}")
    source = {"path": str(path.resolve())}
    file = RemoteFile(name=path.name, size=path.stat().st_size, source=source)
    return Question(text=question, files=(file,))


def _path_and_question(rest: str) -> tuple[str, str]:
    """A path may stand in quotes; apostrophes in the question mean nothing."""
    quote = rest[:1]
    if quote in ('"', "'") and quote in rest[1:]:
        path, _, question = rest[1:].partition(quote)
    else:
        path, _, question = rest.partition(" ")
    return path, question.strip()
