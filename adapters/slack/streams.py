"""Native streams: messages that grow before the eyes of the person who asked.

Only what stands is ever appended (`Outbound.settled`). Whenever it is not certain what Slack has of a message, it is
never appended to again: its stream is stopped, and the whole text replaces what is there.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from adapters.slack.blocks import Json, below
from adapters.slack.errors import word_of
from adapters.slack.markup import without_links
from adapters.slack.modes import Modes, edited, left
from adapters.slack.places import Place, Ref, metadata
from adapters.slack.steps import cards, changed, ended, weight
from adapters.slack.stream_calls import SessionStatus, StreamCalls
from bot.errors import Forbidden, RateLimited, Refused, StoppedByPerson
from bot.relay.contract import Outbound, Terms

log = structlog.get_logger()

MOST_BYTES = 10_500
"""Of a message, its steps counted twice (reported: Slack takes 10,600 to 12,000)."""
NO_STREAMS = frozenset({"unknown_method", "feature_not_enabled", "method_deprecated", "channel_type_not_supported"})
ENDED = "message_not_in_streaming_state"
BY_USER = "stopped_by_user"
BAD_CHUNKS = "invalid_chunks"
TOO_LONG = "msg_too_long"
_KEPT = 2_000
"""Messages of which this process remembers that their stream has ended."""
_PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class Growing:
    """What Slack certainly has of an open stream."""

    sent: str = ""
    steps: Mapping[str, Json] = field(default_factory=dict[str, Json])

    def rest(self, text: str) -> str | None:
        """What follows in `text`; None when it does not begin with what was sent. White space at the end is nothing."""
        if text.startswith(self.sent):
            return text[len(self.sent) :]
        return "" if self.sent.startswith(text) and self.sent[len(text) :].isspace() else None

    def has_room(self, more: str, steps: Mapping[str, Json]) -> bool:
        """Whether it may grow by so much."""
        return len((self.sent + more).encode()) + weight({**self.steps, **steps}.values()) <= MOST_BYTES


@dataclass(frozen=True, slots=True)
class Extended:
    """What became of a message."""

    terms: Terms | None = None
    """What holds for it from now on, when that has changed."""
    whole: bool = False
    """Its stream has ended without showing what it should: the whole text has to replace it."""


class Streams:
    """The streams of a workspace that this process has begun."""

    def __init__(self, calls: StreamCalls, modes: Modes) -> None:
        """Ask `modes` what is wanted and possible, and tell it what Slack does not take."""
        self._calls = calls
        self._modes = modes
        self._growing: dict[tuple[str, str], Growing] = {}
        self._ended: OrderedDict[tuple[str, str], None] = OrderedDict()

    # --- beginning

    async def start(self, place: Place, outbound: Outbound, key: str) -> Ref | None:
        """Create a message that grows. None when it has to be posted instead; then nothing was created.

        Raises:
            Unreachable: it may or may not have been created.
            PlatformError: nothing can be posted there.
        """
        outbound = _linkless(outbound)
        text = _standing(outbound, "")
        if outbound.complete or not text.strip() or not self._modes.streams(place):
            return None
        steps = cards(outbound.tasks) if self._modes.takes_steps(place) else {}
        try:
            sent = await self._calls.start(_where(place), _content(text, list(steps.values())))
        except RateLimited as limited:
            self._modes.starts_limited(limited.retry_after)
            return None
        except Refused as refusal:
            return await self._started_otherwise(place, outbound, key, refusal, steps)
        self._growing[sent.channel, sent.ts] = Growing(text, steps)
        return Ref(channel=sent.channel, ts=sent.ts, stream=key)

    async def _started_otherwise(
        self, place: Place, outbound: Outbound, key: str, refusal: Refused, steps: Mapping[str, Json]
    ) -> Ref | None:
        """Learn from a refused start, and try it without steps when they are the reason."""
        word = word_of(refusal)
        if word in NO_STREAMS:
            self._modes.give_up(word)
        elif word == BAD_CHUNKS and steps:
            self._modes.text_only(place)
            return await self.start(place, outbound, key)
        else:  # the recipient is missing, or something that nobody has foreseen
            self._modes.edit_answer(place, word)
        return None

    # --- going on

    async def extend(self, place: Place, ref: Ref, outbound: Outbound) -> Extended:
        """Let a message that was begun as a stream show what it should, by appending if that is certain to do it.

        Raises:
            StoppedByPerson: somebody has stopped it.
            Unreachable: nobody knows what Slack has of it now; the next call deals with that.
            PlatformError: nothing has changed.
        """
        outbound = _linkless(outbound)
        growing = self._growing.pop((ref.channel, ref.ts), None)  # until Slack has answered nobody knows what it has
        if growing is None:
            await self._close(ref)
            return Extended(edited(place), whole=True)
        rest = growing.rest(outbound.text)
        if rest is None:
            await self._close(ref)
            return Extended(edited(place), whole=True)
        try:
            if outbound.complete:
                return await self._stop(place, ref, outbound, growing, rest)
            return await self._append(place, ref, outbound, growing)
        except RateLimited:
            self._growing[ref.channel, ref.ts] = growing
            raise

    async def _append(self, place: Place, ref: Ref, outbound: Outbound, growing: Growing) -> Extended:
        more = _standing(outbound, growing.sent)
        steps = cards(outbound.tasks) if self._modes.takes_steps(place) else {}
        news = changed(steps, growing.steps)
        if not growing.has_room(more, steps):
            await self._close(ref)
            return Extended(left(place), whole=True)
        if more or news:
            try:
                await self._calls.append(ref.channel, ref.ts, _content(more, news))
            except (Refused, Forbidden) as refusal:
                return await self._not_appended(place, ref, outbound, growing, word_of(refusal))
        self._growing[ref.channel, ref.ts] = Growing(growing.sent + more, {**growing.steps, **steps})
        return Extended()

    async def _not_appended(self, place: Place, ref: Ref, outbound: Outbound, growing: Growing, word: str) -> Extended:
        """Nothing was added: decide how the message goes on."""
        log.info("slack stream not appended", channel=ref.channel, ts=ref.ts, error=word)
        if word == BY_USER:
            self._remember_ended(ref)
            raise StoppedByPerson
        if word == BAD_CHUNKS and self._modes.takes_steps(place):
            self._modes.text_only(place)
            return await self._append(place, ref, outbound, growing)
        if word == ENDED:
            self._remember_ended(ref)
            return Extended(left(place), whole=True)
        if word in NO_STREAMS:
            self._modes.give_up(word)
        await self._close(ref)
        return Extended(left(place) if word == TOO_LONG else edited(place), whole=True)

    # --- ending

    async def _stop(self, place: Place, ref: Ref, outbound: Outbound, growing: Growing, rest: str) -> Extended:
        """Add the rest, what stands below it, and the end; in one request."""
        steps = ended(growing.steps, outbound) if self._modes.takes_steps(place) else {}
        blocks, news = below(outbound), changed(steps, growing.steps)
        if not growing.has_room(rest, steps) or (blocks and rest and not self._modes.takes_steps(place)):
            await self._close(ref)
            return Extended(edited(place), whole=True)
        content: Json = {**_content(rest, news, chunks=bool(blocks)), **metadata(ref.stream or "")}
        if blocks:
            content["blocks"] = blocks
        if (status := session_of(outbound)) is not None:
            content["session_status"] = status
        try:
            await self._calls.stop(ref.channel, ref.ts, content)
        except (Refused, Forbidden) as refusal:
            log.info("slack stream not stopped", channel=ref.channel, ts=ref.ts, error=word_of(refusal))
            if word_of(refusal) not in (ENDED, BY_USER):
                await self._close(ref)
            self._remember_ended(ref)
            return Extended(edited(place), whole=True)
        self._remember_ended(ref)
        return Extended(edited(place))

    async def _close(self, ref: Ref) -> None:
        """End a stream of which nobody knows what it shows, so that its message can be edited."""
        if (ref.channel, ref.ts) in self._ended:
            return
        try:
            await self._calls.stop(ref.channel, ref.ts, metadata(ref.stream or ""))
        except (Refused, Forbidden) as refusal:  # it had ended
            log.debug("slack stream had ended", channel=ref.channel, ts=ref.ts, error=word_of(refusal))
        self._remember_ended(ref)

    def _remember_ended(self, ref: Ref) -> None:
        self._ended[ref.channel, ref.ts] = None
        if len(self._ended) > _KEPT:
            self._ended.popitem(last=False)

    def doubt(self, ref: Ref) -> None:
        """A message whose stream counted as ended may be streaming after all."""
        self._ended.pop((ref.channel, ref.ts), None)


def session_of(outbound: Outbound) -> SessionStatus | None:
    """What the session is about with this message; None when that does not change."""
    if outbound.final:
        return "active"
    return "suspended" if outbound.asking else None


def _linkless(outbound: Outbound) -> Outbound:
    """The same with web addresses as code: Slack loads previews for streams, and has no argument against it."""
    text, stands = without_links(outbound.text), without_links(outbound.text[: outbound.settled])
    settled = len(stands) if text.startswith(stands) else 0
    return outbound.model_copy(update={"text": text, "settled": settled})


def _standing(outbound: Outbound, sent: str) -> str:
    """What can be added to what was sent: it ends where a word begins, since white space at a seam could get lost.

    When all of the text stands although the message is not complete, what follows begins a new paragraph.
    """
    text, end = outbound.text, outbound.settled
    if end >= len(text):
        more = text[len(sent) :]
        return more + _PARAGRAPH if more.strip() else ""
    while end > len(sent) and text[end].isspace():
        end -= 1
    return text[len(sent) : max(end, len(sent))]


def _content(text: str, steps: Sequence[Json], *, chunks: bool = False) -> Json:
    """Text and cards: those of steps that have ended before the text, the others behind it."""
    if not steps and not chunks:
        return {"markdown_text": text} if text else {}
    done = [card for card in steps if card["status"] == "complete"]
    going_on = [card for card in steps if card["status"] != "complete"]
    words: list[Json] = [{"type": "markdown_text", "text": text}] if text else []
    every = [*done, *words, *going_on]
    return {"chunks": every} if every else {}


def _where(place: Place) -> Json:
    return {
        "channel": place.channel,
        "thread_ts": place.thread,
        "recipient_user_id": place.recipient,
        "recipient_team_id": place.recipient_team,
        "task_display_mode": "timeline",
    }
