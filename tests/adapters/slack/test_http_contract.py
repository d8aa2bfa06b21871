"""Slack keeps the contract of all adapters also when it sends requests."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from bot.playground.slack import SlackStandIn
from bot.ports import Notes
from bot.relay.contract import Adapter
from tests.adapters.slack.conftest import SlackSubject, adapter_of
from tests.adapters.slack.serving import serving
from tests.contract.adapter import AdapterContract, Subject
from tests.support.reception import RecordingReception


class SlackHttpSubject(SlackSubject):
    """Slack with a request URL: no socket, no app token."""

    servers = 0

    def peer(self) -> Adapter:
        return adapter_of(self.slack, self.notes, http=True)

    @asynccontextmanager
    async def listening(self, adapter: Adapter) -> AsyncGenerator[None]:
        async with serving(adapter, self.reception, self.slack):
            self.servers += 1
            yield
            self.servers -= 1

    def connected(self) -> bool:
        return self.servers > 0

    def refused(self) -> Sequence[tuple[str, Adapter]]:
        return [("SLACK_BOT_TOKEN", adapter_of(self.slack, self.notes, bot_token="xoxb-wrong", http=True))]

    async def revoke(self) -> str:
        self.slack.faults.add("*", "error", 1_000, error="token_revoked")
        await self.slack.speak("ben", "general", "@Parley are you there?")
        return "SLACK_BOT_TOKEN"


@pytest.fixture
def subject(slack: SlackStandIn, reception: RecordingReception, notes: Notes) -> Subject:
    return SlackHttpSubject(slack, reception, notes)


class TestContract(AdapterContract):
    """See the suite."""
