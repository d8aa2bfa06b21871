"""What Slack shows beside the messages: the status line of a thread, and the state of its session."""

from collections import OrderedDict

import structlog

from adapters.slack.places import Place
from adapters.slack.stream_calls import SessionStatus, StreamCalls
from bot.errors import Forbidden, PlatformError

log = structlog.get_logger()

MEANWHILE = (
    "Reading what was said…",
    "Thinking about it…",
    "Putting it into words…",
    "Still at it…",
    "Good things take a moment…",
)
"""What the status line says in turn while nothing is known but that the assistant is at work. At most 10."""
EYES = "eyes"
_KEPT = 500
"""Threads, and questions, of which something is remembered."""


class Statuses:
    """Decoration: whatever fails here changes nothing else."""

    def __init__(self, calls: StreamCalls) -> None:
        self._calls = calls
        self._waiting: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._eyes: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._sessions = True

    async def show(self, place: Place, text: str) -> None:
        """Say what is going on; where the line is refused, look at the question instead."""
        if place.thread is None or place.private is not None:
            return
        meanwhile = MEANWHILE if text.endswith("thinking…") else ()
        try:
            await self._calls.status(place.channel, place.thread, text, meanwhile)
        except PlatformError as error:
            log.debug("slack status not shown", error=str(error))
            await self._look(place)

    async def clear(self, place: Place) -> None:
        """Nothing is going on any more."""
        if place.thread is None or place.private is not None:
            return
        try:
            await self._calls.status(place.channel, place.thread, "", ())
        except PlatformError as error:
            log.debug("slack status not cleared", error=str(error))
        if place.asked and (place.channel, place.asked) in self._eyes:
            del self._eyes[place.channel, place.asked]
            await self._react(place.channel, place.asked, on=False)

    async def session(self, place: Place, status: SessionStatus) -> None:
        """Say what the session is about. An app that is no agent is told so once, and does not try again."""
        if not self._sessions or place.thread is None:
            return
        self._waiting.pop((place.channel, place.thread), None)
        try:
            await self._calls.session(place.channel, place.thread, status)
            if status == "suspended":
                _remember(self._waiting, (place.channel, place.thread))
        except Forbidden as error:
            log.info("slack sessions not available", error=str(error))
            self._sessions = False
        except PlatformError as error:
            log.debug("slack session not changed", error=str(error))

    def suspended(self, place: Place) -> bool:
        """Whether the session waits for a person, as far as this process has told."""
        return (place.channel, place.thread or "") in self._waiting

    async def _look(self, place: Place) -> None:
        if place.asked is None or (place.channel, place.asked) in self._eyes:
            return
        _remember(self._eyes, (place.channel, place.asked))
        await self._react(place.channel, place.asked, on=True)

    async def _react(self, channel: str, ts: str, *, on: bool) -> None:
        try:
            await self._calls.react(channel, ts, EYES, on=on)
        except PlatformError as error:
            log.debug("slack reaction not changed", error=str(error))


def _remember(places: OrderedDict[tuple[str, str], None], place: tuple[str, str]) -> None:
    places[place] = None
    if len(places) > _KEPT:
        places.popitem(last=False)
