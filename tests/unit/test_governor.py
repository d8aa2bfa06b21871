"""The governor under a virtual clock, against a rate limit like the platforms' own."""

import asyncio
import itertools
from dataclasses import dataclass, field
from itertools import count
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.relay.contract import Pacing, RateSignal, Terms
from bot.relay.governor import ENOUGH, Governor
from tests.support.figures import tell
from tests.support.virtual_time import LoopClock, run

PACING = Pacing(limit=5, window=5.0, reserve=1, min_interval=0.7)


@dataclass
class Limit:
    """A platform with `limit` requests per fixed window, whose client library waits inside the call."""

    limit: int = 5
    window: float = 5.0
    latency: float = 0.08
    began: float = -1e9
    used: int = 0
    tells: bool = True
    """Replies say what is left."""
    held_up: int = 0
    """Requests that had to wait."""
    sent: list[tuple[float, bool]] = field(default_factory=list)

    async def request(self, governor: Governor | None, *, final: bool) -> None:
        clock = LoopClock()
        while True:
            if clock.monotonic() >= self.began + self.window:
                self.began, self.used = clock.monotonic(), 0
            if self.used < self.limit:
                break
            self.held_up += 1
            await asyncio.sleep(self.began + self.window - clock.monotonic())
        self.used += 1
        self.sent.append((clock.monotonic(), final))
        await asyncio.sleep(self.latency)
        if governor is not None and self.tells:
            reset = max(0.0, self.began + self.window - clock.monotonic())
            governor.signal(
                RateSignal(bucket="c", limit=self.limit, remaining=self.limit - self.used, reset_after=reset)
            )


@dataclass
class Outcome:
    final_delays: list[float]
    staleness: list[float]
    interim: list[list[float]]
    limit: Limit


def governed(
    streams: int,
    seconds: float,
    limit: Limit,
    stagger: float = 0.3,
    *,
    processes: int = 1,
    sharers: int | None = None,
    pacing: Pacing = PACING,
) -> Outcome:
    """So many answers in one bucket, written by so many processes; `sharers` is how many they think they are."""

    async def scene() -> Outcome:
        share = sharers or processes
        governors = [Governor(pacing, LoopClock(), share=lambda: share) for _ in range(processes)]
        outcome = Outcome([], [], [[] for _ in range(streams)], limit)

        async def answer(number: int) -> None:
            await asyncio.sleep(number * stagger)
            governor, clock = governors[number % processes], LoopClock()
            end = clock.monotonic() + seconds
            with governor.stream(Terms(bucket="c")) as stream:
                await stream.request()
                await limit.request(governor, final=True)
                shown = clock.monotonic()
                while clock.monotonic() < end:
                    try:
                        async with asyncio.timeout_at(end):
                            await stream.due()
                            await stream.request()
                    except TimeoutError:
                        break
                    outcome.interim[number].append(clock.monotonic())
                    before = clock.monotonic()
                    await limit.request(governor, final=False)
                    stream.returned(clock.monotonic() - before)
                    outcome.staleness.append(clock.monotonic() - shown)
                    shown = before
                await stream.request()
                await limit.request(governor, final=True)
                outcome.final_delays.append(clock.monotonic() - end)

        async with asyncio.TaskGroup() as group:
            for number in range(streams):
                group.create_task(answer(number))
        return outcome

    return run(scene())


def fixed(streams: int, seconds: float, limit: Limit, interval: float) -> Outcome:
    async def scene() -> Outcome:
        outcome = Outcome([], [], [], limit)

        async def answer(number: int) -> None:
            await asyncio.sleep(number * 0.3)
            clock = LoopClock()
            end = clock.monotonic() + seconds
            await limit.request(None, final=True)
            while clock.monotonic() + interval < end:
                await asyncio.sleep(interval)
                await limit.request(None, final=False)
            await asyncio.sleep(max(0.0, end - clock.monotonic()))
            await limit.request(None, final=True)
            outcome.final_delays.append(clock.monotonic() - end)

        async with asyncio.TaskGroup() as group:
            for number in range(streams):
                group.create_task(answer(number))
        return outcome

    return run(scene())


@given(st.integers(1, 6), st.floats(3, 40), st.floats(0, 2))
@settings(max_examples=60, deadline=None)
def test_interim_edits_stay_below_the_limit_in_every_window(streams: int, seconds: float, stagger: float) -> None:
    outcome = governed(streams, seconds, Limit(), stagger)
    moments = sorted(moment for moments in outcome.interim for moment in moments)
    for moment in moments:
        assert sum(1 for other in moments if moment <= other < moment + 4.9) <= 4


@given(st.integers(1, 6), st.floats(15, 40))
@settings(max_examples=40, deadline=None)
def test_no_stream_is_left_behind(streams: int, seconds: float) -> None:
    """While all write, the numbers of edits differ by little, and no text stays unshown for long."""
    outcome = governed(streams, seconds, Limit(), stagger=0)
    counts = [len(moments) for moments in outcome.interim]
    assert max(counts) - min(counts) <= 2
    assert max(outcome.staleness) <= 2.5 * max(1.25, 1.25 * streams) + 5


def test_a_final_edit_never_waits_without_a_429() -> None:
    async def scene() -> float:
        governor, clock = Governor(PACING, LoopClock()), LoopClock()
        with governor.stream(Terms(bucket="c")) as stream:
            governor.signal(RateSignal(bucket="c", limit=5, remaining=0, reset_after=5))
            for _ in range(20):
                await stream.request()
            return clock.monotonic()

    assert run(scene()) == 0


def test_the_last_request_of_a_window_is_kept_for_final_edits() -> None:
    async def scene() -> float:
        governor, clock = Governor(PACING, LoopClock()), LoopClock()
        with governor.stream(Terms(bucket="c")) as stream:
            governor.signal(RateSignal(bucket="c", limit=5, remaining=1, reset_after=3))
            await stream.due()
            return clock.monotonic()

    assert run(scene()) == pytest.approx(3, abs=0.6)


def test_a_429_pauses_everything_and_doubles_the_interval_until_quiet_minutes_pass() -> None:
    async def scene() -> tuple[float, list[float]]:
        governor, clock = Governor(PACING, LoopClock()), LoopClock()
        intervals = []
        with governor.stream(Terms(bucket="c")) as stream:
            intervals.append(governor.interval("c"))
            governor.signal(RateSignal(bucket="c", retry_after=2.0))
            stream.limited(2.0)  # another answer's request, sent before the pause began
            await stream.request()
            waited = clock.monotonic()
            intervals.append(governor.interval("c"))
            await asyncio.sleep(61)
            intervals.append(governor.interval("c"))
            await asyncio.sleep(240)
            intervals.append(governor.interval("c"))
            for _ in range(9):
                governor.signal(RateSignal(bucket="c", retry_after=0.1))
                await asyncio.sleep(1)
            intervals.append(governor.interval("c"))
        return waited, intervals

    waited, intervals = run(scene())
    assert waited == pytest.approx(2.2, abs=0.01)
    assert intervals == pytest.approx([1.25, 2.5, 2.0, 1.25, 10.0], abs=0.05)


def test_limit_and_window_are_learnt() -> None:
    async def scene() -> float:
        governor = Governor(PACING, LoopClock())
        with governor.stream(Terms(bucket="c")):
            governor.signal(RateSignal(bucket="c", limit=11, remaining=11, reset_after=20))
            return governor.interval("c")

    assert run(scene()) == pytest.approx(2.0)


def test_streams_share_a_bucket_and_other_buckets_do_not_matter() -> None:
    async def scene() -> list[float]:
        governor = Governor(PACING, LoopClock())
        with (
            governor.stream(Terms(bucket="c")) as one,
            governor.stream(Terms(bucket="c")) as two,
            governor.stream(Terms(bucket="c")),
            governor.stream(Terms(bucket="d")),
        ):
            await one.request()
            await two.request()
            return [governor.interval("c"), governor.interval("d")]

    assert run(scene()) == pytest.approx([2.5, 1.25])


def test_a_request_that_was_held_up_slows_the_pace() -> None:
    async def scene() -> float:
        governor = Governor(PACING, LoopClock())
        with governor.stream(Terms(bucket="c")) as stream:
            for _ in range(5):
                stream.returned(0.1)
            stream.returned(4.0)
            return governor.interval("c")

    assert run(scene()) == pytest.approx(2.5)


@pytest.mark.parametrize("streams", [1, 3])
def test_final_edits_come_sooner_than_with_a_fixed_interval(streams: int) -> None:
    """Measured side by side against the same limit: 5 requests per 5 s, 80 ms latency, answers of 18 to 23 s."""
    lengths = [18 + 0.4 * step for step in range(13)]
    ours = [delay for seconds in lengths for delay in governed(streams, seconds, Limit()).final_delays]
    theirs = [delay for seconds in lengths for delay in fixed(streams, seconds, Limit(), interval=1.0).final_delays]
    tell(
        f"{streams} stream(s), end of answer -> final edit: governor mean {mean(ours):.2f} s max {max(ours):.2f} s, "
        f"fixed 1.0 s mean {mean(theirs):.2f} s max {max(theirs):.2f} s"
    )
    assert mean(ours) <= 0.6
    assert mean(ours) < mean(theirs)


@dataclass
class Strict:
    """A platform that gives `rate` requests a second, `burst` at once, and answers 429 to the rest."""

    rate: float = 1.0
    burst: int = 3
    tokens: float = 3.0
    looked: float = 0.0
    refused: int = 0

    async def request(self) -> float | None:
        """Seconds to wait, when it is one too many."""
        await asyncio.sleep(0.1)
        now = LoopClock().monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.looked) * self.rate)
        self.looked = now
        if self.tokens >= 1 - 1e-6:
            self.tokens -= 1
            return None
        self.refused += 1
        return 1.0


def all_end_at_once(answers: int, server: Strict, posts: Pacing | None, *, create: bool) -> list[float]:
    """When each of so many answers got its last request through, in the order in which they asked for that turn."""

    async def scene() -> list[float]:
        governor, clock, asked = Governor(PACING, LoopClock(), posts), LoopClock(), count()

        async def answer() -> tuple[int, float]:
            with governor.stream(Terms(bucket="c")) as stream:
                while True:
                    place = next(asked)
                    await stream.request(create=create)
                    wait = await server.request()
                    if wait is None:
                        return place, clock.monotonic()
                    stream.limited(wait, create=create)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(answer()) for _ in range(answers)]
        return [moment for _, moment in sorted(task.result() for task in tasks)]

    return run(scene())


def test_finals_that_all_come_at_once_take_turns_after_the_first_429() -> None:
    server = Strict()
    moments = all_end_at_once(30, server, None, create=False)
    tell(f"30 finals at once: last after {max(moments):.1f} s, {server.refused} x 429")
    assert max(moments) <= 40
    assert server.refused <= 27 + 3, "beside those that were already on their way"
    assert moments == sorted(moments), "not in order of asking"


def test_creates_keep_to_their_own_pace_from_the_beginning() -> None:
    server = Strict()
    posts = Pacing(limit=3, window=3.0, min_interval=1.0)
    moments = all_end_at_once(30, server, posts, create=True)
    assert server.refused == 0
    assert max(moments) <= 40
    assert moments == sorted(moments)


def test_a_429_for_a_create_does_not_hold_up_edits_where_they_are_limited_apart() -> None:
    async def scene() -> float:
        governor, clock = Governor(PACING, LoopClock(), Pacing(limit=3, window=3.0, min_interval=1.0)), LoopClock()
        with governor.stream(Terms(bucket="c")) as stream:
            stream.limited(20.0, create=True)
            await stream.request()
            edited = clock.monotonic()
            await stream.request(create=True)
            assert clock.monotonic() == pytest.approx(22, abs=0.1)
            return edited

    assert run(scene()) == 0


def test_whoever_gives_up_waiting_is_not_waited_for() -> None:
    async def scene() -> float:
        governor, clock = Governor(PACING, LoopClock()), LoopClock()
        with governor.stream(Terms(bucket="c")) as one, governor.stream(Terms(bucket="c")) as two:
            one.limited(2.0)
            first = asyncio.create_task(one.request())
            await asyncio.sleep(0.1)
            second = asyncio.create_task(two.request())
            await asyncio.sleep(0.1)
            first.cancel()
            await second
            return clock.monotonic()

    assert run(scene()) == pytest.approx(2.2, abs=0.51)


# --- bursts, and edits that are not worth a request

UPDATES = Pacing(limit=40, window=60.0, reserve=10, min_interval=1.2, burst=10, least=40)
APPENDS = Pacing(limit=80, window=60.0, reserve=0, min_interval=0.6, burst=20, early=256)


def written(pacing: Pacing, seconds: float, per_second: float, streams: int = 1) -> list[list[float]]:
    """When answers that grow by so many characters a second were edited."""

    async def scene() -> list[list[float]]:
        governor, clock = Governor(pacing, LoopClock()), LoopClock()
        moments: list[list[float]] = [[] for _ in range(streams)]

        async def answer(mine: list[float]) -> None:
            def news() -> int:
                return int((clock.monotonic() - (mine[-1] if mine else 0)) * per_second)

            with governor.stream(Terms(bucket="c")) as stream:
                while clock.monotonic() < seconds:
                    await stream.due(news)
                    await stream.request()
                    mine.append(clock.monotonic())

        async with asyncio.TaskGroup() as group:
            for mine in moments:
                group.create_task(answer(mine))
        return moments

    return run(scene())


def gaps(moments: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(moments)]


def test_the_first_edits_after_a_quiet_time_come_as_close_as_messages_can_be_edited() -> None:
    """Then they come at the even pace: 1.2 s apart at first, 2 s apart in the long run, never more than 40 a minute."""
    [moments] = written(UPDATES, 180, per_second=100)
    assert gaps(moments)[:9] == pytest.approx([1.2] * 9, abs=0.01)
    assert gaps(moments)[-20:] == pytest.approx([2.0] * 20, abs=0.6)
    assert all(sum(1 for other in moments if start <= other < start + 60) <= 40 for start in moments)


def test_an_edit_waits_for_enough_new_characters_but_not_for_ever() -> None:
    [slow] = written(UPDATES, 60, per_second=10)
    assert min(gaps(slow)) >= 4.0 - 0.01, "40 characters take four seconds"
    [slower] = written(UPDATES, 100, per_second=0.5)
    assert gaps(slower) == pytest.approx([10.0] * len(gaps(slower)), abs=0.6)


def test_a_changed_step_is_worth_an_edit_without_any_text() -> None:
    async def scene() -> float:
        governor, clock = Governor(UPDATES, LoopClock()), LoopClock()
        with governor.stream(Terms(bucket="c")) as stream:
            await stream.request()
            await stream.due(lambda: ENOUGH)
            return clock.monotonic()

    assert run(scene()) == pytest.approx(1.2)


def test_much_text_goes_out_ahead_of_the_even_pace_little_does_not() -> None:
    """Appends: every 750 ms, or as soon as there are 256 characters, but never less than 600 ms apart."""
    [fast] = written(APPENDS, 10, per_second=600)
    assert gaps(fast)[:15] == pytest.approx([0.6] * 15, abs=0.01)
    [slow] = written(APPENDS, 10, per_second=100)
    assert gaps(slow) == pytest.approx([0.75] * len(gaps(slow)), abs=0.01)


@pytest.mark.parametrize("streams", [2, 5])
def test_the_even_pace_is_divided_among_the_answers_that_are_written(streams: int) -> None:
    moments = written(APPENDS, 60, per_second=20, streams=streams)
    for mine in moments:
        assert gaps(mine)[2:] == pytest.approx([0.75 * streams] * len(gaps(mine)[2:]), abs=0.6)
    together = sorted(moment for mine in moments for moment in mine)
    assert all(sum(1 for other in together if start <= other < start + 60) <= 100 for start in together)


def test_an_answer_without_news_is_not_waited_for() -> None:
    """One that has nothing to show keeps no turn from one that has."""

    async def scene() -> float:
        pacing = UPDATES.model_copy(update={"limit": 11, "burst": 0})
        governor, clock = Governor(pacing, LoopClock()), LoopClock()
        with governor.stream(Terms(bucket="c")) as quiet, governor.stream(Terms(bucket="c")) as busy:
            await quiet.request()
            await asyncio.sleep(0.1)
            await busy.request()
            waiting = asyncio.create_task(quiet.due(lambda: 0))
            await asyncio.sleep(65)
            waiting.cancel()
            before = clock.monotonic()
            waiting = asyncio.create_task(quiet.due(lambda: 0))
            await busy.due()
            waiting.cancel()
            return clock.monotonic() - before

    assert run(scene()) == 0


def test_an_answer_follows_its_message_into_another_bucket() -> None:
    async def scene() -> tuple[float, float]:
        governor, clock = Governor(UPDATES, LoopClock()), LoopClock()
        streamed = Terms(bucket="streams", pacing=APPENDS)
        with governor.stream(streamed) as stream:
            assert governor.interval("streams") == pytest.approx(0.75)
            governor.bucket("edits").limited(5.0, clock.monotonic())
            await stream.request()
            first = clock.monotonic()
            stream.follow(Terms(bucket="edits"))
            await stream.request()
            return first, clock.monotonic()

    assert run(scene()) == pytest.approx((0, 5.5), abs=0.1)


def test_creates_are_limited_by_channel_where_edits_are_by_workspace() -> None:
    async def scene() -> list[float]:
        posts = Pacing(limit=3, window=3.0, min_interval=0)
        governor, clock = Governor(UPDATES, LoopClock(), posts), LoopClock()
        moments: list[float] = []
        one, other = Terms(bucket="w", creates="w:one"), Terms(bucket="w", creates="w:other")
        with governor.stream(one) as first, governor.stream(other) as second:
            for stream in (first, first, first, second, second, second, first):
                await stream.request(create=True)
                moments.append(clock.monotonic())
        return moments

    *burst, fourth = run(scene())
    assert burst == [0] * 6
    assert fourth == pytest.approx(1.1, abs=0.01)


# --- several processes

SLACK = Pacing(limit=40, window=60.0, reserve=10, min_interval=1.2)


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("pacing", [PACING, SLACK], ids=["5 in 5 s", "40 in 60 s"])
@pytest.mark.parametrize("streams", [2, 3, 6])
def test_two_processes_together_stay_below_the_limit(streams: int, pacing: Pacing, *, tells: bool) -> None:
    limit = Limit(pacing.limit, pacing.window, tells=tells)
    outcome = governed(streams, 4 * pacing.window, limit, processes=2, pacing=pacing)
    moments = sorted(moment for moments in outcome.interim for moment in moments)
    window = pacing.window - 0.1
    most = max(sum(1 for other in moments if moment <= other < moment + window) for moment in moments)
    assert most <= pacing.limit - pacing.reserve
    assert most >= (pacing.limit - pacing.reserve) / 2, "the limit is not used"


@pytest.mark.parametrize("streams", [2, 4])
def test_final_edits_of_two_processes_come_as_soon_as_those_of_one(streams: int) -> None:
    """Measured side by side on one simulated bucket: 5 requests per 5 s, 80 ms latency, answers of 18 to 23 s."""
    lengths = [18 + 0.4 * step for step in range(13)]
    delays: dict[int, list[float]] = {}
    for processes in (1, 2):
        runs = [governed(streams, seconds, Limit(), processes=processes) for seconds in lengths]
        delays[processes] = [delay for outcome in runs for delay in outcome.final_delays]
        tell(f"{streams} streams in {processes} process(es): final edit after {mean(delays[processes]):.2f} s")
    assert mean(delays[2]) <= mean(delays[1]) + 0.1


def test_whoever_is_alone_in_a_bucket_uses_all_of_it_where_replies_tell() -> None:
    alone = governed(1, 30, Limit(), sharers=4)
    only = governed(1, 30, Limit(), sharers=1)
    assert len(alone.interim[0]) == len(only.interim[0])


def test_whoever_cannot_tell_keeps_to_the_own_part_and_never_starves() -> None:
    counts = [len(governed(1, 40, Limit(tells=False), sharers=sharers).interim[0]) for sharers in (1, 2, 50)]
    assert counts[1] == pytest.approx(counts[0] / 2, abs=2)
    assert counts[2] >= 40 / PACING.window - 1


def test_the_number_of_processes_is_read_afresh() -> None:
    async def scene() -> list[float]:
        sharers = 1
        governor = Governor(PACING, LoopClock(), share=lambda: sharers)
        intervals = [governor.interval("c")]
        sharers = 2
        return [*intervals, governor.interval("c")]

    assert run(scene()) == pytest.approx([1.25, 2.5])


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_creates_of_several_processes_keep_to_the_pace_together(processes: int) -> None:
    server, posts = Strict(), Pacing(limit=3, window=3.0, min_interval=1.0)

    async def scene() -> float:
        governors = [Governor(PACING, LoopClock(), posts, lambda: processes) for _ in range(processes)]

        async def answer(governor: Governor) -> None:
            with governor.stream(Terms(bucket="c")) as stream:
                await stream.request(create=True)
                assert await server.request() is None

        async with asyncio.TaskGroup() as group:
            for number in range(30):
                group.create_task(answer(governors[number % processes]))
        return LoopClock().monotonic()

    took = run(scene())
    assert server.refused == 0
    assert took <= 40
