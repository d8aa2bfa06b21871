"""Running one tool call: in its time, with a bounded output, whatever the tool does."""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import cast

import structlog
from pydantic_core import to_json

from bot.domain.steps import CallState, Effect
from bot.errors import ToolError
from bot.ports import ToolOutcome
from bot.toolbox.schema import FunctionAsTool

log = structlog.get_logger()

OUTPUT_LIMIT = 20_000
"""Characters of a tool's output that the model sees; about 5,000 tokens."""


async def call(
    called: FunctionAsTool, arguments: tuple[object, ...], named: dict[str, object], run_id: str
) -> ToolOutcome:
    """Call the function and turn whatever happens into an outcome."""
    name = called.definition.name
    limit = asyncio.timeout(called.declaration.timeout)
    try:
        async with limit:
            result = await _invoke(called.function, arguments, named)
        return ToolOutcome(CallState.DONE, _shown(result))
    except ToolError as error:
        return ToolOutcome(CallState.FAILED, _capped(str(error)))
    except Exception as error:  # a tool is the operator's code and may raise anything
        if limit.expired():
            return _broken_off(
                called, f"did not answer within {called.declaration.timeout:g} seconds and was given up."
            )
        log.exception("tool failed", tool=name, run_id=run_id)
        return _broken_off(called, f"failed with an internal error ({type(error).__name__}).")


def _broken_off(called: FunctionAsTool, what: str) -> ToolOutcome:
    """The outcome of a call that ended without saying what it did: of an effect `once`, nobody knows."""
    text = f"{called.definition.name} {what}"
    if called.declaration.effect is Effect.ONCE:
        return ToolOutcome(CallState.UNKNOWN, f"{text} Its outcome is unknown: check before you repeat it.")
    return ToolOutcome(CallState.FAILED, text)


async def _invoke(function: Callable[..., object], arguments: tuple[object, ...], named: dict[str, object]) -> object:
    if inspect.iscoroutinefunction(function):
        try:
            return cast("object", await function(*arguments, **named))
        except (SystemExit, KeyboardInterrupt) as error:
            raise _harmless(error) from error
    return await _in_thread(lambda: function(*arguments, **named))


def _harmless(error: BaseException) -> Exception:
    """An error that asyncio carries like any other: a tool must not be able to end the bot."""
    return error if isinstance(error, Exception) else RuntimeError(f"the tool raised {type(error).__name__}")


async def _in_thread(work: Callable[[], object]) -> object:
    """Run blocking work in a daemon thread of its own.

    Not the shared executor: a tool that never returns would take one of its few threads for ever, and the interpreter
    would wait for it at the exit.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[object] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: object, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(_harmless(error))

    def body() -> None:
        result: object = None
        error: BaseException | None = None
        try:
            result = context.run(work)
        except BaseException as raised:  # noqa: BLE001 - carried over to the awaiting task
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=body, daemon=True, name="tool").start()
    return await done


def _shown(result: object) -> str:
    if result is None:
        return "done"
    if isinstance(result, str):
        return _capped(result)
    return _capped(to_json(result, fallback=str).decode())


def _capped(text: str) -> str:
    if len(text) <= OUTPUT_LIMIT:
        return text
    return (
        f"{text[:OUTPUT_LIMIT]}\n[cut: the output has {len(text):,} characters, these are the first {OUTPUT_LIMIT:,}]"
    )
