"""What became of every question: lost, answered once, answered twice; in which order; and what was paid how often.

Works on what people see, as the page shows it, and on a ledger that the tool with the effect `once` wrote.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from bot.playground.view import MessageView, PlatformName
from tests.support.ended import goes_on

SENTENCES = 6
"""In an answer, between its beginning and its end."""
_NUMBER = r"[a-z]\d{2}n\d{3}"
_BEGINNING = re.compile(rf"Answer ({_NUMBER}) begins")
_ASKED = re.compile(rf"Question ({_NUMBER})")
_CALLED = re.compile(_NUMBER)

Seen = Mapping[PlatformName, Sequence[MessageView]]
"""What both platforms show."""


@dataclass(slots=True, eq=False)
class Question:
    """Something that a person said to the bot, and expects to be answered once."""

    number: str
    """Letter and number of its conversation, and its own number in it: `s02n005`."""
    platform: PlatformName
    text: str
    place: str = ""
    """Where its answer belongs: Slack's thread root, Discord's thread, or a channel."""
    alone: bool = False
    """It is a conversation of its own."""
    refused: bool = False
    """The person was told that it did not get through; it may be answered all the same, but need not."""

    @property
    def conversation(self) -> str:
        """Questions of one conversation are answered in their order."""
        return self.number if self.alone else self.number.split("n")[0]


def number_in(text: str) -> str | None:
    """The number of the last question in a text."""
    found = _ASKED.findall(text)
    return found[-1] if found else None


def number_of_call(html: str) -> str | None:
    """The number in a question about an interrupted call, which quotes the call's arguments at its end."""
    found = _CALLED.findall(html)
    return found[-1] if found else None


def answer_to(number: str, outcomes: Sequence[str]) -> list[str]:
    """What the model answers, in pieces; `outcomes` of its tool calls are quoted."""
    middle = [f"Sentence {place} of {number}. " for place in range(SENTENCES)]
    return [
        f"Answer {number} begins. ",
        *middle,
        f"Outcomes {number}: {', '.join(outcomes)}. ",
        f"Answer {number} ends.",
    ]


def begun(html: str, number: str) -> bool:
    """Whether this shows the beginning of an answer."""
    return f"Answer {number} begins" in html


def whole(html: str, number: str) -> bool:
    """Whether this shows a whole answer: each part once, in order, and nothing of another."""
    parts = [part.strip() for part in answer_to(number, [])]
    parts[-2] = f"Outcomes {number}:"
    places = [html.find(part) for part in parts]
    once = all(html.count(part) == 1 for part in parts)
    return once and places == sorted(places) and _BEGINNING.findall(html) == [number]


def complete(message: MessageView, number: str) -> bool:
    """Whether a message is a finished answer: whole, and no button under it that stops it or decides."""
    return message.state == "sent" and not goes_on(message) and whole(message.html, number)


def payments(ledger: Path) -> list[tuple[str, str]]:
    """What the ledger says: idempotency key and question of every payment."""
    if not ledger.exists():
        return []
    lines = (line.split() for line in ledger.read_text().splitlines())
    return [(key, number) for key, number in lines]


@dataclass(slots=True)
class Findings:
    """What is wrong; empty lists when nothing is. Numbers of questions, or texts of messages."""

    questions: int = 0
    refused: int = 0
    """Commands of which the person was told that they did not get through."""
    answers: int = 0
    lost: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])
    """Duplicate replies."""
    stray: list[str] = field(default_factory=list[str])
    """Messages of the bot that are no whole answer: halves, leftovers, error messages, answers to nobody."""
    misplaced: list[str] = field(default_factory=list[str])
    disordered: list[str] = field(default_factory=list[str])
    paid_twice: list[str] = field(default_factory=list[str])
    """Effects that were begun oftener than people wanted: once, and once more whenever they had it run again."""
    unpaid: list[str] = field(default_factory=list[str])
    """Answers that say "paid" although nothing was."""

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (
            self.lost or self.twice or self.stray or self.misplaced or self.disordered or self.paid_twice or self.unpaid
        )


def audit(
    questions: Sequence[Question],
    seen: Seen,
    paid: Sequence[tuple[str, str]],
    again: Mapping[str, int] | None = None,
) -> Findings:
    """Compare what was asked with what is seen and what was paid.

    Args:
        questions: in the order in which they were asked.
        seen: every public message of the bot.
        paid: idempotency key and question of every payment.
        again: how often a person had the payment for a question run again.
    """
    findings = Findings(questions=len(questions), refused=sum(question.refused for question in questions))
    answers: dict[str, list[MessageView]] = defaultdict(list)
    asked = {question.number: question for question in questions}
    for platform, messages in seen.items():
        for message in messages:
            number = _answered(message, asked, platform)
            if number is None:
                findings.stray.append(f"{platform}: {message.html}")
            else:
                answers[number].append(message)
    findings.answers = sum(len(found) for found in answers.values())
    findings.lost = [one.number for one in questions if not one.refused and not answers[one.number]]
    findings.twice = [number for number, found in answers.items() if len(found) > 1]
    findings.misplaced = [
        number for number, found in answers.items() for one in found if asked[number].place not in _places(one)
    ]
    findings.disordered = list(_disordered(questions, answers))
    numbers = Counter(number for _, number in paid)
    findings.paid_twice = list(_paid_too_often(paid, again or {}))
    findings.unpaid = [
        number for number, found in answers.items() for one in found if _says_paid(one, number) and not numbers[number]
    ]
    return findings


def _answered(message: MessageView, asked: Mapping[str, Question], platform: PlatformName) -> str | None:
    begins = _BEGINNING.search(message.html)
    question = asked.get(begins[1]) if begins else None
    if question is None or question.platform != platform or not complete(message, question.number):
        return None
    return question.number


def _places(message: MessageView) -> tuple[str | None, ...]:
    """A Slack message in a thread belongs there, whatever its channel is."""
    return (message.thread,) if message.thread else (message.channel,)


def _disordered(questions: Iterable[Question], answers: Mapping[str, list[MessageView]]) -> Iterable[str]:
    """Pairs of neighbouring questions of which the later one was answered first."""
    conversations: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for question in questions:
        if found := answers.get(question.number):
            conversations[question.conversation].append((question.number, min(one.at for one in found)))
    for moments in conversations.values():
        for (earlier, first), (later, second) in pairwise(moments):
            if second < first:
                yield f"{later} before {earlier}"


def _paid_too_often(paid: Sequence[tuple[str, str]], again: Mapping[str, int]) -> Iterable[str]:
    """Keys, then questions."""
    wanted = {number: 1 + again.get(number, 0) for _, number in paid}
    yield from (key for (key, number), times in Counter(paid).items() if times > wanted[number])
    numbers = Counter(number for _, number in paid)
    yield from (number for number, times in numbers.items() if times > wanted[number])


def _says_paid(message: MessageView, number: str) -> bool:
    said = re.search(rf"Outcomes {number}: ([^.]*)\.", message.html)
    return said is not None and "paid" in said[1].split(", ")
