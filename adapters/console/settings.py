"""What the console adapter is told when it is made."""

from pathlib import Path

from bot.domain.record import Record


class ConsoleConfig(Record):
    """One conversation in a terminal."""

    folder: Path
    """Where files that the assistant makes are saved; created when the first one comes."""
    once: str | None = None
    """Ask this one question instead of reading lines, print the final answer and be done."""
    conversation: str = "console:local"
    """Key of the conversation: with the same database the next start goes on where this one ended."""
    name: str = "You"
    """The person's name, as the assistant sees it."""
