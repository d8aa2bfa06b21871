"""Receiving from one workspace: what arrives, how far it was dealt with, and what was missed."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import structlog

from adapters.slack.catch_up import CatchUp
from adapters.slack.courtesies import Courtesies
from adapters.slack.inbound import Reader
from adapters.slack.ingress import Ingress
from adapters.slack.replies import Identity
from adapters.slack.stamps import micros
from adapters.slack.watch import Watch
from adapters.slack.workspaces import Workspace
from bot.errors import StoreUnavailable
from bot.relay.contract import Reception
from bot.relay.seen import Seen

log = structlog.get_logger()


def mark_of(identity: Identity) -> str:
    """Name of the note that says how far a workspace's messages have been dealt with."""
    return f"slack seen {identity.tenant}"


class Attendance:
    """Who we are in a workspace, what is in work there, and how far messages have been dealt with."""

    def __init__(
        self,
        workspace: Workspace,
        identity: Identity,
        reception: Reception,
        seen: Seen,
        courtesies: Courtesies,
        watch: Watch,
        room: asyncio.Semaphore,
    ) -> None:
        """Hand events to `reception`; `seen` has been loaded. What was missed is read when there is `room`."""
        self._seen = seen
        self._first = seen.mark is None
        self._identity = identity
        self._again = watch.again
        reader = Reader(identity, workspace.users)
        self.ingress = Ingress(workspace.api, identity, reader, reception, courtesies, self.taking, workspace.prompts)
        self._catch_up = CatchUp(workspace.api, identity, reception, seen, self.ingress.hear_late, watch.again, room)
        self._tasks = (
            asyncio.create_task(seen.keep(), name="slack mark"),
            asyncio.create_task(self._catch_up.keep(), name="slack catch-up"),
        )

    @contextmanager
    def taking(self, ts: str) -> Generator[None]:
        """Around dealing with an event. What cannot be stored is read later, however long Slack sends it again."""
        with self._seen.taking(micros(ts)):
            try:
                yield
            except StoreUnavailable:
                self._catch_up.begin(self._again)
                raise

    async def begin(self) -> None:
        """Keep the mark of the very first start at once: from here on nothing is missed."""
        if self._first:
            self._seen.release(micros(f"{self._identity.at:.6f}"))
            await self._seen.write()

    def missed(self) -> None:
        """Nobody may have listened until now: read what was said. Before the very first start nothing was."""
        if not self._first:
            self._catch_up.begin()
        self._first = False

    def leave_to_keeper(self) -> None:
        """Whoever keeps that duty reads what was missed. Until it is we, the mark stays, whatever we are told."""
        if not self._first:
            self._seen.hold()

    async def take_over(self) -> None:
        """The duty of reading what was missed is ours from now on."""
        try:
            await self._seen.follow()
        except StoreUnavailable as error:  # it costs some reading
            log.warning("slack mark not followed", error=str(error))
        self.missed()

    async def close(self) -> None:
        """End all work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._seen.write()
