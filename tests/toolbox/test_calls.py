"""Calling tools, whatever they do."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.domain.messages import Author
from bot.domain.steps import CallState, Effect
from bot.ports import Asking, Store, ToolOutcome
from bot.toolbox.calls import OUTPUT_LIMIT
from bot.toolbox.functions import FunctionToolbox
from bot.toolbox.loader import load_tools

ASKING = Asking(Author(platform="test", id="u1", name="Ada"), "run_1", "thread_1", "run_1:1:0")

TOOLS = '''
import asyncio, threading, time
from bot.toolbox import ToolContext, ToolError, tool


@tool(effect="read")
def add(a: int, b: int = 10) -> int:
    """Add.

    Args:
        a: One.
        b: Other.
    """
    return a + b


def who(context: ToolContext) -> dict:
    """Who asks."""
    return {"name": context.person.name, "key": context.idempotency_key, "thread": threading.current_thread().name}


def refuses() -> None:
    """Refuse."""
    raise ToolError("the printer is on fire")


def breaks() -> None:
    """Break."""
    raise RuntimeError("secret password hunter2")


@tool(effect="read", timeout=0.05)
async def slow_read() -> None:
    """Wait."""
    await asyncio.Event().wait()


@tool(timeout=0.05)
def slow_once() -> None:
    """Wait in a thread."""
    time.sleep(0.5)


@tool(effect="read")
def its_own_timeout() -> None:
    """Raise a time-out of a library."""
    raise TimeoutError("socket")


def flood() -> str:
    """Return 10 MB."""
    return "x" * 10_000_000


def nothing() -> None:
    """Return nothing."""


@tool(effect="read")
def leaves() -> None:
    """End the program from a thread."""
    raise SystemExit(3)


@tool(effect="read")
async def leaves_too() -> None:
    """End the program from the loop."""
    raise SystemExit(3)
'''


@pytest.fixture
async def box(tmp_path: Path, sqlite_store: Store) -> AsyncIterator[FunctionToolbox]:
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "samples.py").write_text(TOOLS)
    async with aiohttp.ClientSession() as http:
        yield FunctionToolbox(load_tools(folder), sqlite_store.collections, http)


async def run(box: FunctionToolbox, name: str, **arguments: object) -> ToolOutcome:
    return await box.run(name, json.dumps(arguments), ASKING)


class TestRefusal:
    @pytest.mark.parametrize(
        ("name", "arguments", "words"),
        [
            ("nobody", "{}", "There is no tool 'nobody'"),
            ("add", '{"a": ', "Invalid JSON"),
            ("add", "[1]", "should be an object"),
            ("add", "{}", "a: Field required"),
            ("add", '{"a": "many"}', "a: Input should be a valid integer"),
            ("add", '{"a": 1, "c": 2}', "c: Extra inputs are not permitted"),
        ],
    )
    def test_a_wrong_call_is_refused_with_a_reason(
        self, box: FunctionToolbox, name: str, arguments: str, words: str
    ) -> None:
        assert words in (box.refuse(name, arguments) or "")

    def test_a_right_call_is_not_refused(self, box: FunctionToolbox) -> None:
        assert box.refuse("add", '{"a": 1, "b": null}') is None
        assert box.refuse("nothing", "") is None


class TestOutcome:
    async def test_a_null_stands_for_the_default(self, box: FunctionToolbox) -> None:
        assert await run(box, "add", a=1, b=None) == ToolOutcome(CallState.DONE, "11")

    async def test_the_context_tells_who_asks_and_sync_tools_run_in_their_own_thread(
        self, box: FunctionToolbox
    ) -> None:
        outcome = await run(box, "who")
        assert json.loads(outcome.output) == {"name": "Ada", "key": "run_1:1:0", "thread": "tool"}

    async def test_a_tool_error_is_told_to_the_model(self, box: FunctionToolbox) -> None:
        assert await run(box, "refuses") == ToolOutcome(CallState.FAILED, "the printer is on fire")

    async def test_an_exception_of_a_once_is_unknown_and_told_without_its_text(self, box: FunctionToolbox) -> None:
        outcome = await run(box, "breaks")
        assert outcome.state is CallState.UNKNOWN
        assert "RuntimeError" in outcome.output
        assert "hunter2" not in outcome.output

    @pytest.mark.parametrize("name", ["leaves", "leaves_too"])
    async def test_a_tool_that_ends_the_program_only_fails_itself(self, box: FunctionToolbox, name: str) -> None:
        assert (await run(box, name)).state is CallState.FAILED

    async def test_a_read_that_takes_too_long_failed(self, box: FunctionToolbox) -> None:
        outcome = await run(box, "slow_read")
        assert outcome.state is CallState.FAILED
        assert "within 0.05 seconds" in outcome.output

    async def test_a_once_that_takes_too_long_is_unknown_and_not_waited_for(self, box: FunctionToolbox) -> None:
        began = time.monotonic()
        outcome = await run(box, "slow_once")
        assert outcome.state is CallState.UNKNOWN
        assert time.monotonic() - began < 0.4

    async def test_a_time_out_inside_a_read_is_its_failure(self, box: FunctionToolbox) -> None:
        outcome = await run(box, "its_own_timeout")
        assert outcome == ToolOutcome(CallState.FAILED, "its_own_timeout failed with an internal error (TimeoutError).")

    async def test_a_flood_is_cut_and_says_so(self, box: FunctionToolbox) -> None:
        outcome = await run(box, "flood")
        assert len(outcome.output) < OUTPUT_LIMIT + 200
        assert "10,000,000 characters" in outcome.output

    async def test_nothing_is_done(self, box: FunctionToolbox) -> None:
        assert await run(box, "nothing") == ToolOutcome(CallState.DONE, "done")

    def test_an_unknown_name_has_no_effect(self, box: FunctionToolbox) -> None:
        assert (box.effect("nobody"), box.effect("add"), box.effect("who")) == (Effect.READ, Effect.READ, Effect.ONCE)
