"""Reading a thread's history backwards, only as far as it can matter."""

from dataclasses import dataclass

from bot.domain.messages import Message
from bot.domain.runs import Run
from bot.engine.exchanges import Exchange, exchanges_of
from bot.ports import History

_MOST = 5_000
"""Messages of one page at most, however many stand at one place."""


@dataclass(frozen=True, slots=True)
class Window:
    """The newest part of a thread."""

    exchanges: tuple[Exchange, ...]
    """Oldest first; the last one is the run's own."""
    complete: bool
    """Nothing older was left, down to the floor that was asked for."""

    @property
    def messages(self) -> int:
        """How many messages it holds."""
        return sum(len(exchange.messages) for exchange in self.exchanges)

    @property
    def tokens(self) -> int:
        """A guess at its size, without files."""
        return sum(exchange.tokens for exchange in self.exchanges)


@dataclass(frozen=True, slots=True)
class _Page:
    exchanges: list[Exchange]
    last: bool


class Backwards:
    """Pages through what one run may read, newest first.

    Args:
        history: the store's door.
        run: whose history it is; its own answers are left out.
        page: messages to read at once.
    """

    def __init__(self, history: History, run: Run, page: int) -> None:
        self._history = history
        self._run = run
        self._page = page

    async def read(self, floor: int, messages: int, tokens: int, start: Window | None = None) -> Window:
        """Read until more than `messages` or `tokens` are there, or everything above the place `floor` is.

        `start` continues an earlier, incomplete window.
        """
        window = start or Window((), complete=False)
        while not window.complete and window.messages <= messages and window.tokens <= max(tokens, 0):
            before = window.exchanges[0].seq if window.exchanges else None
            page = await self._read_page(before)
            above = [exchange for exchange in page.exchanges if exchange.seq > floor]
            complete = page.last or len(above) < len(page.exchanges)
            window = Window((*above, *window.exchanges), complete)
        return window

    async def newest(self, messages: int) -> Window:
        """Exactly the newest `messages`, whatever their size."""
        found = await self._history.up_to(self._run, messages)
        seqs = await self._history.seq_of(found)
        return Window(tuple(exchanges_of(self._without_own(found), seqs)), complete=True)

    async def _read_page(self, before: int | None) -> _Page:
        """One page of whole exchanges: the oldest place of a full page may be cut, it is read again with the next."""
        limit = self._page
        while True:
            found = await self._history.up_to(self._run, limit, before)
            seqs = await self._history.seq_of(found)
            exchanges = exchanges_of(self._without_own(found), seqs)
            if len(found) < limit:
                return _Page(exchanges, last=True)
            oldest = seqs.get(found[0].id, 0)
            whole = [exchange for exchange in exchanges if exchange.seq != oldest]
            if whole:
                return _Page(whole, last=False)
            if limit >= _MOST:
                return _Page(exchanges, last=False)
            limit *= 2

    def _without_own(self, messages: tuple[Message, ...]) -> list[Message]:
        return [message for message in messages if not (message.role == "assistant" and message.run_id == self._run.id)]
