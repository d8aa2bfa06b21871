"""A storm: a team talks, and a random process is killed again and again."""

import random
from contextlib import suppress
from dataclasses import dataclass

from tests.crash.audit import Findings
from tests.crash.scene import Scene
from tests.crash.script import Script
from tests.crash.team import Team

AT_WORK = 0.8
"""So often one of those is killed that have begun to work; a process that has only just started has little to lose."""
REST_SECONDS = 30.0


@dataclass
class Storm:
    """One storm over a running deployment.

    Args:
        scene: where.
        script: what the model says; it knows who must not be interrupted again.
        kills: how many.
        pause: between two kills, in seconds: from, to.
        seed: of everything that is left to chance here.
    """

    scene: Scene
    script: Script
    kills: int
    pause: tuple[float, float]
    seed: int
    killed: int = 0

    async def blow(self) -> Findings:
        """Talk and kill, and let everything be answered afterwards. Returns what became of the questions."""
        dice, seen = random.Random(self.seed + 1), self.scene.seen
        team = Team(self.scene.house, seen, self.seed)
        async with team.talking():
            while self.killed < self.kills:
                with suppress(TimeoutError):
                    await seen.until(lambda: False, dice.uniform(*self.pause))
                with suppress(TimeoutError):
                    await seen.until(lambda: self.script.tired <= seen.complete, REST_SECONDS)
                await self._kill(dice)
        return self.scene.findings(team.questions)

    async def _kill(self, dice: random.Random) -> None:
        members = self.scene.cluster.members
        at_work = [member for member in members if member.is_ready]
        member = dice.choice(at_work if at_work and dice.random() < AT_WORK else members)
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
            f"seed {self.seed}: {self.killed} kills, {findings.questions} questions ({findings.refused} refused), "
            f"{findings.answers} answers, "
            f"{len(findings.lost)} lost, {len(findings.twice)} duplicate replies, {len(findings.stray)} strays, "
            f"{len(findings.paid_twice)} once effects begun twice, {len(findings.disordered)} order violations, "
            f"{seen.asked} unknown outcomes asked, longest standstill of an answer {seen.longest_standstill:.1f} s"
        )
