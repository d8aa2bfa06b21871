"""Questions that come by a command, a menu or a form: committed first, then acknowledged, or refused to the person."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

import discord
import structlog

from adapters.discord.deadlines import FirstAnswer, time_left
from bot.errors import StoreUnavailable
from bot.relay.contract import Deleted, Inbound, Reception

log = structlog.get_logger()
T = TypeVar("T")

_NOT_ACCEPTED = "That did not get through, nothing was stored. Please try again."
_TOO_LATE = "That did not get through in time and will not be answered. Please try again."
_FIRST_PAUSE = 0.5
"""Seconds until a question is withdrawn again from a database that is away; doubled each time."""


class Questions:
    """Takes questions."""

    def __init__(self, reception: Reception, patience: float) -> None:
        """Hand them to `reception`; a question that came too late is withdrawn for so many seconds."""
        self._reception = reception
        self._patience = patience

    async def take(self, interaction: discord.Interaction, inbound: Inbound) -> None:
        """Accept a question, then say that it is being thought about. Nothing else is done before.

        Discord does not send it again, so the person is told at once when that fails or takes too long.
        """
        answer = FirstAnswer(interaction)
        async with begun(self._reception.receive(inbound)) as storing:
            in_time = await done_within(storing, time_left(interaction))
            if in_time:
                await self._acknowledge(answer, storing, inbound)
            else:
                storing.cancel()  # what has not begun to commit is rolled back; the rest is withdrawn below
                log.warning("interaction not accepted in time", interaction_id=interaction.id)
                await answer.say(_TOO_LATE)
        if not in_time and not answer.somebody_elses:
            await self._withdraw(inbound)

    async def _acknowledge(self, answer: FirstAnswer, storing: asyncio.Task[object], inbound: Inbound) -> None:
        try:
            await storing
        except StoreUnavailable as error:
            log.warning("interaction not accepted", key=inbound.event.known_as, reason=type(error).__name__)
            await answer.say(_NOT_ACCEPTED)
            return
        await answer.defer(thinking=True, ephemeral=inbound.event.address.private)

    async def _withdraw(self, inbound: Inbound) -> None:
        """What has committed after all is not answered: the person was told to try again."""
        until, pause = time.monotonic() + self._patience, _FIRST_PAUSE
        deleted = Deleted(keys=(inbound.event.known_as,))
        while True:
            try:
                await self._reception.deleted(deleted)
                return
            except StoreUnavailable as error:
                if time.monotonic() + pause > until:
                    log.exception("question not withdrawn; it may be answered twice", key=inbound.event.known_as)
                    return
                log.warning("withdrawal waits for the database", key=inbound.event.known_as, error=str(error))
            await asyncio.sleep(pause)
            pause *= 2


@asynccontextmanager
async def begun(work: Coroutine[object, object, T]) -> AsyncGenerator[asyncio.Task[T]]:
    """Work that goes on beside us until we have no use for it any more; then it is ended, and its end awaited."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def done_within(work: asyncio.Task[T], seconds: float) -> bool:
    """Whether it is done, one way or the other, in that time."""
    done, _ = await asyncio.wait({work}, timeout=seconds)
    return bool(done)
