"""What is shown: answers on standard output, everything else on standard error."""

import sys
from typing import TextIO


class Screen:
    """A terminal, or two pipes. Without a terminal there are no decorations."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None, *, final_only: bool = False) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._final_only = final_only
        self._message: str = ""
        self._shown: str = ""
        self._ended: bool = False
        self.decorated = self._out.isatty() and self._err.isatty()

    def answer(self, message: str, text: str, *, final: bool) -> None:
        """Show a message's whole text; only what is new gets printed."""
        if self._final_only and not final:
            return
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

    def note(self, text: str) -> None:
        """Say something that is no answer."""
        self._err.write(f"{text}\n")
        self._err.flush()

    def prompt(self) -> None:
        """Ask for the next line."""
        if self.decorated and not self._final_only:
            self._err.write("> ")
            self._err.flush()

    def _print(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _last_common_line(shown: str, text: str) -> int:
    """Where the first changed line begins: everything before it stands on the screen already."""
    common = 0
    for before, after in zip(shown, text, strict=False):
        if before != after:
            break
        common += 1
    return text.rfind("\n", 0, common) + 1
