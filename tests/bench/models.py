"""Models in memory that cost next to nothing."""

import asyncio
from collections.abc import AsyncGenerator

from bot.domain.turns import Finished, FinishReason, ModelEvent, ModelRequest, TextDelta, Usage, UsageReport
from bot.ports import ModelTraits

_USAGE = UsageReport(Usage(prompt_tokens=100, completion_tokens=20, total_tokens=120))


AT_ONCE = "At once, please!"


class PacedModel:
    """Answers everything with the same words, one delta a word; whoever asks for it `AT_ONCE` does not wait.

    Args:
        words: how many.
        pace: seconds between two of them.
    """

    def __init__(self, words: int = 20, pace: float = 0.0) -> None:
        self.traits = ModelTraits("paced", context_tokens=128_000, images=False)
        self._words = words
        self._pace = pace

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """One turn."""
        hurry = AT_ONCE in request.input[-1].model_dump_json()
        for number in range(self._words):
            if self._pace and not hurry:
                await asyncio.sleep(self._pace)
            yield TextDelta(f"word{number} ")
        yield _USAGE
        yield Finished(FinishReason.STOP)

    def named(self, name: str) -> "PacedModel":
        """There is no other."""
        del name
        return self

    async def close(self) -> None:
        """Nothing is open."""
