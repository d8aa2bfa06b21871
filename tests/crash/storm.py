"""A storm: a team talks, and a random process is killed again and again."""

import random
from contextlib import suppress
from dataclasses import dataclass

from tests.crash.audit import Findings
from tests.crash.scene import Scene
from tests.crash.team import Team


@dataclass
class Storm:
    """One storm over a running deployment.

    Args:
        scene: where.
        kills: how many.
        pause: between two kills, in seconds: from, to.
        seed: of everything that is left to chance here.
    """

    scene: Scene
    kills: int
    pause: tuple[float, float]
    seed: int
    killed: int = 0

    async def blow(self) -> Findings:
        """Talk and kill, and let everything be answered afterwards. Returns what became of the questions."""
        dice = random.Random(self.seed + 1)
        team = Team(self.scene.house, self.scene.seen, self.seed)
        async with team.talking():
            while self.killed < self.kills:
                with suppress(TimeoutError):
                    await self.scene.seen.until(lambda: False, dice.uniform(*self.pause))
                await self._kill(dice)
        return self.scene.findings(team.questions)

    async def _kill(self, dice: random.Random) -> None:
        members = self.scene.cluster.members
        member = dice.choice(members)
        await member.kill()
        self.scene.seen.killed()
        self.killed += 1
        member.start()
        if len(members) == 1:
            await member.ready()  # nobody else is there: killed at once again it would never get to work

    def line(self, findings: Findings) -> str:
        """The counts, in one line."""
        seen = self.scene.seen
        return (
            f"seed {self.seed}: {self.killed} kills, {findings.questions} questions, {findings.answers} answers, "
            f"{len(findings.lost)} lost, {len(findings.twice)} duplicate replies, {len(findings.stray)} strays, "
            f"{len(findings.paid_twice)} once effects begun twice, {len(findings.disordered)} order violations, "
            f"{seen.asked} unknown outcomes asked, slowest resume {seen.slowest_resume:.1f} s"
        )
