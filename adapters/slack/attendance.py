"""Receiving from one workspace: what arrives, how far it was dealt with, and what was missed."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

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
    ) -> None:
        """Hand events to `reception`; `seen` has been loaded."""
        self._seen = seen
        self._first = seen.mark is None
        self._identity = identity
        self._again = watch.again
        reader = Reader(identity, workspace.users)
        self.ingress = Ingress(workspace.api, identity, reader, reception, courtesies, self.taking)
        self._catch_up = CatchUp(workspace.api, identity, reception, seen, self.ingress.hear_late, watch.again)
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

    async def close(self) -> None:
        """End all work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._seen.write()
