"""What is shown: answers on standard output, everything else on standard error."""

import re
import sys
from typing import TextIO

_CLOSING_FENCE = re.compile(r"\n {0,3}(`{3,}|~{3,})$")


class Screen:
    """A terminal, or two pipes. Without a terminal there are no decorations."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None, *, final_only: bool = False) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._final_only = final_only
        self._message: str = ""
        self._shown: str = ""
        self._ended: bool = True
        self._waiting: list[str] = []
        self.decorated = self._out.isatty() and self._err.isatty()

    def answer(self, message: str, text: str, *, final: bool) -> None:
        """Show a message's whole text; only what is new gets printed."""
        if self._final_only and not final:
            return
        if not final:
            text = _without_closers(text)
        shown = self._shown if message == self._message else ""
        if message != self._message:
            self._ended = False
        if text.startswith(shown):
            self._print(text[len(shown) :])
        else:
            self._print("\n" + text[_last_common_line(shown, text) :])
        if final and not (self._ended and text == shown):
            self._print("\n")
        self._message, self._shown, self._ended = message, text, final
        if final:
            self.flush()

    @property
    def answering(self) -> bool:
        """Whether half an answer stands on the screen."""
        return not self._ended

    def greet(self) -> None:
        """Say on a terminal what this is and what can be typed."""
        if self.decorated and not self._final_only:
            self.note("Parley: type a question. The conversation is kept and goes on where it ended.")
            self.note("/help  /file PATH question  /new  /stop  /quit")

    def flush(self) -> None:
        """Show the notes that waited for an answer to end."""
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            self._tell(text)

    def note(self, text: str) -> None:
        """Say something that is no answer; in the middle of one it waits for the end."""
        if self.answering and not self._final_only:
            self._waiting.append(text)
        else:
            self._tell(text)

    def _tell(self, text: str) -> None:
        self._err.write(f"{text}\n")
        self._err.flush()

    def prompt(self) -> None:
        """Ask for the next line."""
        if self.decorated and not self._final_only and not self.answering:
            self._err.write("> ")
            self._err.flush()

    def _print(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _without_closers(text: str) -> str:
    """Half an answer without the marks that close what is still open: on a screen they would stand in the middle."""
    return _CLOSING_FENCE.sub("", text).rstrip("*_~`")


def _last_common_line(shown: str, text: str) -> int:
    """Where the first changed line begins: everything before it stands on the screen already."""
    common = 0
    for before, after in zip(shown, text, strict=False):
        if before != after:
            break
        common += 1
    return text.rfind("\n", 0, common) + 1
