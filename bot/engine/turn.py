"""One model turn: ask, pass the text on as it comes, keep what a crash must not lose."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from bot.domain.events import MessageCreated
from bot.domain.turns import ModelEvent, ModelRequest, Turn, TurnResult
from bot.engine.broadcast import Broadcast
from bot.engine.draft import Draft
from bot.engine.interrupt import Interrupt
from bot.engine.limits import EngineLimits
from bot.errors import BrokenStream, ModelUnavailable
from bot.ports import Clock, ModelClient, Runs


class TurnWriter:
    """Writes one turn's message while the model speaks.

    Args:
        runs: where the turn is recorded.
        broadcast: the run, its lease and its listeners.
        interrupt: Stop and expiry.
        clock: paces the checkpoints.
        limits: caps of a turn.
        turn: the turn, as begun.
    """

    def __init__(
        self, runs: Runs, broadcast: Broadcast, interrupt: Interrupt, clock: Clock, limits: EngineLimits, turn: Turn
    ) -> None:
        self._runs = runs
        self._broadcast = broadcast
        self._interrupt = interrupt
        self._clock = clock
        self._limits = limits
        self._draft = Draft(limits)
        self._kept_at = clock.monotonic()
        self.turn = turn

    @property
    def words(self) -> str:
        """The answer or refusal so far."""
        return self._draft.words

    async def listen(self, model: ModelClient, request: ModelRequest) -> TurnResult:
        """Ask the model and pass its text on.

        Raises:
            Interrupted: the run was stopped or has expired; `words` is what came until then.
            ModelUnavailable: no answer began, however often the client asked.
            ModelError: the turn failed or broke off.
        """
        heard = False
        try:
            async with self._interrupt.watch(), closing(model.stream(request)) as events:
                async for event in events:
                    heard = True
                    if shown := self._draft.take(event):
                        await self._show(shown)
                    self._interrupt.check()
                    if self._draft.finish is not None:
                        break
            return self._draft.result(request)
        except BrokenStream as error:
            if heard:
                raise
            raise ModelUnavailable from error  # the client has asked again already

    async def _show(self, text: str) -> None:
        message_id = self._broadcast.message_id or await self._begin_message()
        self._broadcast.delta(message_id, text)
        now = self._clock.monotonic()
        if now - self._kept_at >= self._limits.checkpoint:
            self._kept_at = now
            await self._runs.checkpoint(self._broadcast.lease, message_id, self.words)

    async def _begin_message(self) -> str:
        events = await self._broadcast.record(self._runs.begin_message(self._broadcast.lease, self.turn))
        self._kept_at = self._clock.monotonic()
        return next(event.message.id for event in events if isinstance(event, MessageCreated))


@asynccontextmanager
async def closing(stream: AsyncIterator[ModelEvent]) -> AsyncGenerator[AsyncIterator[ModelEvent]]:
    """Close a model stream that is left before its end, so that the connection goes back at once."""
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
