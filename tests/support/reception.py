"""A relay that only writes down what an adapter tells it. Shared by the tests of all adapters."""

import asyncio
from collections.abc import Callable, Sequence

from bot.domain.messages import Author
from bot.errors import StoreUnavailable
from bot.relay.contract import ChannelPolicy, Command, Deleted, Edited, Inbound, Press, RateSignal, Verdict


class RecordingReception:
    """Implements `bot.relay.contract.Reception`.

    Like the real one it knows an event by any of its keys: the second delivery is a duplicate and is not recorded in
    `inbound`, but in `deliveries`.
    """

    def __init__(self) -> None:
        self.inbound: list[Inbound] = []
        """Accepted messages, in order, each once."""
        self.deliveries: list[Inbound] = []
        """Everything that `receive` was called with, refused and duplicate ones too."""
        self.commands: list[Command] = []
        self.presses: list[Press] = []
        self.edits: list[Edited] = []
        self.deletions: list[Deleted] = []
        self.policies: dict[str, ChannelPolicy] = {}
        """By channel; the default policy holds elsewhere."""
        self.offered: tuple[str, ...] = ("Parley",)
        """Assistants that people may choose."""
        self.rates: list[RateSignal] = []
        """For `adapter.on_limits(reception.rates.append)`."""
        self.verdict: Verdict | Callable[[Inbound], Verdict] = Verdict.ACCEPTED
        """What becomes of a message that was not seen before."""
        self.unavailable = 0
        """So many of the next calls raise `StoreUnavailable`."""
        self.share = 200
        """Live conversations of a kind that are told of."""
        self.reply = "done"
        """What commands answer."""
        self.note: str | None = None
        """What presses answer."""
        self.open = asyncio.Event()
        """While a test clears it, every call waits: a store that hangs."""
        self.open.set()
        self.entered = asyncio.Event()
        """Set by the first call."""
        self._keys: set[str] = set()
        self._conversations: dict[str, None] = {}
        self._changed = asyncio.Condition()

    async def receive(self, inbound: Inbound) -> Verdict:
        """Record a message."""
        await self._pass()
        self.deliveries.append(inbound)
        try:
            self._fail_if_told()
            return self._judge(inbound)
        finally:
            await self._tell()

    async def command(self, command: Command) -> str:
        """Record a command."""
        await self._pass()
        self._fail_if_told()
        self.commands.append(command)
        await self._tell()
        return self.reply

    async def first_time(self, key: str) -> bool:
        """Remember a key beside those of messages."""
        await self._pass()
        self._fail_if_told()
        new = key not in self._keys
        self._keys.add(key)
        return new

    async def edited(self, edited: Edited) -> bool:
        """Record an edit; one of a message that was accepted counts."""
        await self._pass()
        self._fail_if_told()
        self.edits.append(edited)
        await self._tell()
        return edited.key in self._keys

    async def deleted(self, deleted: Deleted) -> None:
        """Record a deletion."""
        await self._pass()
        self._fail_if_told()
        self.deletions.append(deleted)
        await self._tell()

    def policy(self, channel: str) -> ChannelPolicy:
        """What a test has set."""
        return self.policies.get(channel, ChannelPolicy())

    def assistants(self, channel: str) -> tuple[str, ...]:
        """What a test has set."""
        del channel
        return self.offered

    async def press(self, press: Press) -> str | None:
        """Record a press."""
        await self._pass()
        self._fail_if_told()
        self.presses.append(press)
        await self._tell()
        return self.note

    async def last_conversation(self, channel: str, person: Author) -> str | None:
        """Where an accepted message of the person came from last, in a channel."""
        await self._pass()
        self._fail_if_told()
        asked = [
            inbound.event.conversation
            for inbound in self.inbound
            if inbound.event.channel == channel and inbound.event.author.id == person.id
        ]
        return asked[-1] if asked else None

    async def takes_part(self, conversation: str) -> bool:
        """Whether a message of the conversation was accepted, or it was joined."""
        await self._pass()
        self._fail_if_told()
        return conversation in self._conversations

    async def live_conversations(self, since: float, within: Sequence[str], without: str) -> tuple[str, ...]:
        """Conversations of these kinds, however old: tests do not last long."""
        del since
        await self._pass()
        self._fail_if_told()
        known = [key for key in reversed(self._conversations) if without not in key]
        kinds = ([key for key in known if key.startswith(prefix)] for prefix in within)
        return tuple(key for kind in kinds for key in kind[: self.share])

    def join(self, conversation: str) -> None:
        """The bot becomes part of a conversation, as by posting into a new one."""
        self._conversations.pop(conversation, None)
        self._conversations[conversation] = None

    async def until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until `condition` holds; it is looked at after every call of the adapter."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(condition)

    async def messages(self, count: int, timeout: float = 10.0) -> list[Inbound]:
        """Wait for so many accepted messages."""
        await self.until(lambda: len(self.inbound) >= count, timeout)
        return self.inbound

    def _judge(self, inbound: Inbound) -> Verdict:
        if not self._keys.isdisjoint(inbound.event.keys):
            return Verdict.DUPLICATE
        verdict = self.verdict(inbound) if callable(self.verdict) else self.verdict
        if verdict is Verdict.IGNORED:
            return verdict
        self._keys.update(inbound.event.keys)
        self.inbound.append(inbound)
        self.join(inbound.event.conversation)
        return verdict

    async def _pass(self) -> None:
        self.entered.set()
        await self.open.wait()

    def _fail_if_told(self) -> None:
        if self.unavailable > 0:
            self.unavailable -= 1
            raise StoreUnavailable

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class AwayWhileReading(RecordingReception):
    """The store is away once `away` is set: not when it is asked where to read, but when the first message comes."""

    away = False

    async def live_conversations(self, since: float, within: Sequence[str], without: str) -> tuple[str, ...]:
        """Conversations of these kinds; the next call fails."""
        live = await super().live_conversations(since, within, without)
        self.unavailable, self.away = int(self.away), False
        return live
