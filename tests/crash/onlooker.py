"""Somebody who sees both platforms and remembers how far every answer is."""

import asyncio
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from bot.playground.view import Change, ChannelShown, MessageShown, MessageView, PlatformName
from tests.crash.audit import complete
from tests.support.ended import goes_on
from tests.support.house import House

AGAIN = "run it again"
DECISIONS = ("it worked", AGAIN, "skip it")
"""What the buttons under a question about an interrupted call say."""
_BEGINS = re.compile(r"Answer ([a-z]\d{2}n\d{3}) begins")
T = TypeVar("T")


class Onlooker:
    """Watches a house for as long as its context is open."""

    def __init__(self, house: House) -> None:
        self._stages = (house.slack, house.discord)
        self._ends: list[Callable[[], None]] = []
        self._stirred: set[asyncio.Event] = set()
        self._changed_at: dict[str, float] = {}
        self._cut_at: dict[str, float] = {}
        self.begun: set[str] = set()
        """Numbers of answers that can be seen, in part at least."""
        self.complete: set[str] = set()
        """Numbers of answers that were seen to be complete."""
        self.noticed: set[str] = set()
        """Ids of people's messages under which there is a reaction."""
        self.threads: set[str] = set()
        """Ids of Discord's threads."""
        self.open_questions: dict[tuple[PlatformName, str], MessageView] = {}
        """Messages of the bot that ask what became of an interrupted call, by their ids."""
        self.asked = 0
        """How many of them there were."""
        self.longest_standstill = 0.0
        """Longest time in seconds that a growing answer stood still after a kill; it need not have been its own."""

    def __enter__(self) -> Self:
        self._ends = [stage.watch(self._see) for stage in self._stages]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in self._ends:
            end()

    def killed(self) -> None:
        """A process was killed just now."""
        now = time.monotonic()
        for message in self._changed_at:
            self._cut_at.setdefault(message, now)

    async def until(self, predicate: Callable[[], T], seconds: float) -> T:
        """Wait until it is true, looking again after every change.

        Raises:
            TimeoutError: it did not become true in time.
        """
        stirred = asyncio.Event()
        self._stirred.add(stirred)
        try:
            async with asyncio.timeout(seconds):
                while not (result := predicate()):
                    await stirred.wait()
                    stirred.clear()
                return result
        finally:
            self._stirred.discard(stirred)

    def _see(self, change: Change) -> None:
        if isinstance(change, MessageShown):
            self._message(change.platform, change.message)
        elif isinstance(change, ChannelShown) and change.channel.kind == "thread":
            self.threads.add(change.channel.id)
        for event in self._stirred:
            event.set()

    def _message(self, platform: PlatformName, message: MessageView) -> None:
        if message.author != "bot":
            if message.reactions:
                self.noticed.add(message.id)
            return
        if message.only_for is not None:
            return
        self._measure(message)
        self._question(platform, message)
        for number in _BEGINS.findall(message.html):
            self.begun.add(number)
            if complete(message, number):
                self.complete.add(number)

    def _measure(self, message: MessageView) -> None:
        now = time.monotonic()
        if (cut := self._cut_at.pop(message.id, None)) is not None:
            self.longest_standstill = max(self.longest_standstill, now - cut)
        if goes_on(message) or message.state == "thinking":
            self._changed_at[message.id] = now
        else:
            self._changed_at.pop(message.id, None)

    def _question(self, platform: PlatformName, message: MessageView) -> None:
        asks = any(button.label.lower() in DECISIONS for button in message.buttons)
        key = (platform, message.id)
        if not asks:
            self.open_questions.pop(key, None)
            return
        if key not in self.open_questions:
            self.asked += 1
        self.open_questions[key] = message
