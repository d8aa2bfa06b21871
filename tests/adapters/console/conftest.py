"""A terminal for the contract suite."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from adapters.console import ConsoleAdapter, ConsoleConfig
from bot.domain.deliveries import Address, RemoteFile
from bot.relay.contract import Adapter, Posted
from tests.contract.adapter import Subject, Writing
from tests.support.reception import RecordingReception


class ConsoleSubject(Subject):
    """One person at two pipes."""

    def __init__(self, folder: Path, keyboard: int, reading: int) -> None:
        self.folder, self.keyboard, self.reading = folder, keyboard, reading
        self.out = io.StringIO()
        self.adapter = self.peer()
        self.reception = RecordingReception()

    async def ask(self, text: str) -> None:
        os.write(self.keyboard, f"{text}\n".encode())

    async def follow_up(self, posted: Posted, text: str) -> None:
        await self.ask(text)

    def shown(self) -> Sequence[str]:
        return [self.out.getvalue()]

    def peer(self) -> ConsoleAdapter:
        config = ConsoleConfig(folder=self.folder)
        return ConsoleAdapter(config, stdin=self.reading, out=self.out, err=io.StringIO())

    def connected(self) -> bool:
        return False

    async def until(self, condition: Callable[[], bool]) -> None:
        assert condition()

    # --- what a terminal cannot have

    def person(self) -> NoReturn:
        pytest.skip("a terminal pings nobody")

    def pinged(self) -> NoReturn:
        pytest.skip("a terminal pings nobody")

    def deliver_twice(self) -> NoReturn:
        pytest.skip("what is typed arrives once")

    def limit(self, writing: Writing, seconds: float) -> NoReturn:
        pytest.skip("a terminal has no limits")

    def send_limits(self) -> NoReturn:
        pytest.skip("a terminal has no limits")

    async def say_unheard(self, posted: Posted, text: str) -> NoReturn:
        pytest.skip("what is typed is heard by whoever reads, or by nobody")

    def lose_answer(self) -> NoReturn:
        pytest.skip("printing has no answer that could be lost")

    async def find(self, address: Address, key: str, since: float, *known: Posted) -> NoReturn:
        pytest.skip("what was printed cannot be looked up")

    def lost(self, posted: Posted) -> NoReturn:
        pytest.skip("what was printed cannot be taken away")

    def remote_file(self, url: str) -> RemoteFile:
        pytest.skip("files are named by the person at the keyboard, not fetched")

    def refused(self) -> Sequence[tuple[str, Adapter]]:
        pytest.skip("a terminal needs no token")

    async def revoke(self) -> str:
        pytest.skip("a terminal needs no token")


@pytest.fixture
def subject(tmp_path: Path) -> Iterator[Subject]:
    reading, writing = os.pipe()
    yield ConsoleSubject(tmp_path, writing, reading)
    os.close(writing)
    os.close(reading)
