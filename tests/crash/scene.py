"""The scene of a crash test: both platforms, the model, a deployment that is not started yet, and who watches it."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.workers import Role
from bot.playground.discord import DiscordRules
from bot.playground.slack import SlackRules
from bot.playground.view import MessageView, PlatformName
from bot.store import migrate
from tests.crash.audit import Findings, Question, Seen, audit, begun, complete, payments
from tests.crash.onlooker import Onlooker
from tests.crash.script import ledger, tools_in
from tests.crash.talk import DiscordThread, Place, SlackThread
from tests.support.cluster import Cluster, deployed
from tests.support.house import PATIENCE, House, built
from tests.support.model_server import Rule, ScriptedModel

SLACK = SlackRules(retry_delays=(0.0, 1.0, 2.0, 4.0, 8.0), pace=0.0)
"""Slack's minutes between two deliveries are too long to wait for, and so are its rates."""
DISCORD = DiscordRules.lax()
_EVER = 1_000_000


@dataclass
class Scene:
    """One test's scene."""

    house: House
    model: ScriptedModel
    cluster: Cluster
    seen: Onlooker
    questions: list[Question] = field(default_factory=list[Question])
    """Asked by `ask`."""
    _places: dict[PlatformName, Place] = field(default_factory=dict[PlatformName, Place])

    async def ask(self, platform: PlatformName, wanted: str = "") -> Question:
        """Ada asks the next question in her thread on a platform."""
        if platform not in self._places:
            kind = SlackThread if platform == "slack" else DiscordThread
            self._places[platform] = kind(self.house, "ada", "general")
        name = f"{platform[0]}00n{sum(one.platform == platform for one in self.questions):03}"
        question = Question(name, platform, f"Question {name}: {wanted}.")
        self.questions.append(question)
        await self._places[platform].say(question, self.seen)
        return question

    async def growing(self, question: Question, sentence: int) -> MessageView:
        """Wait until so much of an answer is seen. Returns its message."""

        def found() -> MessageView | None:
            words = f"Sentence {sentence} of {question.number}"
            return next((one for one in self.house.answers(question.platform) if words in one.html), None)

        message = await self.seen.until(found, PATIENCE)
        assert message is not None
        return message

    async def answered(self, *questions: Question, seconds: float = PATIENCE) -> None:
        """Wait for the complete answers."""
        await self.seen.until(lambda: {one.number for one in questions} <= self.seen.complete, seconds)

    def answer(self, question: Question) -> MessageView:
        """The one message that answers a question."""
        (message,) = [one for one in self.house.answers(question.platform) if begun(one.html, question.number)]
        assert complete(message, question.number), message
        return message

    async def paid(self, question: Question) -> None:
        """Wait until a payment for it is in the ledger: its tool runs."""
        async with asyncio.timeout(PATIENCE):  # a file tells nobody that it changed, so it is looked at again
            while not any(number == question.number for _, number in self._payments()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def _payments(self) -> list[tuple[str, str]]:
        return payments(ledger(self.house.folder))

    def slow_edits(self, platform: PlatformName, seconds: float) -> None:
        """From now on every edit takes so long."""
        if platform == "slack":
            self.house.slack.faults.add("chat.update", "slow", _EVER, seconds=seconds)
        else:
            route = "PATCH /channels/{channel_id}/messages/{message_id}"
            self.house.discord.faults.add(route, "slow", _EVER, seconds=seconds)

    def deliver_twice(self) -> None:
        """From now on every event comes twice."""
        self.house.slack.duplicate_next_events(_EVER)
        self.house.discord.faults.add("MESSAGE_CREATE", "duplicate", _EVER)
        self.house.discord.faults.add("INTERACTION_CREATE", "duplicate", _EVER)

    def effects(self) -> Counter[str]:
        """How often the effect of each call was begun, by its idempotency key."""
        return Counter(key for key, _ in self._payments())

    def findings(self, questions: Sequence[Question] | None = None, again: Mapping[str, int] | None = None) -> Findings:
        """What became of the questions, as people see it now; `again` as in `audit`."""
        views: Seen = {"slack": self.house.answers("slack"), "discord": self.house.answers("discord")}
        return audit(self.questions if questions is None else questions, views, self._payments(), again)


@asynccontextmanager
async def scene(
    folder: Path, database_url: str, roles: Sequence[Role], rule: Rule, settings: dict[str, str] | None = None
) -> AsyncGenerator[Scene]:
    """Everything but the started processes. `settings` come on top of those of the house."""
    model = ScriptedModel(rule, strict=False)
    everything = {"DATABASE_URL": database_url, **tools_in(folder), **(settings or {})}
    await migrate(database_url, folder)  # the release phase of a deployment
    async with (
        built(folder, model, everything, slack_rules=SLACK, discord_rules=DISCORD) as house,
        deployed(house, roles) as cluster,
    ):
        with Onlooker(house) as seen:
            yield Scene(house, model, cluster, seen)
