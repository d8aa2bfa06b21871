"""A terminal behind `bot.relay.contract.Adapter`: the smallest complete adapter, meant to be copied."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from adapters.console.files import pieces, save
from adapters.console.lines import lines
from adapters.console.markup import ConsoleDialect
from adapters.console.screen import Screen
from adapters.console.settings import ConsoleConfig
from adapters.console.typed import Mistake, Order, Question, Quit, read
from bot.domain.deliveries import Address, Event, Heard, RemoteFile
from bot.domain.messages import Author
from bot.errors import StoreUnavailable
from bot.relay.contract import (
    HELD_NOTE,
    Capabilities,
    Command,
    Finding,
    Inbound,
    Outbound,
    Pacing,
    Posted,
    RateSignal,
    Reception,
    Terms,
    Verdict,
)

PLATFORM = "console"

CAPABILITIES = Capabilities(
    platform=PLATFORM,
    label="Console",
    # A terminal has no limit: one answer is one message.
    soft_limit=1_000_000,
    hard_limit=2_000_000,
    measure="code_points",
    max_segments=20,
    pacing=Pacing(limit=1_000, window=1.0, min_interval=0.05, max_interval=0.2),
    buttons=False,
    max_file_bytes=20 * 1_048_576,
)


class ConsoleAdapter:
    """One person, one conversation."""

    capabilities = CAPABILITIES
    dialect = ConsoleDialect()

    def __init__(
        self, config: ConsoleConfig, *, stdin: int = 0, out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        """`stdin` is a file descriptor; `out` and `err` are the process's own streams unless given."""
        self._config = config
        self._stdin = stdin
        self._screen = Screen(out, err, final_only=config.once is not None)
        self._me = Author(platform=PLATFORM, id="local", name=config.name)
        self._open_answers = 0
        self._last_final = ""
        self._answered = asyncio.Condition()
        self._closed = asyncio.Event()

    # --- in ---------------------------------------------------------------------------------------------------

    def on_limits(self, tell: Callable[[RateSignal], None]) -> None:
        """A terminal has no limits."""

    async def connections(self) -> tuple[str, ...]:
        """The keyboard is the only one."""
        return (PLATFORM,)

    @asynccontextmanager
    async def connected(self, name: str, reception: Reception) -> AsyncGenerator[asyncio.Future[None]]:
        """Read what is typed. The future is done when the conversation is over, and then raises nothing."""
        del name
        reading = asyncio.create_task(self._converse(reception), name="console")
        try:
            yield reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def close(self) -> None:
        """Nothing is held open for writing."""

    async def wait_closed(self) -> None:
        """Return when the conversation is over: `/quit`, or the last answer after the end of input."""
        await self._closed.wait()

    async def _converse(self, reception: Reception) -> None:
        try:
            if self._config.once is not None:
                await self._ask(reception, Question(text=self._config.once))
            else:
                await self._read_lines(reception)
            async with self._answered:
                await self._answered.wait_for(lambda: self._open_answers <= 0)
        finally:
            self._screen.flush()
            self._closed.set()

    async def _read_lines(self, reception: Reception) -> None:
        self._screen.greet()
        self._screen.prompt()
        async with aclosing(lines(self._stdin)) as typed:
            async for line in typed:
                meaning = read(line)
                match meaning:
                    case Quit():
                        self._open_answers = 0
                        return
                    case Order():
                        await self._order(reception, meaning)
                    case Question():
                        await self._ask(reception, meaning)
                    case Mistake():
                        self._screen.note(meaning.text)
                    case None:
                        self._screen.prompt()

    async def _ask(self, reception: Reception, question: Question) -> None:
        event = Event(
            keys=(f"{PLATFORM}:{uuid4()}",),
            conversation=self._config.conversation,
            address=Address(platform=PLATFORM, place={}),
            author=self._me,
            text=question.text,
            files=question.files,
            channel=PLATFORM,
        )
        self._open_answers += 1
        try:
            verdict = await reception.receive(Inbound(event=event, addressed=True))
        except StoreUnavailable as error:
            verdict = Verdict.IGNORED
            self._screen.note(f"Not accepted: {error}")
        if verdict is Verdict.QUEUED:
            self._screen.note("Queued: the answer before is still being written.")
        elif verdict is Verdict.HELD:
            self._screen.note(HELD_NOTE)
        elif verdict is not Verdict.ACCEPTED:
            await self._finished()

    async def _order(self, reception: Reception, order: Order) -> None:
        command = Command(
            name=order.name, conversation=self._config.conversation, channel=PLATFORM, person=self._me, moderator=True
        )
        try:
            self._screen.note(await reception.command(command))
        except StoreUnavailable as error:
            self._screen.note(f"Not done: {error}")
        self._screen.prompt()

    # --- out --------------------------------------------------------------------------------------------------

    def terms(self, address: Address) -> Terms:
        """There is one terminal."""
        del address
        return Terms(bucket=PLATFORM)

    async def context(self, address: Address, most: int) -> tuple[Heard, ...]:
        """Everything that is said in a terminal is said to the assistant."""
        del address, most
        return ()

    async def check_up(self) -> tuple[Finding, ...]:
        """Nothing about a terminal can be set up wrongly."""
        return ()

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        """Print a new message."""
        await self._show(key, outbound)
        del address
        return Posted(ref={"message": key})

    async def find(self, address: Address, key: str, since: float, known: object) -> Posted | None:
        """What was printed by a process that is gone is on nobody's screen."""
        del address, key, since, known

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> None:
        """Print what is new in a message."""
        del address
        await self._show(ref["message"], outbound)

    async def status(self, address: Address, text: str | None) -> None:
        """Say what is going on."""
        del address
        if text and self._screen.decorated and not self._screen.answering:
            self._screen.note(f"({text})")

    def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """A file that was named with `/file`."""
        return pieces(Path(file.source["path"]))

    async def _show(self, message: str, outbound: Outbound) -> None:
        text = f"{outbound.text}\n\n{outbound.footer}" if outbound.footer else outbound.text
        self._screen.answer(message, text, final=outbound.final)
        for file in outbound.files:
            path = await asyncio.to_thread(save, self._config.folder, file)
            self._screen.note(f"Saved: {path}")
        if outbound.final and message != self._last_final:
            self._last_final = message
            await self._finished()

    async def _finished(self) -> None:
        self._open_answers -= 1
        self._screen.prompt()
        async with self._answered:
            self._answered.notify_all()
