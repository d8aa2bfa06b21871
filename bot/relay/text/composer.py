"""From Markdown to the texts of chat messages: links, dialect, splitting, and what to do with far too much text."""

from dataclasses import dataclass
from typing import Literal

from bot.relay.contract import Capabilities, Dialect
from bot.relay.text.links import defang
from bot.relay.text.measure import size
from bot.relay.text.splitter import SMALLEST, Splitter
from bot.relay.text.unfinished import settled

GOES_ON = "_The answer goes on. All of it will be attached as a file when it is finished._"
ATTACHED = "_The answer is too long for the chat. All of it is in the attached file `answer.md`._"
CUT = "_The answer is too long to be shown here in full._"
_LEAST_KEPT = 2
_AROUND_FOOTER = 8
"""Room for what a platform puts between a text and its small print."""


@dataclass(frozen=True, slots=True)
class Part:
    """The text of one message."""

    text: str
    settled: int
    """So many characters at its beginning will stand."""
    complete: bool
    """Nothing will be added."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How the newest message of an answer goes on where messages only grow."""

    leave: Literal["no", "soon", "now"] = "no"
    """Whether it is time for another message: `soon`, between two blocks, or `now`, wherever it is."""
    paused: bool = False
    """The assistant has finished saying something, and may say more, which then begins a new paragraph."""


class Composer:
    """Makes the messages of one answer; the same beginning always gives the same first messages."""

    def __init__(self, dialect: Dialect, capabilities: Capabilities, most: int | None = None) -> None:
        """Write for a platform that speaks `dialect` and has these `capabilities`.

        `most` messages are made for an answer, when that is not as many as the platform allows.
        """
        self._dialect = dialect
        self._capabilities = capabilities
        self._soft, self._hard = capabilities.soft_limit, capabilities.hard_limit
        self._splitter = self._new_splitter()
        self._most = most or capabilities.max_segments
        self.known: frozenset[str] = frozenset()
        """Web addresses that stay links."""

    def running(self, markdown: str, progress: str, live: int) -> tuple[Part, ...]:
        """The messages of an answer that is being written, with a line of progress where there is room for it.

        Args:
            markdown: the answer so far.
            progress: what goes on now; may be empty.
            live: how many messages are posted already.
        """
        texts = self._split(settled(markdown))
        if len(texts) > self._most:
            texts = (*texts[: self._kept(live)], self._convert(self._notice))
        else:
            texts = self._below(texts, self._convert(progress)) or texts
        return (*map(_whole, texts[:-1]), *(Part(text, 0, complete=False) for text in texts[-1:]))

    def growing(self, markdown: str, live: int, growth: Growth) -> tuple[Part, ...]:
        """Likewise where messages only grow: what is told to be settled stands, and stays in its message.

        A last message of which nothing is settled is left out until something is, unless it is posted already.
        """
        texts = self._split(markdown if growth.paused else settled(markdown))
        if growth.leave != "no" and self._splitter.leave(now=growth.leave == "now", paused=growth.paused):
            texts = self._split(markdown if growth.paused else settled(markdown))
        if len(texts) > self._most:
            return tuple(map(_whole, (*texts[: self._kept(live)], self._convert(self._notice))))
        if not texts or self._splitter.left:
            return tuple(map(_whole, texts))
        stands = self._splitter.end if growth.paused else self._splitter.standing()
        self._splitter.promise(stands)
        last = Part(texts[-1], len(texts[-1]) if growth.paused else self._splitter.shown_until(stands), complete=False)
        shown = (last,) if last.settled or len(texts) <= live else ()
        return (*map(_whole, texts[:-1]), *shown)

    @property
    def breaks(self) -> tuple[int, ...]:
        """Where messages ended for other reasons than their length: to be remembered over a crash."""
        return self._splitter.breaks

    def restore(self, breaks: tuple[int, ...]) -> None:
        """Take over what an earlier process remembered, before anything is composed."""
        self._splitter = self._new_splitter(breaks)

    def asking(self, markdown: str, question: str, live: int) -> tuple[str, ...]:
        """The messages of an answer that waits for a person; the question is whole, and stands in the last one.

        Text with backticks gets no question below it: no reading of them can then take the marks off the question's.
        """
        asked = self._convert(defang(question, self.known))
        texts = self._split(markdown)
        below = None if texts and "`" in texts[-1] else self._below(texts, asked)
        fitting = below or (*texts, asked)
        if len(fitting) <= self._most:
            return fitting
        return (*texts[: self._kept(live)], f"{self._convert(self._notice)}\n\n{asked}")

    def ended(self, markdown: str, live: int, *, attachable: bool) -> tuple[tuple[str, ...], bool]:
        """The messages of a whole answer, and whether it has to be attached as a file because they are too many.

        Args:
            markdown: the answer.
            live: how many messages are posted already.
            attachable: whether a file can be attached to it; otherwise what is too much is not shown.
        """
        texts = self._split(markdown)
        if len(texts) <= self._most:
            return texts, False
        return (*texts[: self._kept(live)], self._convert(ATTACHED if attachable else CUT)), attachable

    def below(self, texts: tuple[str, ...], footer: str) -> str | None:
        """The small print as it stands below the last of these messages; None when there is no room for it there."""
        shown = self._convert(defang(footer, self.known)) if footer else ""
        measure = self._capabilities.measure
        taken = size(texts[-1], measure) + size(shown, measure) + (_AROUND_FOOTER if shown else 0)
        return shown if taken <= self._hard else None

    def attachment(self, markdown: str) -> str:
        """The answer as it stands in a file: as Markdown, and as harmless as in the chat."""
        return defang(markdown, self.known)

    def shrink(self) -> bool:
        """Aim at half the length from now on: the platform found a message too long. False when that is silly."""
        if self._hard // 2 < SMALLEST:
            return False
        self._soft, self._hard = self._soft // 2, self._hard // 2
        self._splitter = self._new_splitter()
        return True

    def plain(self, note: str) -> str:
        """A short text of our own."""
        return self._convert(note)

    @property
    def _notice(self) -> str:
        """What stands for the rest of an answer that is too long and not finished."""
        return GOES_ON if self._capabilities.files_out else CUT

    def _below(self, texts: tuple[str, ...], line: str) -> tuple[str, ...] | None:
        """The texts with something below the last one, or None when there is nothing, or no room."""
        if not (texts and line):
            return None
        last = f"{texts[-1]}\n\n{line}"
        return (*texts[:-1], last) if size(last, self._capabilities.measure) <= self._hard else None

    def _new_splitter(self, breaks: tuple[int, ...] = ()) -> Splitter:
        return Splitter(self._soft, self._hard, self._capabilities.measure, breaks)

    def _split(self, markdown: str) -> tuple[str, ...]:
        converted = self._convert(defang(markdown, self.known))
        return tuple(piece.text for piece in self._splitter.update(converted))

    def _convert(self, markdown: str) -> str:
        return self._dialect.convert(markdown)

    def _kept(self, live: int) -> int:
        """How many messages stay as they are when the rest goes into a file: two, or those that are posted anyway."""
        return max(_LEAST_KEPT, min(live, self._most) - 1)


def _whole(text: str) -> Part:
    return Part(text, len(text), complete=True)
