"""Storms: a team talks, and a random process is killed, or frozen for longer than its lease, again and again."""

import asyncio
import random
import signal
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field

from tests.crash.audit import Findings
from tests.crash.scene import Scene
from tests.crash.script import Script
from tests.crash.team import Team
from tests.support.cluster import Member

AT_WORK = 0.8
"""So often one of those is hit that have begun to work; a process that has only just started has little to lose."""
REST_SECONDS = 30.0
WHILE_PAYING = 0.5
"""So often a blow waits for a payment, so that calls are interrupted of which nobody knows what became."""
PAYMENT_SECONDS = 1.5
FROZEN = (7.0, 10.0)
"""For how long, in seconds: from, to. Longer than the lease, so that peers take everything over."""
HANDS = 2
"""Processes that are frozen at a time."""


@dataclass
class Storm(ABC):
    """One storm over a running deployment.

    Args:
        scene: where.
        script: what the model says; it knows who must not be interrupted again.
        blows: how many.
        pause: between two blows, in seconds: from, to.
        seed: of everything that is left to chance here.
    """

    scene: Scene
    script: Script
    blows: int
    pause: tuple[float, float]
    seed: int
    struck: int = field(default=0, init=False)
    again: int = field(default=0, init=False)
    """How often somebody had a call run again."""
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed + 1)

    async def blow(self) -> Findings:
        """Talk and strike, and let everything be answered afterwards. Returns what became of the questions."""
        team = Team(self.scene.house, self.scene.seen, self.seed)
        async with team.talking():
            await self.rage()
        self.again = team.again.total()
        return self.scene.findings(team.questions, team.again)

    @abstractmethod
    async def rage(self) -> None:
        """Strike until it was often enough."""

    async def lull(self) -> None:
        """Wait between two blows, and for questions that were interrupted too often."""
        seen = self.scene.seen
        with suppress(TimeoutError):
            await seen.until(lambda: False, self.dice.uniform(*self.pause))
        with suppress(TimeoutError):
            await seen.until(lambda: self.script.tired <= seen.complete, REST_SECONDS)
        if self.dice.random() < WHILE_PAYING:
            await self._payment()

    async def _payment(self) -> None:
        """Wait until a payment has just begun, though not for ever."""
        before = self.scene.effects().total()
        with suppress(TimeoutError):
            async with asyncio.timeout(PAYMENT_SECONDS):
                while self.scene.effects().total() == before:  # noqa: ASYNC110 - a file tells nobody that it changed
                    await asyncio.sleep(0.02)

    def victim(self, members: list[Member]) -> Member:
        """Whom it hits next."""
        at_work = [member for member in members if member.is_ready]
        return self.dice.choice(at_work if at_work and self.dice.random() < AT_WORK else members)

    def line(self, findings: Findings, what: str) -> str:
        """The counts, in one line; `what` befell the processes."""
        seen = self.scene.seen
        return (
            f"seed {self.seed}: {self.struck} {what}, {findings.questions} questions ({findings.refused} refused), "
            f"{findings.answers} answers, "
            f"{len(findings.lost)} lost, {len(findings.twice)} duplicate replies, {len(findings.stray)} strays, "
            f"{len(findings.paid_twice)} once effects begun too often, {len(findings.disordered)} order violations, "
            f'{seen.asked} unknown outcomes asked, {self.again} times "Run it again" pressed, '
            f"longest standstill of an answer {seen.longest_standstill:.1f} s"
        )


class Kills(Storm):
    """`kill -9`, and at once the next life."""

    async def rage(self) -> None:
        """Kill one after the other."""
        while self.struck < self.blows:
            await self.lull()
            await self._kill()

    async def _kill(self) -> None:
        members = self.scene.cluster.members
        member = self.victim(members)
        await member.kill()
        self.scene.seen.killed()
        self.struck += 1
        member.start()
        if len(members) == 1:
            await member.ready()  # nobody else is there: killed at once again it would never get to work


class Freezes(Storm):
    """SIGSTOP for longer than the lease, then SIGCONT: who comes back finds its work in other hands."""

    async def rage(self) -> None:
        """Freeze some at a time, each in its turn."""
        async with asyncio.TaskGroup() as group:
            for _ in range(HANDS):
                group.create_task(self._freeze())

    async def _freeze(self) -> None:
        while self.struck < self.blows:
            self.struck += 1
            await self.lull()
            thawed = [member for member in self.scene.cluster.members if member not in self._frozen]
            member = self.victim(thawed)
            self._frozen.append(member)
            member.signal(signal.SIGSTOP)
            self.scene.seen.killed()
            await asyncio.sleep(self.dice.uniform(*FROZEN))
            member.signal(signal.SIGCONT)
            self._frozen.remove(member)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._frozen: list[Member] = []
