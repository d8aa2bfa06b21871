"""Any order of moves keeps the tables of moves, and leaves nothing open under an ended run."""

import re
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.deliveries import DeliveryState
from bot.domain.ids import new_id
from bot.domain.lanes import Lease
from bot.domain.messages import MessageStatus
from bot.domain.runs import RUN_MOVES, RunStatus
from bot.domain.steps import CALL_MOVES, CallState, Effect, StepStatus
from bot.domain.turns import FinishReason, Turn, TurnState
from bot.errors import IllegalTransition
from bot.ports import Ending, Store
from bot.store.schema import ACTIVE_RUN
from tests.store.scene import Scene, a_call, a_result

ENDS = [RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.FAILED, RunStatus.INCOMPLETE, RunStatus.EXPIRED]
MOVES = st.one_of(
    st.sampled_from(["start", "begin_turn", "begin_turn", "begin_message", "break", "cancel", "begin_call"]),
    st.tuples(st.just("finish"), st.sampled_from(FinishReason), st.booleans(), st.integers(0, 2)),
    st.tuples(st.just("end_call"), st.sampled_from(CallState)),
    st.tuples(st.just("end"), st.sampled_from(ENDS)),
)


def test_the_index_of_active_runs_covers_exactly_the_statuses_that_can_move() -> None:
    assert set(re.findall(r"'(\w+)'", ACTIVE_RUN)) == {status.value for status, moves in RUN_MOVES.items() if moves}


class Play:
    """Carries moves out on one run, and compares every state with the last."""

    def __init__(self, store: Store, lease: Lease, run_id: str) -> None:
        self.store, self.lease, self.run_id = store, lease, run_id
        self.status = RunStatus.QUEUED
        self.calls: dict[str, CallState] = {}

    async def move(self, move: str | tuple[str, ...]) -> None:
        runs, lease = self.store.runs, self.lease
        match move:
            case "start":
                await runs.start(lease, self.run_id)
            case "begin_turn":
                await runs.begin_turn(lease, self.run_id)
            case "begin_message":
                await runs.begin_message(lease, await self.turn())
            case "break":
                await runs.break_turn(lease, await self.turn(), "broke")
            case "cancel":
                await runs.request_cancel(self.run_id)
            case "begin_call":
                for call in (await runs.calls(self.run_id))[:1]:
                    await runs.begin_call(lease, call)
            case ("finish", finish, text, calls):
                planned = [a_call(effect=Effect.ONCE)] * calls
                await runs.finish_turn(lease, await self.turn(), a_result("x" * text, finish), planned)
            case ("end_call", state):
                for call in (await runs.calls(self.run_id))[:1]:
                    await runs.end_call(lease, call, state, "out")
            case ("end", status):
                await runs.end(lease, self.run_id, Ending(status))
            case _:
                raise AssertionError(move)

    async def turn(self) -> Turn:
        """The last turn, or one that does not exist."""
        turns = await self.store.runs.turns(self.run_id)
        return turns[-1] if turns else Turn(run_id=self.run_id, number=1, state=TurnState.STARTED)

    async def check(self) -> None:
        run = await self.store.runs.get(self.run_id)
        assert run is not None
        assert run.status == self.status or run.status in RUN_MOVES[self.status]
        self.status = run.status
        await self.check_calls()
        if run.ended:
            await self.check_closed()

    async def check_calls(self) -> None:
        calls = await self.store.runs.calls(self.run_id)
        for call in calls:
            before = self.calls.get(call.id, CallState.PLANNED)
            assert call.state is before or call.state in CALL_MOVES[before]
        self.calls = {call.id: call.state for call in calls}

    async def check_closed(self) -> None:
        runs = self.store.runs
        assert all(one.status is not MessageStatus.IN_PROGRESS for one in await runs.messages(self.run_id))
        assert all(one.status is not StepStatus.IN_PROGRESS for one in await runs.steps(self.run_id))
        assert all(one.state is not TurnState.STARTED for one in await runs.turns(self.run_id))
        assert all(not CALL_MOVES[one.state] for one in await runs.calls(self.run_id))


@given(moves=st.lists(MOVES, max_size=14))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_of_moves_is_legal_and_leaves_nothing_open(store: Store, moves: list[str]) -> None:
    scene = await Scene(store).enter()
    await scene.say("Hello", new_id("thread_"))  # a conversation of its own
    lease, work = await scene.take()
    play = Play(store, lease, work.run.id)
    for move in ["start", "begin_turn", *moves]:
        with suppress(IllegalTransition):  # refused, which is the point; the state is looked at all the same
            await play.move(move)
        await play.check()
    await finish(scene, play)


async def finish(scene: Scene, play: Play) -> None:
    """Whatever happened, a stop and a failure always get a run out of the way."""
    if play.status not in ENDS:
        await scene.store.runs.request_cancel(play.run_id)
        await play.check()
        await scene.store.runs.end(play.lease, play.run_id, Ending(RunStatus.CANCELLED))
        await play.check()
    await scene.store.deliveries.close(play.lease, play.run_id, DeliveryState.DELIVERED)
    assert await scene.store.lanes.next_work(play.lease) is None
    await scene.store.workers.leave(scene.worker)
