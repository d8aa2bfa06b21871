"""A call that was begun and whose outcome nobody knows."""

from bot.domain.lanes import Lease
from bot.domain.steps import Effect, ToolCall
from bot.domain.turns import FinishReason
from tests.store.scene import Scene, a_call, a_result


async def planned(scene: Scene, *effects: Effect, text: str = "") -> tuple[Lease, tuple[ToolCall, ...]]:
    """A run whose first turn asked for calls with these effects."""
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    calls = [a_call(f"tool_{number}", effect) for number, effect in enumerate(effects)]
    await scene.store.runs.finish_turn(lease, turn, a_result(text, FinishReason.TOOL_CALLS), calls)
    return lease, await scene.store.runs.calls(work.run.id)


async def interrupted(scene: Scene) -> tuple[Lease, ToolCall]:
    """A run with one such call."""
    lease, (call,) = await planned(scene, Effect.ONCE)
    await scene.store.runs.begin_call(lease, call)
    (begun,) = await scene.store.runs.calls(call.run_id)
    return lease, begun
