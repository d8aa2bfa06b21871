"""This process's share of one platform's connections."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import structlog

from bot.domain.duties import Duty
from bot.errors import StoreUnavailable, ends_the_process
from bot.ports import Clock, Duties, Enrolment
from bot.relay.contract import Adapter, Reception

log = structlog.get_logger()

State = Literal["connecting", "connected", "standing by", "over"]
"""`standing by`: others that live keep all of the platform's connections. `over`: the platform has nothing more to say,
which is no error (the end of a conversation in a terminal)."""

LOOK_AGAIN = 1.0
"""Seconds between two looks at what is free, and who is there."""
BEYOND = 10.0
"""Seconds between two looks at what is free beyond a fair share: whoever should have it does not come for it."""
CONNECT_WITHIN = 30.0
"""Seconds for becoming ready, where a peer may be able to what we are not; alone there is no hurry."""
PAUSE = 5.0
"""Seconds after which a connection that broke is tried again, by whichever process comes first."""


@dataclass(eq=False, slots=True)
class _Line:
    """One connection that is ours."""

    duty: Duty
    left: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    state: Literal["taken", "connecting", "connected"] = "taken"
    since: float = 0.0
    """When it began to connect."""

    def leave(self) -> None:
        """Let go of it. One that never became ready has nothing to finish."""
        self.left.set()
        if self.task is not None and self.state == "connecting":
            self.task.cancel()


class Share:
    """Takes, keeps and gives up connections of one platform, so that every process has its fair part of them."""

    def __init__(
        self,
        adapter: Adapter,
        reception: Reception,
        duties: Duties,
        clock: Clock,
        changed: Callable[[], None],
        pause: float,
    ) -> None:
        """Connect `adapter` with `reception`; `changed` is called whenever `state` may be another one."""
        self._adapter = adapter
        self._reception = reception
        self._duties = duties
        self._clock = clock
        self._changed = changed
        self._pause = pause
        self._log = log.bind(platform=adapter.capabilities.platform)
        self._lines: list[_Line] = []
        self._others_keep_all = False
        self._broken_until: dict[str, float] = {}
        self._left_to_peers: dict[str, float] = {}
        """Until when we do not take what did not become ready here."""
        self._receivers = 0
        self._extra = 0
        """Connections beyond our share that nobody else came for."""
        self._beyond_at = 0.0
        self._over: set[str] = set()
        self._draining = False
        self._looking = asyncio.Lock()

    @property
    def state(self) -> State:
        """How the platform is connected to this process."""
        if self._lines:
            return "connected" if all(line.state == "connected" for line in self._lines) else "connecting"
        if self._over:
            return "over"
        return "standing by" if self._others_keep_all else "connecting"

    async def keep(self, enrolment: Enrolment) -> None:
        """Keep a fair share until cancelled. Then everything is left; the enrolment's end frees the duties.

        Raises:
            OperatorError: a token is refused.
        """
        self._others_keep_all = False
        names = await names_of(self._adapter, self._clock, self._pause)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    async with self._looking:
                        await self._look(names, enrolment, group)
                    await self._clock.sleep(LOOK_AGAIN)
        finally:
            self._lines.clear()

    async def leave(self) -> None:
        """Leave every connection, give it up, and take none any more."""
        self._draining = True
        async with self._looking:  # what was being taken is given back by now
            lines = [*self._lines]
        for line in lines:
            line.leave()
        if tasks := {line.task for line in lines if line.task is not None}:
            await asyncio.wait(tasks)

    # --- taking and giving

    async def _look(self, names: tuple[str, ...], enrolment: Enrolment, group: asyncio.TaskGroup) -> None:
        """Take what is missing of the share and free, or leave what is too much, the newest first."""
        if self._draining:
            return
        now, share = self._clock.monotonic(), self._fair(names, enrolment.present.receivers)
        self._leave_hopeless(now)
        ours = [line for line in self._lines if not line.left.is_set()]
        for line in ours[share + self._extra :]:
            self._log.info("connection given to a peer", name=line.duty.name)
            line.leave()
        if len(ours) < share:
            await self._take(names, share - len(ours), enrolment.worker_id, group)
        elif len(ours) < len(names) and now >= self._beyond_at:
            self._beyond_at = now + BEYOND
            self._extra += await self._take(names, 1, enrolment.worker_id, group)

    def _fair(self, names: tuple[str, ...], receivers: int) -> int:
        """How many of the names are our part. Whoever comes gets theirs back from those who had more meanwhile."""
        if receivers != self._receivers:
            self._receivers = receivers
            self._extra = 0
            self._beyond_at = self._clock.monotonic() + BEYOND
        return math.ceil(len(names) / max(1, receivers))

    def _leave_hopeless(self, now: float) -> None:
        """Let a peer try what does not become ready here: perhaps only this machine cannot reach the platform."""
        for line in self._lines:
            late = line.state == "connecting" and now - line.since >= CONNECT_WITHIN
            if late and self._receivers > 1 and not line.left.is_set():
                self._log.warning("connection left to a peer", name=line.duty.name)
                self._left_to_peers[line.duty.name] = now + 2 * BEYOND
                self._others_keep_all = True  # as far as we are concerned
                line.leave()

    async def _take(self, names: tuple[str, ...], missing: int, worker_id: str, group: asyncio.TaskGroup) -> int:
        """Take what is free. Returns how many that were."""
        now = self._clock.monotonic()
        not_now = {line.duty.name for line in self._lines} | self._over
        not_now |= {name for name, until in self._left_to_peers.items() if now < until}
        wanted = [name for name in names if name not in not_now]
        if not wanted:
            return 0
        try:
            taken = await self._duties.take(worker_id, wanted, missing)
        except StoreUnavailable as error:  # the heartbeat says when that is too long
            self._log.warning("connections not taken", error=str(error))
            return 0
        for duty in taken:
            if self._draining:
                await self._give_up(duty)
                continue
            line = _Line(duty)
            self._lines.append(line)
            line.task = group.create_task(self._keep(line), name=duty.name)
        self._others_keep_all = not taken and all(until < now for until in self._broken_until.values())
        self._changed()
        return len(taken)

    async def _give_up(self, duty: Duty, rest: float = 0.0) -> None:
        try:
            await self._duties.give_up(duty, rest)
        except StoreUnavailable as error:  # free anyway when this enrolment ends
            self._log.warning("connection not given up", name=duty.name, error=str(error))

    # --- one connection

    async def _keep(self, line: _Line) -> None:
        """Keep one connection until it is left or has ended, then let others have it.

        Raises:
            OperatorError: a token is refused.
        """
        name, rest = line.duty.name, 0.0
        try:
            await self._connected(line)
        except asyncio.CancelledError:
            if line.task is None or not line.left.is_set():
                raise  # the enrolment is over: what was ours is free by itself
            line.task.uncancel()
        except Exception as error:  # a process boundary: whatever an adapter raises, the connection is tried again
            if ends_the_process(error):
                raise
            self._log.exception("connection broken", name=name)
            rest = self._pause
            self._broken_until[name] = self._clock.monotonic() + rest + LOOK_AGAIN
        await self._give_up(line.duty, rest)
        self._lines.remove(line)
        self._changed()

    async def _connected(self, line: _Line) -> None:
        name = line.duty.name
        if line.left.is_set():
            return
        line.state, line.since = "connecting", self._clock.monotonic()
        async with self._adapter.connected(name, self._reception) as gone:
            line.state = "connected"
            self._broken_until.pop(name, None)
            self._log.info("connection kept", name=name)
            self._changed()
            leaving = asyncio.ensure_future(line.left.wait())
            try:
                await asyncio.wait({leaving, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
            if gone.done():
                gone.result()
                self._over.add(name)
        self._log.info("connection left", name=name)


async def names_of(adapter: Adapter, clock: Clock, pause: float = PAUSE) -> tuple[str, ...]:
    """The connections of a platform, which also proves its token. One that fails in an unknown way is asked again.

    Raises:
        OperatorError: the token is refused.
    """
    while True:
        try:
            return await adapter.connections()
        except Exception as error:  # a process boundary: whatever an adapter raises, the other platforms go on
            if ends_the_process(error):
                raise
            log.exception("connections not known", platform=adapter.capabilities.platform)
        await clock.sleep(pause)
