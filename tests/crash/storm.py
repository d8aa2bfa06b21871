"""A storm: a team talks, every event is delivered twice, and a random process is killed again and again."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field

from bot.playground.discord import DiscordRules
from bot.playground.slack import SlackRules
from bot.playground.view import NotPossible
from tests.crash.audit import Findings, Question, Seen, audit, payments
from tests.crash.onlooker import Onlooker
from tests.crash.script import ledger
from tests.crash.talk import Talk, conversations, unanswered
from tests.support.cluster import Cluster, Member
from tests.support.house import House

SLACK = SlackRules(retry_delays=(0.0, 1.0, 2.0, 4.0, 8.0), pace=0.0)
"""Slack's minutes between two deliveries are too long to wait for, and so are its rates."""
DISCORD = DiscordRules.lax()
CALM_SECONDS = 60.0
"""After the last kill, until everything has to be answered."""
_EVER = 1_000_000
_PRESS_AGAIN = 3.0


def deliver_twice(house: House) -> None:
    """From now on every event comes twice."""
    house.slack.duplicate_next_events(_EVER)
    house.discord.faults.add("MESSAGE_CREATE", "duplicate", _EVER)
    house.discord.faults.add("INTERACTION_CREATE", "duplicate", _EVER)


def seen_by_all(house: House, questions: list[Question]) -> Findings:
    """What became of the questions, as people see it now."""
    views: Seen = {"slack": house.answers("slack"), "discord": house.answers("discord")}
    return audit(questions, views, payments(ledger(house.folder)))


async def decide(house: House, seen: Onlooker, dice: random.Random) -> None:
    """Answer questions about interrupted calls for as long as it runs: it worked, or skip; never run it again."""
    while True:
        await seen.until(lambda: seen.open_questions, 3600.0)
        for (platform, message), view in list(seen.open_questions.items()):
            buttons = [button for button in view.buttons if button.label.lower() in {"it worked", "skip"}]
            people = {channel.id: channel.person for channel in house.stage(platform).view().channels}
            person = people.get(view.channel) or "ada"  # in a channel a moderator may decide for everybody
            with suppress(NotPossible):  # nobody was there; pressed again below
                await house.stage(platform).press(person, view.channel, message, dice.choice(buttons).id)
        with suppress(TimeoutError):
            pressed = set(seen.open_questions)
            await seen.until(lambda pressed=pressed: set(seen.open_questions) != pressed, _PRESS_AGAIN)


@dataclass
class Storm:
    """One storm over one deployment.

    Args:
        cluster: is running.
        seen: sees it all.
        kills: how many.
        pause: between two kills, in seconds: from, to.
        seed: of everything that is left to chance here.
    """

    cluster: Cluster
    seen: Onlooker
    kills: int
    pause: tuple[float, float]
    seed: int
    killed: int = 0
    questions: list[Question] = field(default_factory=list[Question])

    async def blow(self) -> None:
        """Talk and kill; then let everything be answered, or give up after `CALM_SECONDS`."""
        dice = random.Random(self.seed)
        house = self.cluster.house
        async with asyncio.TaskGroup() as group:
            deciding = group.create_task(decide(house, self.seen, random.Random(self.seed + 1)))
            talks = [
                group.create_task(self._talk(Talk(name, place, house, self.seen, dice, self.questions)))
                for name, place in conversations(house).items()
            ]
            await self._rage(dice)
            await asyncio.wait(talks)
            with suppress(TimeoutError):
                await self.seen.until(lambda: not unanswered(self.questions, self.seen), CALM_SECONDS)
            deciding.cancel()

    async def _talk(self, talk: Talk) -> None:
        with suppress(TimeoutError):  # it waits in vain: the audit says for what
            while self.killed < self.kills:
                await talk.ask()

    async def _rage(self, dice: random.Random) -> None:
        while self.killed < self.kills:
            with suppress(TimeoutError):
                await self.seen.until(lambda: False, dice.uniform(*self.pause))
            await self._kill(dice.choice(self.cluster.members))

    async def _kill(self, member: Member) -> None:
        await member.kill()
        self.seen.killed()
        self.killed += 1
        member.start()
        if len(self.cluster.members) == 1:
            await member.ready()  # nobody else is there: killed at once again it would never get to work

    def line(self, findings: Findings) -> str:
        """The counts, in one line."""
        return (
            f"seed {self.seed}: {self.killed} kills, {findings.questions} questions, {findings.answers} answers, "
            f"{len(findings.lost)} lost, {len(findings.twice)} duplicate replies, {len(findings.stray)} strays, "
            f"{len(findings.paid_twice)} once effects begun twice, {len(findings.disordered)} order violations, "
            f"{self.seen.asked} unknown outcomes asked, slowest resume {self.seen.slowest_resume:.1f} s"
        )
