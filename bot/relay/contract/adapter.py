"""One chat platform as the relay sees it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.domain.deliveries import Address, Heard, RemoteFile
from bot.relay.contract.capabilities import Capabilities, Dialect, Terms
from bot.relay.contract.finding import Finding
from bot.relay.contract.outbound import Outbound, Posted, RateSignal
from bot.relay.contract.reception import Reception


class Adapter(Protocol):
    """One chat platform. Errors: only `bot.errors.PlatformError` and its kinds leave these methods."""

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do."""
        ...

    @property
    def dialect(self) -> Dialect:
        """How Markdown is written there."""
        ...

    def on_limits(self, tell: Callable[[RateSignal], None]) -> None:
        """From now on tell what replies say about limits. A 429 is told by raising `RateLimited`, not here as well."""
        ...

    async def connections(self) -> tuple[str, ...]:
        """Names of the connections that a whole deployment keeps to this platform, however many its processes.

        Each is kept by one process at a time; the names are the same in all of them. Waits for a platform that does
        not answer.

        Raises:
            OperatorError: a token is refused; the text names the variable.
        """
        ...

    def connected(self, name: str, reception: Reception) -> AbstractAsyncContextManager[asyncio.Future[None]]:
        """Keep one of the `connections` and hand its events to `reception` until the context is left.

        Gives a future that is done only when the platform will never deliver anything again; it then raises the reason.

        Entered when the platform is ready to deliver events. Reconnects by itself for as long as it is open. Leaving it
        ends receiving only: answers that are being written go on until `close`. Before and between two keepers nobody
        listened for a while: what was said meanwhile is read and handed over, once.

        Raises:
            OperatorError: a token is refused; the text names the variable.
        """
        ...

    async def close(self) -> None:
        """Close what is needed for writing, after the last answer."""
        ...

    def terms(self, address: Address) -> Terms:
        """What holds at this address."""
        ...

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        """Create a message. Never repeats the request by itself unless the platform makes that safe by `key`.

        Raises:
            Unreachable: it may or may not have been created: call `find` before trying again.
        """
        ...

    async def find(self, address: Address, key: str, since: float, known: Sequence[dict[str, str]]) -> Posted | None:
        """Look for a message that a `post` with this key may have created since then.

        Args:
            address: where it would be.
            key: of the `post`.
            since: Unix seconds by our own clock, a day early. Only a bound for adapters that know nothing better: when
                the place tells which message or interaction is answered, look from that one on, in the platform's own
                order, so that it does not matter whose clock is right.
            known: references of all other messages of the answer: for platforms where not every message carries its
                key, one that belongs to the answer and is none of these is the one.
        """
        ...

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> Terms | None:
        """Replace a message's text, buttons and files.

        Returns what holds for this message from now on, when that has changed. A `Terms.life` that is over already
        means that the message has to be left for a new one.

        Raises:
            Gone: the message cannot be edited any more; post its text anew.
            StoppedByPerson: somebody has stopped the answer with the platform's own button.
        """
        ...

    async def context(self, address: Address, most: int) -> tuple[Heard, ...]:
        """What was said before, in the place and thread where the question was asked, oldest first.

        For an assistant that was called in the middle of a conversation. Neither the question itself nor what the
        assistant said; at most the newest `most` messages. Empty where nothing was said before, or nothing can be read.
        """
        ...

    async def check_up(self) -> tuple[Finding, ...]:
        """Examine the set-up at the platform: tokens, scopes, intents, switches, registered commands.

        Changes nothing there. Errors are findings.
        """
        ...

    async def status(self, address: Address, text: str | None) -> None:
        """Show that work is going on ("is thinking…"), or clear it. Best effort."""
        ...

    def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """The file's bytes in pieces, only from the platform's own hosts.

        Raises:
            Refused: with a sentence for the person.
        """
        ...
