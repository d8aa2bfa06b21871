"""The chat messages of one answer. Posting one is a recorded step, so that nobody ever sees an answer twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.domain.deliveries import Segment, SegmentState
from bot.errors import Forbidden, Gone, ParleyError, PlatformError, RateLimited, Refused, Unreachable
from bot.relay.contract import Outbound, Posted, RateSignal
from bot.relay.desk import Desk
from bot.relay.governor import Stream

log = structlog.get_logger()

WITHDRAWN = "…"
"""Stands in a message whose text moved to an earlier one."""
_CLOCKS_DIFFER = 60.0
"""Seconds by which a platform's clock may be behind ours."""
_BACKOFF = 0.5


class FilesRefused(ParleyError):
    """The platform does not take the files of an answer."""


class _Lost(Exception):
    """A message cannot be edited any more and was given up."""


@dataclass(slots=True)
class _Slot:
    """One message that exists, or may exist, in the chat."""

    segment: Segment
    shown: Outbound | None = None
    """What it shows; None when this process does not know."""
    uncertain: bool = False
    """A create may have taken effect: look before creating again."""


class Segments:
    """Brings a list of texts into the chat, by as few requests as possible."""

    def __init__(self, desk: Desk, stream: Stream) -> None:
        """Write what `desk` is about, at the pace of `stream`."""
        self._store = desk.store
        self._adapter = desk.adapter
        self._governor = desk.governor
        self._stream = stream
        self._delivery = desk.delivery
        self._thread_id = desk.run.thread_id
        self._lease = desk.lease
        self._clock = desk.clock
        self._policy = desk.policy
        self._slots: list[_Slot] = []
        self._prepaid = False
        self.loaded = False

    async def load(self) -> None:
        """Take over the messages that an earlier process posted, or may have posted."""
        for segment in await self._store.deliveries.segments(self._delivery.run_id):
            if segment.state is not SegmentState.ABANDONED:
                self._slots.append(_Slot(segment, uncertain=segment.state is SegmentState.STARTED))
        self.loaded = True

    @property
    def live(self) -> int:
        """How many messages there are."""
        return len(self._slots)

    async def show(self, wanted: Sequence[Outbound], *, final: bool) -> None:
        """Let the chat show exactly `wanted`, in this order.

        An interim call has already waited for its turn with the governor and gives up at the first failure; a final one
        tries again. A message that was deleted is given up, and what it showed moves on into a new one.

        Raises:
            Gone: nothing can be posted at this address any more.
            Forbidden: likewise.
            Refused: the text is not accepted; it may be too long.
            FilesRefused: only the files are not accepted.
            PlatformError: it did not work for now.
            Fenced: somebody else has the lane.
        """
        self._prepaid = not final
        for _ in range(len(self._slots) + 3):
            try:
                for place, outbound in enumerate(wanted):
                    await self._show(place, outbound, final=final)
                for slot in self._slots[len(wanted) :]:
                    await self._settle(slot, Outbound(text=WITHDRAWN), final=final)
                return
            except _Lost:
                continue
        raise Gone("Messages at this address vanish as soon as they are posted.")

    async def _show(self, place: int, outbound: Outbound, *, final: bool) -> None:
        if place == len(self._slots):
            segment = await self._store.deliveries.begin_segment(self._lease, self._delivery.run_id)
            self._slots.append(_Slot(segment))
        await self._settle(self._slots[place], outbound, final=final)

    async def _settle(self, slot: _Slot, outbound: Outbound, *, final: bool) -> None:
        if slot.segment.state is SegmentState.STARTED:
            await self._create(slot, outbound.model_copy(update={"files": ()}))
        if slot.shown != outbound:
            await self._edit(slot, outbound, final=final)

    # --- creating

    async def _create(self, slot: _Slot, outbound: Outbound) -> None:
        error: PlatformError | None = None
        for _ in range(self._policy.attempts):
            try:
                posted = await self._look_up(slot) if slot.uncertain else None
                if posted is None:
                    posted = await self._post(slot, outbound)
                    slot.shown = outbound
                break
            except Unreachable as unreachable:
                slot.uncertain = True
                error = unreachable
                await self._clock.sleep(_BACKOFF)
            except RateLimited as limited:
                self._told_to_wait(limited)
                error = limited
        else:
            raise error or Unreachable
        if posted.conversation:  # before the step is done, so that a crash in between repeats both
            await self._store.intake.join(posted.conversation, self._thread_id)
        slot.segment = await self._store.deliveries.posted(self._lease, slot.segment, posted.ref)
        slot.uncertain = False

    async def _post(self, slot: _Slot, outbound: Outbound) -> Posted:
        await self._turn()
        return await self._adapter.post(self._delivery.address, outbound, slot.segment.key)

    async def _look_up(self, slot: _Slot) -> Posted | None:
        """Look twice: a message can become visible a moment after its post broke off."""
        since = self._delivery.created_at - _CLOCKS_DIFFER
        found = await self._adapter.find(self._delivery.address, slot.segment.key, since)
        if found is None:
            await self._clock.sleep(self._policy.second_look)
            found = await self._adapter.find(self._delivery.address, slot.segment.key, since)
        log.info("segment looked up", run_id=self._delivery.run_id, key=slot.segment.key, found=found is not None)
        return found

    # --- editing

    async def _edit(self, slot: _Slot, outbound: Outbound, *, final: bool) -> None:
        error: PlatformError | None = None
        for attempt in range(self._policy.attempts if final else 1):
            await self._turn()
            began = self._clock.monotonic()
            try:
                await self._adapter.edit(self._delivery.address, slot.segment.ref, outbound)
                slot.shown = outbound
                self._stream.returned(self._clock.monotonic() - began)
                return
            except RateLimited as limited:
                self._told_to_wait(limited)
                error = limited
            except Unreachable as unreachable:  # an edit carries the whole text: repeating it is harmless
                error = unreachable
                slot.shown = None
                await self._clock.sleep(_BACKOFF * 2**attempt)
            except (Gone, Forbidden, Refused) as refusal:
                await self._refused(slot, outbound, refusal)
        raise error or Unreachable

    async def _refused(self, slot: _Slot, outbound: Outbound, refusal: Gone | Forbidden | Refused) -> None:
        """Decide what an edit that will never work means.

        Raises:
            _Lost: the message is given up.
            FilesRefused: without its files it may work.
            Refused: the text is the reason.
        """
        if outbound.files and not isinstance(refusal, Gone) and not (isinstance(refusal, Refused) and refusal.too_long):
            raise FilesRefused from refusal
        if isinstance(refusal, Refused):
            raise refusal
        log.info("segment lost", run_id=self._delivery.run_id, key=slot.segment.key, reason=type(refusal).__name__)
        await self._store.deliveries.abandon_segment(self._lease, slot.segment)
        self._slots.remove(slot)
        raise _Lost from refusal

    # --- pace

    async def _turn(self) -> None:
        if self._prepaid:
            self._prepaid = False
        else:
            await self._stream.final()

    def _told_to_wait(self, limited: RateLimited) -> None:
        bucket = self._adapter.bucket(self._delivery.address)
        self._governor.signal(RateSignal(bucket=bucket, retry_after=limited.retry_after))
