"""A process that only answers opens no connection, so it has to find out otherwise whether its tokens are good."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from bot.errors import first_of
from bot.ports import Clock, Enrolment
from bot.relay.contract import Adapter
from bot.relay.share import names_of

log = structlog.get_logger()


class TokenCheck:
    """Implements `bot.ports.Activity`: asks every platform once who we are, and then does nothing more."""

    def __init__(self, adapters: Sequence[Adapter], clock: Clock) -> None:
        """Check the tokens of `adapters`; a platform that does not answer is asked until it does."""
        self.settled = asyncio.Event()
        """Set when all of them are accepted."""
        self._adapters = adapters
        self._clock = clock

    def states(self) -> Mapping[str, str]:
        """Every platform may be written to."""
        return {adapter.capabilities.platform: "accepted" for adapter in self._adapters}

    async def work(self, enrolment: Enrolment) -> None:
        """Ask, then wait until cancelled.

        Raises:
            OperatorError: a token is refused; the text names its variable.
        """
        del enrolment
        try:
            async with asyncio.TaskGroup() as group:
                for adapter in self._adapters:
                    group.create_task(names_of(adapter, self._clock))
        except BaseExceptionGroup as failures:
            raise first_of(failures) from None  # one refused token is enough, and its sentence says it all
        log.info("tokens accepted", platforms=[adapter.capabilities.platform for adapter in self._adapters])
        self.settled.set()
        await asyncio.Event().wait()

    async def drain(self) -> None:
        """Nothing was begun that had to be finished."""
