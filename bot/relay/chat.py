"""The only way from an answer to its platform: no request goes out unpaced, or from a process that lost its lanes."""

from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bot.domain.deliveries import Address, Heard, RemoteFile
from bot.errors import Fenced, RateLimited
from bot.ports import Clock, RunControl
from bot.relay.contract import Adapter, Capabilities, Dialect, Outbound, Posted, Terms
from bot.relay.governor import Stream


@dataclass(frozen=True, slots=True)
class Chat:
    """The place in a chat where one answer goes.

    All methods raise `Fenced` instead of asking the platform when this process does not hold its lanes any more: it was
    frozen for too long, and another one writes the answer now. Errors of the platform are as in the adapter's contract.
    """

    adapter: Adapter
    address: Address
    stream: Stream
    """The answer's share of the platform's pace."""
    clock: Clock
    control: RunControl

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do."""
        return self.adapter.capabilities

    @property
    def terms(self) -> Terms:
        """What holds at the address."""
        return self.adapter.terms(self.address)

    @property
    def buttons(self) -> bool:
        """Whether buttons work there."""
        return self.capabilities.buttons and self.terms.buttons

    @property
    def quiet(self) -> bool:
        """Whether an answer comes all at once, while a status says that work is going on."""
        return self.address.manner == "status" or not self.terms.interim

    @property
    def dialect(self) -> Dialect:
        """How Markdown is written there."""
        return self.adapter.dialect

    async def post(self, outbound: Outbound, key: str) -> Posted:
        """Create a message, which is not repeated after `Unreachable` before `find` was asked."""
        await self.stream.request(create=True)
        with self._asking(create=True):
            return await self.adapter.post(self.address, outbound, key)

    async def find(self, key: str, since: float, known: Sequence[dict[str, str]]) -> Posted | None:
        """Look for a message that may have been created since then (Unix seconds), and is none of the `known`."""
        with self._asking():
            return await self.adapter.find(self.address, key, since, known)

    async def edit(self, ref: dict[str, str], outbound: Outbound, terms: Terms | None = None) -> Terms:
        """Replace a message for which these terms hold, or those of the address. Returns what holds from now on."""
        terms = terms or self.terms
        self.stream.follow(terms)
        await self.stream.request()
        began = self.clock.monotonic()
        with self._asking():
            changed = await self.adapter.edit(self.address, ref, outbound)
        if not outbound.files:  # sending those, and seeing them arrive, says nothing about the platform's limit
            self.stream.returned(self.clock.monotonic() - began)
        if changed is not None:
            self.stream.follow(changed)
        return changed or terms

    async def status(self, text: str | None) -> None:
        """Show or clear the working status. Platforms limit it separately, so it has no part in the pace."""
        self._check()
        await self.adapter.status(self.address, text)

    async def context(self, most: int) -> tuple[Heard, ...]:
        """The newest `most` messages that were said before the question."""
        self._check()
        return await self.adapter.context(self.address, most)

    def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """A file in pieces."""
        self._check()
        return self.adapter.download(file)

    @contextmanager
    def _asking(self, *, create: bool = False) -> Generator[None]:
        """Around a request that counts: is it still ours to make, and was it one too many."""
        self._check()
        try:
            yield
        except RateLimited as limited:
            self.stream.limited(limited.retry_after, create=create)
            raise

    def _check(self) -> None:
        if not self.control.alive:
            raise Fenced
