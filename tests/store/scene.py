"""What the store's tests are about: an assistant, a worker, and people who say something."""

from dataclasses import dataclass, field
from itertools import count

from bot.domain.assistants import Assistant
from bot.domain.deliveries import Acceptance, Address, DeliveryState, Event, RemoteFile
from bot.domain.ids import new_id
from bot.domain.lanes import Lease, Work
from bot.domain.messages import Author
from bot.domain.runs import Run, RunStatus, Usage
from bot.domain.steps import Effect
from bot.domain.turns import FinishReason, TurnResult
from bot.ports import Ending, PlannedCall, Store

ANN = Author(platform="console", id="U1", name="Ann")
ASSISTANT = Assistant(id="asst_1", created_at=1, name="Parley", model="m-1", instructions="Be kind.")
_numbers = count()


def an_event(text: str = "Hello", conversation: str = "C1", *keys: str, files: tuple[RemoteFile, ...] = ()) -> Event:
    """An event that nobody has seen before, unless its keys are given."""
    return Event(
        keys=keys or (f"event-{next(_numbers)}",),
        conversation=conversation,
        address=Address(platform="console", place={"channel": conversation}),
        author=ANN,
        text=text,
        files=files,
    )


def a_result(
    text: str = "", finish: FinishReason = FinishReason.STOP, *, tokens: int = 3, refusal: str = ""
) -> TurnResult:
    """A finished turn."""
    return TurnResult(text=text, refusal=refusal, finish=finish, usage=Usage(total_tokens=tokens))


def a_call(name: str = "look", effect: Effect = Effect.READ) -> PlannedCall:
    """A call as a turn asks for it."""
    return PlannedCall("call-1", name, "{}", effect, {})


@dataclass
class Scene:
    """One worker on one store."""

    store: Store
    worker: str = field(default_factory=lambda: new_id("worker_"))

    async def enter(self) -> "Scene":
        """Enrol the worker."""
        await self.store.workers.enrol(self.worker, "all")
        return self

    async def say(self, text: str = "Hello", conversation: str = "C1", *keys: str) -> Acceptance:
        """A person says something."""
        return await self.store.intake.accept(an_event(text, conversation, *keys), ASSISTANT)

    async def take(self) -> tuple[Lease, Work]:
        """Claim the only ready lane and take its work."""
        (lease,) = await self.store.lanes.claim(self.worker, 10)
        work = await self.store.lanes.next_work(lease)
        assert work is not None
        return lease, work

    async def started(self, text: str = "Hello", conversation: str = "C1") -> tuple[Lease, Work]:
        """A message whose run is in progress."""
        await self.say(text, conversation)
        lease, work = await self.take()
        await self.store.runs.start(lease, work.run.id)
        return lease, work

    async def answer(self, lease: Lease, run_id: str, text: str) -> None:
        """One whole turn with a text."""
        turn = await self.store.runs.begin_turn(lease, run_id)
        await self.store.runs.finish_turn(lease, turn, a_result(text), [])

    async def finish(self, text: str) -> Run:
        """Answer the only ready lane's run completely; the lane is idle then."""
        lease, work = await self.take()
        await self.store.runs.start(lease, work.run.id)
        await self.answer(lease, work.run.id, text)
        await self.store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
        await self.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
        assert await self.store.lanes.next_work(lease) is None
        return work.run
