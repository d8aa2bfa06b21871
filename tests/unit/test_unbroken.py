"""Work that is carried through although its caller is cancelled."""

import asyncio

import pytest

from bot.unbroken import unbroken


async def cancelled_while(work: asyncio.Event, carrying: asyncio.Task[str], times: int) -> None:
    """Cancel so often while the work waits, and then let it go on."""
    for _ in range(times):
        carrying.cancel()
        await asyncio.sleep(0)
    assert not carrying.done()
    work.set()


async def test_the_result_is_given() -> None:
    assert await unbroken(asyncio.sleep(0, "done")) == "done"


async def test_a_failure_is_raised() -> None:
    async def work() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        await unbroken(work())


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancellation_is_passed_on_when_the_work_is_through(times: int) -> None:
    may_go_on, through = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        await may_go_on.wait()
        await asyncio.sleep(0)
        through.set()
        return "done"

    carrying = asyncio.create_task(unbroken(work()))
    await asyncio.sleep(0)
    await cancelled_while(may_go_on, carrying, times)
    with pytest.raises(asyncio.CancelledError):
        await carrying
    assert through.is_set()


async def test_a_failure_of_work_whose_caller_is_cancelled_is_the_cause_of_the_cancellation() -> None:
    may_go_on = asyncio.Event()

    async def work() -> str:
        await may_go_on.wait()
        raise ValueError

    causes: list[BaseException | None] = []

    async def caller() -> str:
        try:
            return await unbroken(work())
        except asyncio.CancelledError as error:
            causes.append(error.__cause__)
            raise

    carrying = asyncio.create_task(caller())
    await asyncio.sleep(0)
    await cancelled_while(may_go_on, carrying, 1)
    await asyncio.gather(carrying, return_exceptions=True)
    assert carrying.cancelled()
    assert [type(cause) for cause in causes] == [ValueError]
