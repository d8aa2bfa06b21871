"""Waiting only so long for what does not end when it is told to.

The store never tears a transaction apart: a call that is cancelled ends when the database has answered, and a database
that hangs does not. A process that has to end, or has lost its lease, leaves such a call behind.
"""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

_left_behind: set[asyncio.Task[Any]] = set()
"""Held until they end: the event loop alone would let them be collected in the middle."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; it is broken off, whether it ends or not, after so long and when we are cancelled.

    Raises:
        TimeoutError: it took too long.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            _leave_behind(task)
    if not task.done():
        raise TimeoutError
    return task.result()


async def settle(tasks: Collection[asyncio.Task[Any]], seconds: float | None) -> None:
    """Cancel tasks and wait for their end, at most so long; how they end does not matter any more."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    hanging = [task for task in tasks if not task.done()]
    if hanging:
        log.warning("left behind", tasks=[task.get_name() for task in hanging])
    for task in tasks:
        _leave_behind(task)


def _leave_behind(task: asyncio.Task[Any]) -> None:
    task.cancel()
    _left_behind.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _left_behind.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not report it as forgotten
