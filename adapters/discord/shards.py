"""Shards: Discord cuts an application's events into parts, and each connection gets one of them."""

import re
from typing import Self

from bot.domain.record import Record

_NAME = re.compile(r"discord:(\d+):shard (\d+) of (\d+)")


class Shard(Record):
    """One part. A server belongs to the shard that its id says, direct messages to the first."""

    application: int
    index: int
    count: int

    @property
    def name(self) -> str:
        """Of its connection, the same in every process."""
        return f"discord:{self.application}:shard {self.index} of {self.count}"

    @classmethod
    def named(cls, name: str) -> Self:
        """The shard of a connection.

        Raises:
            ValueError: it is no connection to Discord.
        """
        match = _NAME.fullmatch(name)
        if match is None or int(match[2]) >= int(match[3]):
            raise ValueError(f"{name!r} is no connection to Discord.")
        return cls(application=int(match[1]), index=int(match[2]), count=int(match[3]))

    def holds(self, guild: int | None) -> bool:
        """Whether a server's events come here; None means those of direct messages."""
        return self.index == (0 if guild is None else (guild >> 22) % self.count)
