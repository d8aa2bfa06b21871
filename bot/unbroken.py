"""Carrying something through although somebody wants to be gone: half an end is worse than a late one."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Do it all, however often one is cancelled meanwhile. That work has an end in sight is up to the caller.

    Raises:
        CancelledError: we were cancelled; passed on when the work is through, with the work's own failure as its cause.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:  # raised again below
            cancelled = error
    if cancelled is not None:
        raise cancelled from (None if task.cancelled() else task.exception())
    return task.result()
