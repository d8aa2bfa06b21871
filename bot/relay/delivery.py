"""Delivering the end of an answer: the one thing about it that must succeed."""

import structlog

from bot.domain.deliveries import DeliveryState
from bot.domain.runs import Run
from bot.errors import Forbidden, Gone, Refused
from bot.ports import Store
from bot.relay.answer import Answer
from bot.relay.chat import Chat
from bot.relay.contract import OutboundFile
from bot.relay.policy import RelayPolicy
from bot.relay.produced import Produced, Room, produced_files
from bot.relay.segments import FilesRefused, Segments

log = structlog.get_logger()

_SHRINKS = 4
"""How often an answer is split smaller because the platform finds it too long."""


class Conclusion:
    """Shows a whole answer in the best form that the platform takes."""

    def __init__(self, store: Store, answer: Answer, segments: Segments, chat: Chat, policy: RelayPolicy) -> None:
        """Show `answer` in `segments` of `chat`."""
        self._store = store
        self._answer = answer
        self._segments = segments
        self._chat = chat
        self._policy = policy

    async def deliver(self, run: Run) -> DeliveryState:
        """Show the end of `run`. Returns what became of it.

        Raises:
            PlatformError: it could not be shown now.
            Fenced: somebody else has the lane.
        """
        try:
            if not await self._show_whole(run):
                log.error("answer refused by the platform", run_id=run.id)
                await self._segments.show(self._answer.apology(), tries=self._policy.attempts)
        except (Gone, Forbidden, Refused) as error:
            # no adapter offers another place to reach the person, so the operator has to hear of it
            log.warning(
                "answer abandoned",
                run_id=run.id,
                platform=self._chat.capabilities.platform,
                reason=type(error).__name__,
                messages=self._segments.live,
            )
            return DeliveryState.ABANDONED
        return DeliveryState.DELIVERED

    async def _show_whole(self, run: Run) -> bool:
        """Try it without files, and in smaller messages, before giving up. Returns whether it is shown."""
        produced = await self._produced(run)
        files: tuple[OutboundFile, ...] | None = produced.files
        for _ in range(_SHRINKS):
            wanted = await self._answer.ended(run, self._segments.live, files, produced.left_out)
            try:
                await self._segments.show(wanted, tries=self._policy.attempts)
                return True
            except FilesRefused:
                files = None
            except Refused as error:
                if not (error.too_long and self._answer.shrink()):
                    return False
        return False

    async def _produced(self, run: Run) -> Produced:
        """The files that come along. One place stays free for the whole answer as a file."""
        if not self._chat.capabilities.files_out:
            return Produced()
        room = Room.at(self._chat.capabilities, self._chat.terms, self._policy.max_files - 1)
        return await produced_files(self._store, run.id, room)
