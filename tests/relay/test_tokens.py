"""A process without connections finds out whether its tokens are good."""

import asyncio

import pytest

from bot.domain.workers import Present
from bot.errors import OperatorError
from bot.relay.tokens import TokenCheck
from tests.support.memory_adapter import MemoryAdapter
from tests.support.run_script import FastClock


class Enrolled:
    worker_id = "worker_1"
    fresh = True
    present = Present()


class Refusing(MemoryAdapter):
    async def connections(self) -> tuple[str, ...]:
        raise OperatorError("MEMORY_TOKEN does not work.")


class Away(MemoryAdapter):
    async def connections(self) -> tuple[str, ...]:
        await asyncio.Event().wait()
        return ()


async def test_a_refused_token_ends_the_work_although_another_platform_is_away() -> None:
    with pytest.raises(OperatorError, match="MEMORY_TOKEN"):
        await TokenCheck([Away(), Refusing()], FastClock()).work(Enrolled())


async def test_good_tokens_are_not_asked_about_again() -> None:
    asked: list[str] = []

    class Counting(MemoryAdapter):
        async def connections(self) -> tuple[str, ...]:
            asked.append(self.capabilities.platform)
            return ("memory:1",)

    work = asyncio.create_task(TokenCheck([Counting()], FastClock()).work(Enrolled()))
    for _ in range(20):
        await asyncio.sleep(0)
    assert asked == ["memory"]
    assert not work.done()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_an_adapter_that_fails_in_an_unknown_way_is_asked_again_and_ends_nothing() -> None:
    asked = asyncio.Event()
    failures = [KeyError("team")]

    class Odd(MemoryAdapter):
        async def connections(self) -> tuple[str, ...]:
            if failures:
                raise failures.pop()
            asked.set()
            return ("memory:1",)

    work = asyncio.create_task(TokenCheck([Odd()], FastClock(1000)).work(Enrolled()))
    await asyncio.wait_for(asked.wait(), 10)
    assert not work.done()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
