"""The chat messages of one answer. Posting one is a recorded step, so that nobody ever sees an answer twice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.domain.deliveries import Segment, SegmentState
from bot.errors import Forbidden, Gone, ParleyError, PlatformError, RateLimited, Refused, Unauthorised, Unreachable
from bot.ports import Store
from bot.relay.chat import Chat
from bot.relay.contract import Outbound, Posted, Terms
from bot.relay.errand import Errand
from bot.relay.policy import RelayPolicy

log = structlog.get_logger()

WITHDRAWN = "…"
"""Stands in a message whose text moved to an earlier one."""
_CLOCKS_DIFFER = 24 * 3600.0
"""Seconds by which a platform's clock may be behind ours. Generous: a key fits only one message."""
_BACKOFF = 0.5
_UNTOLD: dict[str, object] = {"settled": 0, "complete": False}
"""What matters only where messages can do nothing but grow."""


class FilesRefused(ParleyError):
    """The platform does not take the files of an answer."""


class _Lost(Exception):
    """A message cannot be edited any more and was given up."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The message at the end of an answer, or the one that is to be posted next."""

    grows: bool
    """It can only be appended to."""
    overdue: float | None = None
    """Seconds for which it has been better to leave it for a new one, negative before; None when that does not come."""


@dataclass(slots=True)
class _Slot:
    """One message that exists, or may exist, in the chat."""

    segment: Segment
    shown: Outbound | None = None
    """What it shows; None when this process does not know."""
    uncertain: bool = False
    """A create may have taken effect: look before creating again."""
    terms: Terms | None = None
    """What holds for its edits; None means what holds at the address."""
    born: float | None = None
    """When it was posted, on the monotonic clock of this process; None when another one did it."""


class Segments:
    """Brings a list of texts into the chat, by as few requests as possible."""

    def __init__(self, store: Store, errand: Errand, chat: Chat, policy: RelayPolicy) -> None:
        """Write the answer of `errand` into `chat`."""
        self._store = store
        self._errand = errand
        self._chat = chat
        self._policy = policy
        self._slots: list[_Slot] = []

    async def load(self) -> None:
        """Take over the messages that an earlier process posted, or may have posted."""
        for segment in await self._store.deliveries.segments(self._errand.run_id):
            if segment.state is not SegmentState.ABANDONED:
                self._slots.append(_Slot(segment, uncertain=segment.state is SegmentState.STARTED))

    @property
    def live(self) -> int:
        """How many messages there are."""
        return len(self._slots)

    @property
    def newest(self) -> Newest:
        """What the answer's text goes on in."""
        slot = self._slots[-1] if self._slots else None
        if slot is None or (slot.shown is not None and slot.shown.complete):
            return Newest(grows=self._chat.terms.life is not None)
        life = self._terms(slot).life
        if life is None or slot.born is None:
            return Newest(grows=life is not None)
        over = self._chat.clock.monotonic() - slot.born - life
        return Newest(grows=True, overdue=math.inf if life <= 0 else over)

    def _terms(self, slot: _Slot) -> Terms:
        return slot.terms or self._chat.terms

    async def show(self, wanted: Sequence[Outbound], *, tries: int) -> None:
        """Let the chat show exactly `wanted`, in this order; the last request is for the last of them.

        A message that was deleted is given up, and what it showed moves on into a new one.

        Args:
            wanted: the messages.
            tries: how often each edit is tried. Creating is always tried `RelayPolicy.attempts` times, since one in
                doubt is in the way of everything else.

        Raises:
            Gone: nothing can be posted at this address any more.
            Forbidden: likewise.
            Refused: the text is not accepted; it may be too long.
            FilesRefused: only the files are not accepted.
            PlatformError: it did not work for now.
            Fenced: somebody else has the lane.
        """
        for _ in range(len(self._slots) + 3):
            try:
                for slot in self._slots[len(wanted) :]:
                    await self._withdraw(slot, tries)
                for place, outbound in enumerate(wanted):
                    await self._settle(await self._slot(place), outbound, tries)
                return
            except _Lost:
                continue
        raise Gone("Messages at this address vanish as soon as they are posted.")

    async def _slot(self, place: int) -> _Slot:
        if place == len(self._slots):
            segment = await self._store.deliveries.begin_segment(self._errand.lease, self._errand.run_id)
            self._slots.append(_Slot(segment))
        return self._slots[place]

    async def _settle(self, slot: _Slot, outbound: Outbound, tries: int) -> None:
        if slot.segment.state is SegmentState.STARTED:
            bare = outbound.model_copy(update={"files": (), "final": outbound.final and not outbound.files})
            await self._create(slot, bare)
        if slot.shown is None or self._differs(slot, slot.shown, outbound):
            await self._edit(slot, outbound, tries)

    def _differs(self, slot: _Slot, shown: Outbound, wanted: Outbound) -> bool:
        """Whether there is anything to tell the platform.

        Where messages only grow, what is not settled is nothing; elsewhere it is nothing whether something is settled.
        """
        if self._terms(slot).life is None:
            return shown.model_copy(update=_UNTOLD) != wanted.model_copy(update=_UNTOLD)
        if wanted.complete or shown.complete:
            return shown != wanted
        stands = wanted.text[: wanted.settled]
        return (shown.text[: shown.settled], shown.tasks) != (stands, wanted.tasks)

    async def _withdraw(self, slot: _Slot, tries: int) -> None:
        """Empty a message that is not needed any more; one that was never created need not be."""
        if slot.segment.state is SegmentState.STARTED and not await self._adopt(slot):
            await self._give_up(slot)
            return
        await self._settle(slot, Outbound(text=WITHDRAWN, complete=True, continuation=True), tries)

    async def _give_up(self, slot: _Slot) -> None:
        await self._store.deliveries.abandon_segment(self._errand.lease, slot.segment)
        self._slots.remove(slot)

    # --- creating

    async def _create(self, slot: _Slot, outbound: Outbound) -> None:
        error: PlatformError | None = None
        for _ in range(self._policy.attempts):
            try:
                if not await self._adopt(slot):
                    await self._post(slot, outbound)
                return
            except Unreachable as unreachable:
                error = unreachable
                await self._chat.clock.sleep(_BACKOFF)
            except RateLimited as limited:
                error = limited
        raise error or Unreachable

    async def _post(self, slot: _Slot, outbound: Outbound) -> None:
        """Create the message. Whatever breaks off from here until it is on record, it has to be looked up."""
        before, slot.uncertain = slot.uncertain, True
        try:
            posted = await self._chat.post(outbound, slot.segment.key)
        except (RateLimited, Refused, Forbidden, Gone, Unauthorised):  # a clear no: this try created nothing
            slot.uncertain = before
            raise
        slot.shown = outbound
        await self._record(slot, posted)

    async def _adopt(self, slot: _Slot) -> bool:
        """Take over the message that an earlier try may have created. Returns whether it did."""
        found = await self._look_up(slot) if slot.uncertain else None
        if found is None:
            return False
        await self._record(slot, found)
        return True

    async def _record(self, slot: _Slot, posted: Posted) -> None:
        if posted.conversation:  # before the step is done, so that a crash in between repeats both
            await self._store.intake.join(posted.conversation, self._errand.run.thread_id)
        slot.terms, slot.born = posted.terms, self._chat.clock.monotonic()
        slot.segment = await self._store.deliveries.posted(self._errand.lease, slot.segment, posted.ref)
        slot.uncertain = False

    async def _look_up(self, slot: _Slot) -> Posted | None:
        """Look twice: a message can become visible a moment after its post broke off."""
        since = self._errand.delivery.created_at - _CLOCKS_DIFFER
        known = [other.segment.ref for other in self._slots if other is not slot and other.segment.ref]
        found = await self._chat.find(slot.segment.key, since, known)
        if found is None:
            await self._chat.clock.sleep(self._policy.second_look)
            found = await self._chat.find(slot.segment.key, since, known)
        log.info("segment looked up", run_id=self._errand.run_id, key=slot.segment.key, found=found is not None)
        return found

    # --- editing

    async def _edit(self, slot: _Slot, outbound: Outbound, tries: int) -> None:
        error: PlatformError | None = None
        for attempt in range(tries):
            try:
                slot.terms = await self._chat.edit(slot.segment.ref, outbound, self._terms(slot))
                slot.shown = outbound
                return
            except RateLimited as limited:
                error = limited
            except Unreachable as unreachable:  # an edit carries the whole text: repeating it is harmless
                error = unreachable
                slot.shown = None
                await self._chat.clock.sleep(_BACKOFF * 2**attempt)
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
        log.info("segment lost", run_id=self._errand.run_id, key=slot.segment.key, reason=type(refusal).__name__)
        await self._give_up(slot)
        raise _Lost from refusal
