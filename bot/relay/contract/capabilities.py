"""What a platform can do, as data: the relay reads these records and never asks which platform it is."""

from typing import Literal, Protocol

from bot.domain.record import Record


class Pacing(Record):
    """The start values of the governor for one platform; it learns the rest from `RateSignal`s."""

    limit: int
    """Requests per window and bucket."""
    window: float
    """Seconds."""
    reserve: int = 1
    """Requests per window that interim edits never use, so that a final edit goes out at once."""
    min_interval: float
    """Least seconds between two edits of one message."""
    max_interval: float = 10.0
    """Beyond this the interval does not grow."""
    burst: int = 0
    """So many interim edits of a bucket may come ahead of the even pace, after a quiet time: then they are only
    `min_interval` apart, …"""
    early: int = 0
    """… when they bring so many new characters."""
    least: int = 0
    """New characters without which an interim edit is not worth a request, unless a step has changed."""


class Capabilities(Record):
    """One platform's limits and abilities."""

    platform: str
    """Name of the adapter and of `Address.platform`."""
    label: str
    """What people call it."""
    soft_limit: int
    """Where the splitter aims, in units of `measure`."""
    hard_limit: int
    """What the platform refuses, in units of `measure`."""
    measure: Literal["code_points", "utf16", "utf8"]
    max_segments: int
    """An answer of more messages than this is attached as a file after the first two."""
    pacing: Pacing
    """Of edits, and of creates too unless `posts` is given."""
    posts: Pacing | None = None
    """Of creates, for a platform that limits them apart from edits: `limit` at once, then one every
    `window / limit` seconds, in order of asking."""
    buttons: bool = True
    files_out: bool = True
    chooses: bool = False
    """People can say which assistant a question is for (`Event.assistant`)."""
    tasks: bool = False
    """The steps of an answer are shown beside its text (`Outbound.tasks`); otherwise a line of the text says what is
    going on."""
    max_file_bytes: int
    """Largest file taken in or sent."""
    status_refresh: float | None = None
    """Seconds after which the platform forgets a working status; None when it has no such status."""


class Terms(Record):
    """What holds at one address, where that differs from the platform's `Capabilities`."""

    bucket: str
    """Name of the rate-limit bucket that edits at this address share."""
    pacing: Pacing | None = None
    """Start values of that bucket; None means `Capabilities.pacing`."""
    creates: str = ""
    """Name of the bucket that creates share, where `Capabilities.posts` limits them apart from edits and other places
    than `bucket` share that limit; empty means `bucket`."""
    interim: bool = True
    """Messages may be edited while the answer is being made. Otherwise only its end is shown."""
    buttons: bool = True
    """Buttons work here, on a platform that has them."""
    life: float | None = None
    """Seconds after which a message that is still growing is better left for a new one; None: it may grow for ever.

    Where it is given, messages only ever grow: what `Outbound.settled` has told is never moved to another message."""
    max_segments: int | None = None
    """Messages that may be created here for one answer, when they are fewer than `Capabilities.max_segments`."""
    max_file_bytes: int | None = None
    """Largest file sent here, when it is not `Capabilities.max_file_bytes`."""
    max_files_bytes: int | None = None
    """All files of one message together, where that is limited."""


class Dialect(Protocol):
    """How Markdown is written on a platform.

    Prefix-stable: longer Markdown never changes the text of finished blocks.
    """

    def convert(self, markdown: str) -> str:
        """The model's Markdown in the platform's own, with everything that could ping anyone made harmless."""
        ...
