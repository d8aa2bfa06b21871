"""The console adapter on real pipes."""

import asyncio
import io
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.console import ConsoleAdapter, ConsoleConfig
from adapters.console.screen import Screen
from bot.domain.deliveries import Address, RemoteFile
from bot.errors import Refused
from bot.relay.contract import Button, Outbound, OutboundFile, Verdict
from tests.support.reception import RecordingReception

HERE = Address(platform="console", place={})
STOP = (Button(op="stop", run_id="run_1", label="Stop"),)


class Paper(io.StringIO):
    """Remembers what is printed and lets a test wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.printed = asyncio.Event()

    def write(self, text: str) -> int:
        self.printed.set()
        return super().write(text)

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(10):
            while text not in self.getvalue():
                self.printed.clear()
                await self.printed.wait()


@dataclass
class Terminal:
    adapter: ConsoleAdapter
    reception: RecordingReception
    keyboard: int
    out: io.StringIO
    err: Paper
    gone: asyncio.Future[None]

    def type(self, text: str) -> None:
        os.write(self.keyboard, text.encode())


@asynccontextmanager
async def terminal(folder: Path, once: str | None = None, unavailable: int = 0) -> AsyncGenerator[Terminal]:
    reading, writing = os.pipe()
    out, err = io.StringIO(), Paper()
    reception = RecordingReception()
    reception.unavailable = unavailable
    adapter = ConsoleAdapter(ConsoleConfig(folder=folder, once=once), stdin=reading, out=out, err=err)
    try:
        async with adapter.connected("console", reception) as gone:
            yield Terminal(adapter, reception, writing, out, err, gone)
    finally:
        os.close(writing)
        os.close(reading)


async def test_a_line_is_a_message(tmp_path: Path) -> None:
    """A typed line arrives addressed, under the one conversation key, with a key of its own each time."""
    async with terminal(tmp_path) as it:
        it.type("hello there\nhello there\n")
        first, second = await it.reception.messages(2)
    assert first.addressed
    assert (first.event.text, first.event.conversation) == ("hello there", "console:local")
    assert first.event.author.name == "You"
    assert set(first.event.keys).isdisjoint(second.event.keys)


async def test_an_answer_grows_on_standard_output(tmp_path: Path) -> None:
    """Edits print only what is new, and nothing but the answer is on standard output."""
    async with terminal(tmp_path) as it:
        posted = await it.adapter.post(HERE, Outbound(text="One", buttons=STOP), "k1")
        await it.adapter.edit(HERE, posted.ref, Outbound(text="One two", buttons=STOP))
        await it.adapter.edit(HERE, posted.ref, Outbound(text="One two three", final=True))
        await it.adapter.edit(HERE, posted.ref, Outbound(text="One two three", final=True))
    assert it.out.getvalue() == "One two three\n"


async def test_a_changed_text_is_printed_from_the_changed_line_on(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        posted = await it.adapter.post(HERE, Outbound(text="first\nsecnd", buttons=STOP), "k1")
        await it.adapter.edit(HERE, posted.ref, Outbound(text="first\nsecond", final=True))
    assert it.out.getvalue() == "first\nsecnd\nsecond\n"


async def test_the_small_print_stands_below_the_answer(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        posted = await it.adapter.post(HERE, Outbound(text="As it is written"), "k1")
        ended = Outbound(text="As it is written [1]", footer="[1] a.md · 2/2", final=True)
        await it.adapter.edit(HERE, posted.ref, ended)
    assert it.out.getvalue() == "As it is written [1]\n\n[1] a.md · 2/2\n"


async def test_once_prints_the_final_answer_only_and_closes(tmp_path: Path) -> None:
    """`once` asks one question, hides what is interim, and then the conversation is over."""
    async with terminal(tmp_path, once="what is up?") as it:
        (inbound,) = await it.reception.messages(1)
        posted = await it.adapter.post(HERE, Outbound(text="No", buttons=STOP), "k1")
        await it.adapter.edit(HERE, posted.ref, Outbound(text="Everything.", final=True))
        async with asyncio.timeout(10):
            await it.adapter.wait_closed()
    assert inbound.event.text == "what is up?"
    assert it.out.getvalue() == "Everything.\n"


async def test_once_closes_when_the_question_is_not_accepted(tmp_path: Path) -> None:
    async with terminal(tmp_path, once="hello", unavailable=1) as it, asyncio.timeout(10):
        await it.adapter.wait_closed()
    assert "Not accepted" in it.err.getvalue()
    assert it.out.getvalue() == ""


async def test_the_end_of_input_waits_for_open_answers(tmp_path: Path) -> None:
    """A question that was piped in is answered before the conversation closes."""
    reading, writing = os.pipe()
    reception = RecordingReception()
    out, err = io.StringIO(), Paper()
    adapter = ConsoleAdapter(ConsoleConfig(folder=tmp_path), stdin=reading, out=out, err=err)
    async with adapter.connected("console", reception):
        os.write(writing, b"last words")
        os.close(writing)
        await reception.messages(1)
        closed = asyncio.create_task(adapter.wait_closed())
        posted = await adapter.post(HERE, Outbound(text="Wait", buttons=STOP), "k1")
        assert not closed.done()
        await adapter.edit(HERE, posted.ref, Outbound(text="Wait. Done.", final=True))
        await asyncio.wait_for(closed, 10)
    os.close(reading)
    assert out.getvalue() == "Wait. Done.\n"


async def test_quit_closes_at_once(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        it.type("a question\n/quit\n")
        await asyncio.wait_for(it.adapter.wait_closed(), 10)
        assert len(it.reception.inbound) == 1


async def test_commands_go_to_the_relay_and_their_reply_to_standard_error(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        it.reception.reply = "Started over."
        it.type("/new\n/stop\n")
        await it.reception.until(lambda: len(it.reception.commands) == 2)
        await it.err.shows("Started over.\nStarted over.")
    assert [command.name for command in it.reception.commands] == ["new", "stop"]
    assert it.out.getvalue() == ""


async def test_a_queued_message_is_noted(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        it.reception.verdict = Verdict.QUEUED
        it.type("and this\n")
        await it.err.shows("Queued")


async def test_who_types_instead_of_deciding_is_told_so(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        it.reception.verdict = Verdict.HELD
        it.type("one\n")
        await it.err.shows("waits for a decision")


async def test_a_file_is_attached_and_can_be_read(tmp_path: Path) -> None:
    """`/file` takes a quoted path; the bytes come through `download`."""
    path = tmp_path / "my table.csv"
    path.write_bytes(b"a,b\n" * 30_000)
    async with terminal(tmp_path) as it:
        it.type(f'/file "{path}" what\'s in here?\n')
        (inbound,) = await it.reception.messages(1)
        (file,) = inbound.event.files
        content = b"".join([piece async for piece in it.adapter.download(file)])
    assert inbound.event.text == "what's in here?"
    assert (file.name, file.size) == ("my table.csv", 120_000)
    assert content == path.read_bytes()


async def test_a_missing_file_is_told_and_nothing_is_sent(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        it.type("/file nowhere.txt read it\nhello\n")
        (inbound,) = await it.reception.messages(1)
    assert "There is no file nowhere.txt" in it.err.getvalue()
    assert inbound.event.text == "hello"


async def test_a_file_that_vanished_is_refused(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        file = RemoteFile(name="x", source={"path": str(tmp_path / "x")})
        with pytest.raises(Refused, match="cannot be read"):
            _ = [piece async for piece in it.adapter.download(file)]


async def test_made_files_are_saved_inside_the_folder_and_never_overwrite(tmp_path: Path) -> None:
    """Names from the model cannot leave the folder."""
    folder = tmp_path / "out"
    names = ("chart.png", "chart.png", "../../evil.txt", "..")
    files = tuple(OutboundFile(name=name, content=name.encode(), media_type="image/png") for name in names)
    async with terminal(folder) as it:
        posted = await it.adapter.post(HERE, Outbound(text="Here."), "k1")
        await it.adapter.edit(HERE, posted.ref, Outbound(text="Here.", files=files, final=True))
    saved = {path.name: path.read_text() for path in folder.iterdir()}
    assert saved == {"chart.png": "chart.png", "chart-2.png": "chart.png", "evil.txt": "../../evil.txt", "file": ".."}
    assert not (tmp_path / "evil.txt").exists()


def test_an_answer_cannot_command_the_terminal() -> None:
    """Escape sequences lose their escape; tabs and lines stay."""
    assert ConsoleAdapter.dialect.convert("a\x1b[2J\x9b31m\tb\n\x07c") == "a[2J31m\tb\nc"


@given(st.text(), st.text())
def test_the_dialect_is_prefix_stable(begin: str, more: str) -> None:
    """More text never changes what was there."""
    convert = ConsoleAdapter.dialect.convert
    assert convert(begin + more).startswith(convert(begin))


async def test_a_message_without_buttons_is_not_the_end_before_it_says_so(tmp_path: Path) -> None:
    async with terminal(tmp_path, once="hello") as it:
        await it.reception.messages(1)
        posted = await it.adapter.post(HERE, Outbound(text="Half"), "k1")
        assert it.out.getvalue() == ""
        await it.adapter.edit(HERE, posted.ref, Outbound(text="Half done.", final=True))
    assert it.out.getvalue() == "Half done.\n"


async def test_the_future_is_done_without_an_error_when_the_conversation_is_over(tmp_path: Path) -> None:
    async with terminal(tmp_path) as it:
        assert not it.gone.done()
        it.type("/quit\n")
        await asyncio.wait({it.gone}, timeout=10)
        assert it.gone.done()
        assert it.gone.exception() is None


async def test_leaving_does_not_wait_for_the_keyboard(tmp_path: Path) -> None:
    """A reader that waits for input does not hold up the end."""
    async with asyncio.timeout(5), terminal(tmp_path):
        pass


class Tty(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_note_waits_for_the_answer_that_is_being_written() -> None:
    both = Tty()
    screen = Screen(both, both)
    screen.answer("k1", "Half", final=False)
    screen.note("Queued.")
    screen.prompt()
    screen.answer("k1", "Half done.", final=True)
    assert both.getvalue() == "Half done.\nQueued.\n"


def test_only_a_terminal_is_greeted() -> None:
    out, err = Tty(), Tty()
    Screen(out, err).greet()
    assert err.getvalue().count("\n") == 2
    assert all(word in err.getvalue() for word in ("/help", "/file", "/new", "/stop", "/quit"))
    assert not out.getvalue()
    pipe = io.StringIO()
    Screen(pipe, pipe).greet()
    assert not pipe.getvalue()
