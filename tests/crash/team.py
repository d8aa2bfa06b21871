"""A team at work: sixteen conversations at a time on both platforms, as long as one lets them."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from bot.playground.view import NotPossible
from tests.crash.audit import Question, number_of_call
from tests.crash.onlooker import AGAIN, DECISIONS, Onlooker
from tests.crash.talk import Talk, conversations, unanswered
from tests.support.house import House

CALM_SECONDS = 60.0
"""After the last question, until everything has to be answered."""
_PRESS_AGAIN = 3.0


class Team:
    """People who talk to the bot, and who answer when it asks what became of a call.

    Args:
        house: where they are.
        seen: what they see.
        seed: of everything that is left to chance here.
        kinds: first letters of the conversations that take part: threads on Slack (`s`) and Discord (`d`), direct
            messages (`m`), commands (`a`).
    """

    def __init__(self, house: House, seen: Onlooker, seed: int, kinds: str = "sdma") -> None:
        self.questions: list[Question] = []
        self.again: Counter[str] = Counter()
        """How often somebody pressed "Run it again", by the question's number."""
        self._house, self._seen, self._kinds = house, seen, kinds
        self._dice = random.Random(seed)
        self._over = False

    @asynccontextmanager
    async def talking(self) -> AsyncGenerator[None]:
        """Let them talk inside the block; behind it everything is answered, or was for too long not."""
        async with asyncio.TaskGroup() as group:
            deciding = group.create_task(self._decide())
            talks = [
                group.create_task(self._talk(Talk(name, place, self._house, self._seen, self._dice, self.questions)))
                for name, place in conversations(self._house).items()
                if name[0] in self._kinds
            ]
            yield
            self._over = True
            await asyncio.wait(talks)
            with suppress(TimeoutError):  # the audit says what is missing
                await self._seen.until(lambda: not unanswered(self.questions, self._seen), CALM_SECONDS)
            deciding.cancel()

    async def _talk(self, talk: Talk) -> None:
        with suppress(TimeoutError):  # it waited in vain: the audit says for what
            while not self._over:
                await talk.ask()

    async def _decide(self) -> None:
        """Answer questions about interrupted calls, in all three ways."""
        seen = self._seen
        while True:
            await seen.until(lambda: seen.open_questions, 3600.0)
            before = set(seen.open_questions)
            for (platform, message), view in list(seen.open_questions.items()):
                buttons = [button for button in view.buttons if button.label.lower() in DECISIONS]
                people = {channel.id: channel.person for channel in self._house.stage(platform).view().channels}
                person = people.get(view.channel) or "ada"  # in a channel a moderator may decide for everybody
                pressed = self._dice.choice(buttons)
                if pressed.label.lower() == AGAIN:
                    self.again[number_of_call(view.html) or ""] += 1
                with suppress(NotPossible):  # nobody was there; pressed again below
                    await self._house.stage(platform).press(person, view.channel, message, pressed.id)
            with suppress(TimeoutError):
                await seen.until(lambda before=before: set(seen.open_questions) != before, _PRESS_AGAIN)
