"""Showing an answer while it is being made: decoration, which must never hold up or hurt the run."""

import asyncio

import structlog

from bot.errors import Forbidden, Gone, PlatformError, Refused, StoppedByPerson, StoreUnavailable
from bot.relay.answer import Answer
from bot.relay.chat import Chat
from bot.relay.governor import ENOUGH
from bot.relay.policy import RelayPolicy
from bot.relay.segments import Segments
from bot.relay.text.composer import Growth

log = structlog.get_logger()

_LOOK_AGAIN = 0.1


class Interim:
    """Shows the newest text whenever the governor allows it; many changes are one edit."""

    def __init__(self, answer: Answer, segments: Segments, chat: Chat, policy: RelayPolicy) -> None:
        """Show `answer` in `segments`, at the pace of `chat`."""
        self._answer = answer
        self._segments = segments
        self._chat = chat
        self._policy = policy
        self._changed = asyncio.Event()
        self._showing = asyncio.Lock()
        self._begun = False
        self._failures = 0
        self._homeless = False
        self._held = False
        self._nudged = False
        """It was tried to leave the newest message since something was new."""
        self._shown_length = 0
        self._shown_steps: tuple[object, ...] = ()
        self.stopped = False
        """Nothing will be shown any more."""

    def changed(self) -> None:
        """Tell that there is something new to show."""
        self._held = self._nudged = False
        self._changed.set()

    async def hold(self) -> None:
        """Show nothing before the next `changed`. Returns when what is being shown is shown."""
        self._held = True
        async with self._showing:
            pass

    async def stop(self) -> None:
        """Show nothing from now on. Returns when what is being shown is shown."""
        self.stopped = True
        async with self._showing:
            pass

    async def keep(self) -> None:
        """Show what is new until it is stopped, or until that failed too often.

        Raises:
            Fenced: somebody else has the lane.
        """
        if self._chat.quiet:
            await self._replace_question()
            return
        while not (self.stopped or self._homeless or self._failures >= self._policy.strikes):
            await self._something_to_do()
            self._changed.clear()
            if not self._held and await self._worth_showing():
                if self._begun:
                    await self._chat.stream.due(self._news)
                await self._show_newest()

    async def _something_to_do(self) -> None:
        """Wait for news, or until the newest message has to be left although there is none."""
        overdue = self._segments.newest.overdue
        if overdue is None or self._nudged:
            await self._changed.wait()
            return
        left = max(0.0, self._policy.leaving_grace - overdue)
        waiting = [asyncio.create_task(self._changed.wait()), asyncio.create_task(self._chat.clock.sleep(left))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        self._nudged = not self._changed.is_set()

    def _news(self) -> int:
        """How many characters are new, or `ENOUGH` when a step has changed or the newest message is to be left."""
        overdue = self._segments.newest.overdue
        if self._answer.steps != self._shown_steps or (overdue is not None and overdue >= 0):
            return ENOUGH
        return abs(len(self._answer.text) - self._shown_length)

    async def _replace_question(self) -> None:
        """All that is shown of an answer that comes at once: a question goes with its buttons when it is answered."""
        if self._segments.live and self._answer.decided and self._chat.terms.interim:
            await self._show_newest()

    async def end_homeless(self, error: Gone | Forbidden) -> None:
        """Stop the run, because nobody will ever see its answer: the place is gone, or closed to us."""
        log.warning("run stopped, no place for its answer", run_id=self._answer.run_id, reason=type(error).__name__)
        await self._cancel()

    async def _cancel(self) -> None:
        run_id = self._answer.run_id
        try:
            await self._chat.control.cancel(run_id)
        except StoreUnavailable as trouble:  # it goes on to its end then, which is not shown either
            log.warning("run not stopped", run_id=run_id, error=str(trouble))

    @property
    def _growth(self) -> Growth | None:
        """How the newest message goes on, where messages only grow."""
        newest = self._segments.newest
        if not newest.grows:
            return None
        if newest.overdue is None or newest.overdue < 0:
            return Growth()
        return Growth(leave="now" if newest.overdue >= self._policy.leaving_grace else "soon")

    @property
    def _quiet(self) -> bool:
        return self.stopped or self._held

    async def _worth_showing(self) -> bool:
        """Whether there is enough for a first message: its arrival notifies people, so it has to say something."""
        policy, clock = self._policy, self._chat.clock
        patience_ends = clock.monotonic() + policy.first_seconds
        while self._segments.live == 0:
            text = self._answer.text
            if not text.strip():
                return False
            enough = len(text) >= policy.first_characters or "\n" in text.strip(" ")
            if enough or clock.monotonic() >= patience_ends:
                break
            await clock.sleep(_LOOK_AGAIN)
        return True

    async def _show_newest(self) -> None:
        async with self._showing:
            if self._quiet:
                return
            length, steps = len(self._answer.text), self._answer.steps
            wanted = await self._answer.running(self._segments.live, self._growth)
            if self._quiet or not wanted:  # while it was composed; the end is shown instead
                return
            self._begun = True
            try:
                await self._segments.show(wanted, tries=1)
                self._shown_length, self._shown_steps = length, steps
                return
            except StoppedByPerson:
                log.info("run stopped at its platform", run_id=self._answer.run_id)
                await self._cancel()
            except (Gone, Forbidden) as error:
                self._homeless = True
                await self.end_homeless(error)
            except Refused as error:
                if not (error.too_long and self._answer.shrink()):
                    self._failures += 1
            except (PlatformError, StoreUnavailable) as error:
                self._failures += 1
                log.info("interim edit failed", run_id=self._answer.run_id, error=type(error).__name__)
            self._changed.set()
