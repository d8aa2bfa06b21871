"""People who talk to the bot: each conversation says its next message when it sees that the last one was heard."""

import random
from collections.abc import Sequence
from typing import Protocol

from bot.playground.view import NotPossible, PlatformName
from tests.crash.audit import Question
from tests.crash.onlooker import Onlooker
from tests.crash.script import WORDS
from tests.support.house import House

WAITING = 2
"""Questions of one conversation that may be unanswered at a time."""
PATIENCE = 45.0
"""Seconds after which nobody waits for a sign any more; the audit then says what is missing."""


class Place(Protocol):
    """Where a conversation goes on."""

    platform: PlatformName
    continuous: bool
    """One conversation, whose questions are answered in order; otherwise every question is one of its own."""

    async def say(self, question: Question, seen: Onlooker) -> str:
        """Ask it and note where its answer belongs. Returns the message's id, empty when there is none.

        Raises:
            NotPossible: the platform says that it did not get through.
        """
        ...


class SlackThread:
    """A thread in a Slack channel; follow-ups mention the bot now and then."""

    platform: PlatformName = "slack"
    continuous = True

    def __init__(self, house: House, person: str, channel: str) -> None:
        self._stage, self._person = house.slack, person
        self._channel = house.channel("slack", channel)
        self._root: str | None = None
        self._said = 0

    async def say(self, question: Question, seen: Onlooker) -> str:
        mention = "@Parley " if self._said % 2 == 0 else ""
        self._said += 1
        said = await self._stage.speak(self._person, self._channel, mention + question.text, thread=self._root)
        self._root = question.place = self._root or said
        return said


class DiscordThread:
    """A thread that the bot opens in a Discord channel."""

    platform: PlatformName = "discord"
    continuous = True

    def __init__(self, house: House, person: str, channel: str) -> None:
        self._stage, self._person = house.discord, person
        self._channel = house.channel("discord", channel)
        self._thread: str | None = None

    async def say(self, question: Question, seen: Onlooker) -> str:
        if self._thread is None:
            said = await self._stage.speak(self._person, self._channel, f"@Parley {question.text}")
            question.place = said  # a thread has the id of the message that it was opened from
            await seen.until(lambda: said in seen.threads, PATIENCE)
            self._thread = said
            return said
        question.place = self._thread
        return await self._stage.speak(self._person, self._thread, question.text)


class Direct:
    """Direct messages with the bot."""

    continuous = True

    def __init__(self, house: House, platform: PlatformName, person: str) -> None:
        self.platform: PlatformName = platform
        self._stage, self._person = house.stage(platform), person
        self._channel = next(one.id for one in self._stage.view().channels if one.person == person)

    async def say(self, question: Question, seen: Onlooker) -> str:
        said = await self._stage.speak(self._person, self._channel, question.text)
        question.place = said if self.platform == "slack" else self._channel  # Slack's are answered in threads
        return said


class Command:
    """`/ask` in a channel: every question is a conversation of its own."""

    continuous = False

    def __init__(self, house: House, platform: PlatformName, person: str, channel: str) -> None:
        self.platform: PlatformName = platform
        self._house, self._person = house, person
        self._channel = house.channel(platform, channel)

    async def say(self, question: Question, seen: Onlooker) -> str:
        question.place = self._channel
        name, option = ("/ask", "text") if self.platform == "slack" else ("ask", "question")
        await self._house.stage(self.platform).command(self._person, self._channel, name, {option: question.text})
        return ""


def conversations(house: House) -> dict[str, Place]:
    """A team at work: sixteen conversations on both platforms, each under a letter and a number.

    More of them on Discord: Slack allows so few edits a minute that their answers wait for each other.
    """
    people, channels = ("ada", "ben", "chloe"), ("general", "support")
    places: dict[str, Place] = {}
    for number in range(4):
        places[f"s{number:02}"] = SlackThread(house, people[number % 3], channels[number % 2])
    for number in range(8):
        places[f"d{number:02}"] = DiscordThread(house, people[number % 3], channels[number % 2])
    for number, platform in enumerate(("slack", "discord")):
        places[f"m{number:02}"] = Direct(house, platform, people[number])
        places[f"a{number:02}"] = Command(house, platform, people[number], channels[number])
    return places


class Talk:
    """One conversation.

    Args:
        name: letter and number.
        place: where it goes on.
        house: to see whether the bot is there.
        seen: who sees the answers.
        dice: what is asked for.
        questions: everything that was asked so far, by anybody; added to.
    """

    def __init__(
        self, name: str, place: Place, house: House, seen: Onlooker, dice: random.Random, questions: list[Question]
    ) -> None:
        self._name, self._place, self._house, self._seen, self._dice = name, place, house, seen, dice
        self._all = questions
        self._own: list[Question] = []

    async def ask(self) -> None:
        """Ask the next question, and return when it was heard and not too many wait.

        Raises:
            TimeoutError: there was no sign for `PATIENCE` seconds.
        """
        number = f"{self._name}n{len(self._own):03}"
        text = f"Question {number}: {self._dice.choice(WORDS)}."
        question = Question(number, self._place.platform, text, alone=not self._place.continuous)
        self._own.append(question)
        self._all.append(question)
        try:
            said = await self._place.say(question, self._seen)
        except NotPossible:
            question.refused = True
            await self._house.until(question.platform, lambda view: view.bot_connected)
            return
        await self._seen.until(lambda: said in self._seen.noticed or number in self._seen.begun, PATIENCE)
        await self._seen.until(lambda: len(unanswered(self._own, self._seen)) < WAITING, PATIENCE)


def unanswered(questions: Sequence[Question], seen: Onlooker) -> list[str]:
    """Numbers of the questions whose complete answer was not seen yet, and has to come."""
    return [one.number for one in questions if not one.refused and one.number not in seen.complete]
