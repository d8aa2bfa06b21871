"""Answers that do not reach their chat: tried again as long as that can help, and no longer."""

import asyncio

import pytest
import structlog

from bot.domain.deliveries import Address, Delivery, DeliveryState
from bot.domain.lanes import Work
from bot.domain.runs import Run, RunStatus
from bot.engine import EngineLimits
from bot.engine.redelivery import Redelivery
from bot.errors import PlatformError, RateLimited, Unreachable
from bot.ports import Store
from tests.support.engine_doubles import ANN, QUICK, Bench, ScriptedClient, say, text, until

HOURS = 3600.0
LIMITS = EngineLimits()
TRANSIENT = [Unreachable(), RateLimited(1.0)]


def work(age: float = 0.0) -> Work:
    """A run whose answer was promised so many seconds ago, by the database's clock."""
    address = Address(platform="test", place={})
    delivery = Delivery(run_id="r", conversation="c", address=address, asker=ANN, message_id="m", created_at=1_000)
    run = Run(
        seq=1, id="r", created_at=1_000, thread_id="t", assistant_id="a", status=RunStatus.COMPLETED, model="scripted"
    )
    return Work(run=run, delivery=delivery, now=1_000 + age)


@pytest.mark.parametrize("error", TRANSIENT, ids=["away", "limited"])
def test_a_platform_that_is_away_or_limits_us_is_waited_for_a_day(error: PlatformError) -> None:
    redelivery = Redelivery(LIMITS)
    tries, age = 0, 0.0
    while age < 23.9 * HOURS:
        wait = redelivery.wait(work(age), error)
        assert wait is not None
        assert wait <= 1.5 * LIMITS.delivery_delay_most
        age += wait
        tries += 1
    assert tries > LIMITS.deliveries
    assert redelivery.wait(work(24.1 * HOURS), error) is None


def test_an_old_delivery_still_has_as_many_tries_as_any_other() -> None:
    redelivery = Redelivery(LIMITS)
    waits = [redelivery.wait(work(48 * HOURS), Unreachable()) for _ in range(LIMITS.deliveries)]
    assert None not in waits[:-1]
    assert waits[-1] is None


def test_the_platform_s_word_is_the_least_wait() -> None:
    redelivery = Redelivery(LIMITS)
    waits = [redelivery.wait(work(), RateLimited(900.0)) for _ in range(50)]
    assert all(wait is not None and wait >= 900.0 for wait in waits)
    assert len(set(waits)) > 40, "those who were refused together do not come back together"


def test_only_unforeseen_errors_use_up_the_tries() -> None:
    redelivery = Redelivery(LIMITS)
    for _ in range(50):
        assert redelivery.wait(work(), Unreachable()) is not None
    unforeseen = [redelivery.wait(work(), RuntimeError()) for _ in range(LIMITS.deliveries)]
    assert None not in unforeseen[:-1]
    assert unforeseen[-1] is None
    assert redelivery.forget("r") == 50 + LIMITS.deliveries
    assert redelivery.wait(work(), RuntimeError()) is not None


def test_waits_never_overflow() -> None:
    redelivery = Redelivery(LIMITS)
    for _ in range(2_000):
        assert redelivery.wait(work(), Unreachable()) is not None


async def test_thirty_answers_at_once_all_arrive_at_a_platform_that_takes_few(sqlite_store: Store) -> None:
    limits = QUICK.model_copy(update={"deliveries": 2, "delivery_delay": 0.005, "delivery_delay_most": 0.02})
    bench = Bench(sqlite_store, ScriptedClient(*[text("ok")] * 30), limits=limits)
    free_at, refused = 0.0, 0

    async def one_at_a_time(_run: Run) -> None:
        nonlocal free_at, refused
        now = asyncio.get_running_loop().time()
        if now < free_at:
            refused += 1
            raise RateLimited(free_at - now)
        free_at = now + 0.01

    bench.outlet.at_end = one_at_a_time
    accepted = [await say(sqlite_store, "Hi", conversation=f"c{number}") for number in range(30)]
    async with bench.working():
        runs = await bench.outlet.ends_of(*(one.run_id for one in accepted))
    assert {run.status for run in runs} == {RunStatus.COMPLETED}
    assert refused > 0
    for one in accepted:
        delivery = await sqlite_store.deliveries.get(one.run_id)
        assert delivery is not None
        assert delivery.state is DeliveryState.DELIVERED


async def test_abandoning_is_an_error_in_the_log_that_names_the_run(sqlite_store: Store) -> None:
    limits = QUICK.model_copy(update={"deliveries": 2, "delivery_delay": 0.0})
    bench = Bench(sqlite_store, ScriptedClient(text("One")), limits=limits)

    async def broken(_run: Run) -> None:
        raise RuntimeError

    async def abandoned() -> bool:
        delivery = await sqlite_store.deliveries.get(accepted.run_id)
        return delivery is not None and delivery.state is DeliveryState.ABANDONED

    bench.outlet.at_end = broken
    accepted = await say(sqlite_store, "One")
    with structlog.testing.capture_logs() as logs:
        async with bench.working():
            await until(abandoned)
    (line,) = [entry for entry in logs if entry["event"] == "delivery abandoned"]
    assert (line["log_level"], line["run_id"], line["tries"]) == ("error", accepted.run_id, 2)
