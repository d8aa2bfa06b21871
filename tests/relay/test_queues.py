"""Work under one key happens one after the other."""

import asyncio

from bot.relay.queues import Queues


async def test_the_lowest_in_order_is_next_and_equals_come_as_they_arrived() -> None:
    turns, done = Queues(), list[str]()

    async def work(name: str, order: int) -> None:
        async with turns.of("thread", order):
            done.append(name)

    async with asyncio.TaskGroup() as group, turns.of("thread", 0):
        for name, order in (("late", 9), ("first", 2), ("second", 2), ("soon", 1)):
            group.create_task(work(name, order))
        await asyncio.sleep(0)
        assert done == []
    assert done == ["soon", "first", "second", "late"]


async def test_other_keys_do_not_wait() -> None:
    turns = Queues()
    async with turns.of("one"), turns.of("other"):
        pass


async def test_one_that_is_cancelled_holds_nobody_up() -> None:
    """While it waits, and in the moment in which its turn comes."""
    turns = Queues()

    async def wait() -> None:
        async with turns.of("thread"):
            await asyncio.Event().wait()

    async with turns.of("thread"):
        waits, gets_it = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        waits.cancel()
    gets_it.cancel()
    await asyncio.gather(waits, gets_it, return_exceptions=True)
    async with asyncio.timeout(1), turns.of("thread"):
        pass
    assert not turns._waiting
