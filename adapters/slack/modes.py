"""How answers are written: as Slack's native streams, or as messages that are edited; and at what pace.

In a channel only the person who asked sees a native stream grow, so there messages are edited unless the operator
wants it otherwise. Starting streams is limited (about 20 a minute in a workspace): beyond that messages are edited too.
"""

import time
from collections import OrderedDict

import structlog

from adapters.slack.places import PLATFORM, Place
from adapters.slack.settings import SlackConfig
from bot.relay.contract import Pacing, Terms

log = structlog.get_logger()

UPDATES = Pacing(limit=40, window=60.0, reserve=10, min_interval=1.2, max_interval=10.0, burst=10, least=40)
"""`chat.update` allows 50 a minute in the whole workspace: four fifths of that, a quarter of it kept for last edits."""
APPENDS = Pacing(limit=80, window=60.0, reserve=0, min_interval=0.6, max_interval=10.0, burst=20, early=256)
"""`chat.appendStream` allows 100 a minute: every 750 ms for each answer, or after 256 characters."""
POSTS = Pacing(limit=3, window=3.0, reserve=0, min_interval=0)
"""`chat.postMessage` allows about one a second in a channel, with short bursts."""
LIFE = 240.0
"""Seconds: Slack ends a stream after about 300 (reported). A paragraph may take 30 more; the rest is for trouble."""
STARTS_PER_MINUTE, STARTS_AT_ONCE = 16, 4
"""Four fifths of what Slack allows, for starting and for stopping."""
_KEPT = 1_000
"""Answers of which something is remembered."""


class Allowance:
    """So many requests a minute, a few at once after a quiet time. Nobody waits for one: there is one, or not."""

    def __init__(self, per_minute: float, at_once: int) -> None:
        self._rate = per_minute / 60
        self._most = float(at_once)
        self._left = self._most
        self._filled = time.monotonic()
        self._closed_until = 0.0

    def take(self) -> bool:
        """Take one, if there is one."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._filled) * self._rate)
        self._filled = now
        if now < self._closed_until or self._left < 1:
            return False
        self._left -= 1
        return True

    def close(self, seconds: float) -> None:
        """Slack has said that there are none for so long."""
        self._closed_until = time.monotonic() + seconds


class Modes:
    """Which answers are streamed in one workspace."""

    def __init__(self, config: SlackConfig) -> None:
        """Begin with what the operator wants."""
        self._config = config
        self._starts = Allowance(STARTS_PER_MINUTE, STARTS_AT_ONCE)
        self._without_until = 0.0
        """Until then the workspace counts as having no streams."""
        self._edited: OrderedDict[tuple[str, str | None], None] = OrderedDict()
        """Answers, by channel and question, that are edited after all."""
        self._wordy: OrderedDict[tuple[str, str | None], None] = OrderedDict()
        """Answers whose streams take text only."""

    def streams(self, place: Place) -> bool:
        """Whether the next message of the answer is a stream; if it is, it takes what its start and stop need."""
        possible = wanted(self._config, place) and _answer(place) not in self._edited
        return possible and time.monotonic() >= self._without_until and self._starts.take()

    def starts_limited(self, seconds: float) -> None:
        """Slack has said that too many were started."""
        self._starts.close(seconds)

    def give_up(self, word: str) -> None:
        """The workspace has no streams: look again tomorrow."""
        log.warning("slack streams not available", error=word)
        self._without_until = time.monotonic() + self._config.native_pause

    def edit_answer(self, place: Place, word: str) -> None:
        """This answer cannot be streamed, and that is our mistake."""
        log.error("slack stream refused", channel=place.channel, error=word)
        _remember(self._edited, place)

    def text_only(self, place: Place) -> None:
        """Slack does not take the steps of this answer."""
        log.error("slack steps refused", channel=place.channel)
        _remember(self._wordy, place)

    def takes_steps(self, place: Place) -> bool:
        """Whether the steps of this answer are shown in its stream."""
        return _answer(place) not in self._wordy


def wanted(config: SlackConfig, place: Place) -> bool:
    """Whether the operator wants answers there to be streamed, and it is known before whose eyes."""
    mode = config.dm if place.channel.startswith("D") else config.channels
    return mode == "native" and place.private is None and bool(place.thread and place.recipient)


def terms(config: SlackConfig, place: Place) -> Terms:
    """What holds for the next message of an answer, as far as one can tell beforehand."""
    return streamed(place) if wanted(config, place) else edited(place)


def edited(place: Place) -> Terms:
    """What holds for a message that is edited: edits share a limit in the workspace, posts in their channel."""
    return Terms(bucket=f"{PLATFORM}:{place.team}", creates=_creates(place))


def streamed(place: Place) -> Terms:
    """What holds for a native stream."""
    return Terms(bucket=f"{PLATFORM}:{place.team}:streams", pacing=APPENDS, creates=_creates(place), life=LIFE)


def left(place: Place) -> Terms:
    """What holds for a message whose stream Slack has closed: the answer had better go on in another one."""
    return edited(place).model_copy(update={"life": 0.0})


def _creates(place: Place) -> str:
    return f"{PLATFORM}:{place.team}:{place.channel}"


def _answer(place: Place) -> tuple[str, str | None]:
    return place.channel, place.asked


def _remember(answers: OrderedDict[tuple[str, str | None], None], place: Place) -> None:
    answers[_answer(place)] = None
    if len(answers) > _KEPT:
        answers.popitem(last=False)
