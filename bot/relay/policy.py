"""The relay's own limits, in one place."""

from dataclasses import dataclass

from bot.domain.runs import RUN_LIFETIME


@dataclass(frozen=True, slots=True)
class RelayPolicy:
    """How the relay behaves on every platform."""

    lane_cap: int = 20
    """Messages that may wait in one conversation; more are turned away."""
    first_characters: int = 40
    """An answer is first posted when it has so many characters, or a whole line, …"""
    first_seconds: float = 0.7
    """… or when its first words are so many seconds old."""
    leaving_grace: float = 30.0
    """Seconds for which a message that is better left for a new one may still wait for the end of a paragraph."""
    attempts: int = 5
    """Tries of a request that must not be left out, before the engine comes back to it later."""
    strikes: int = 3
    """Failed interim edits of one answer after which only its end is shown."""
    second_look: float = 2.0
    """Seconds between two looks for a message that may have been posted."""
    max_files: int = 10
    """Files taken in with one message, and files sent with one answer."""
    parallel_downloads: int = 3
    download_seconds: float = 60.0
    """Longest time for one file."""
    max_text: int = 100_000
    """Characters of a message; what is longer becomes an attachment."""
    context_messages: int = 50
    """Messages that were said before a question and are read with it, …"""
    context_seconds: float = 10.0
    """… as far as the platform tells them in this time, …"""
    heard_text: int = 4_000
    """… each cut after so many characters."""
    run_lifetime: int = RUN_LIFETIME
    """Seconds from its turn until a run expires; one that waits in the queue loses none."""
