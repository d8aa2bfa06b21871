"""Markdown in a terminal: itself, without anything that a terminal would obey."""

import re

OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, and marks that turn the direction of writing."""


class ConsoleDialect:
    """Implements `bot.relay.contract.Dialect`: an escape sequence in an answer must not move the cursor or worse."""

    def convert(self, markdown: str) -> str:
        """The text to print."""
        return OBEYED.sub("", markdown)
