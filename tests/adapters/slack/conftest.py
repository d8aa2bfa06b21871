"""The real SDK against the stand-in server."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from adapters.slack import SlackAdapter, SlackConfig
from adapters.slack.watch import Watch
from bot.domain.deliveries import RemoteFile
from bot.playground.slack import SlackRules, SlackStandIn
from bot.playground.slack.manifest import rules_of
from bot.ports import Notes, Store
from bot.relay.contract import Adapter, Posted
from tests.contract.adapter import Subject, Writing
from tests.support.reception import RecordingReception

QUICK = Watch(ping=0.2, tick=0.05, renew_after=0.4, replace_after=600.0, goodbye=1.0, gap=0.5, look=0.1)
MANIFEST = (Path(__file__).parents[3] / "adapters/slack/manifest.json").read_text()
RULES = rules_of(MANIFEST, SlackRules(ack_seconds=1.0, retry_delays=(0.05, 0.1, 0.1), share_seconds=0.05, pace=0.0))
"""The app as it is made from its manifest."""


@asynccontextmanager
async def connected(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, connections: int = 1, watch: Watch = QUICK
) -> AsyncGenerator[SlackAdapter]:
    """An adapter with all its connections."""
    adapter = adapter_of(slack, notes, connections, watch)
    try:
        async with AsyncExitStack() as stack:
            for name in await adapter.connections():
                await stack.enter_async_context(adapter.connected(name, reception))
            yield adapter
    finally:
        await adapter.close()


def adapter_of(
    slack: SlackStandIn,
    notes: Notes,
    connections: int = 1,
    watch: Watch = QUICK,
    *,
    bot_token: str = "",
    app_token: str = "",
    http: bool = False,
) -> SlackAdapter:
    """An adapter that is not connected yet; tokens are the right ones unless given. With `http` it has no app token."""
    config = SlackConfig.model_validate(
        {
            "bot_token": bot_token or slack.bot_token,
            "app_token": None if http else app_token or slack.app_token,
            "signing_secret": slack.signing_secret if http else None,
            "api_url": slack.api_url,
            "connections": connections,
            "share_waits": (0.05, 0.1, 0.2),
            "look_waits": (0.0, 0.1, 0.1),
        }
    )
    return SlackAdapter(config, notes, watch)


class SlackSubject(Subject):
    """Slack for the contract suite: mentions in a channel, answered in threads."""

    def __init__(self, slack: SlackStandIn, reception: RecordingReception, notes: Notes) -> None:
        self.slack = slack
        self.notes = notes
        self.adapter = self.peer()
        self.reception = reception

    def peer(self) -> Adapter:
        return adapter_of(self.slack, self.notes, connections=2)

    async def ask(self, text: str) -> None:
        await self.slack.speak("ada", "general", f"@Parley {text}")

    async def say_unheard(self, posted: Posted, text: str) -> None:
        self.slack.lose_next_events(1)
        await super().say_unheard(posted, text)

    async def follow_up(self, posted: Posted, text: str) -> None:
        await self.slack.speak("ben", "general", text, thread=posted.ref["ts"])

    def person(self) -> str:
        return "<@U000000BEN>"

    def shown(self) -> Sequence[str]:
        messages = [message for message in self.slack.view().messages if message.author == "bot"]
        return [f"{message.html} {[button.label for button in message.buttons]}" for message in messages]

    def pinged(self) -> bool:
        return bool(self.slack.pings)

    def deliver_twice(self) -> None:
        self.slack.duplicate_next_events(2)

    def limit(self, writing: Writing, seconds: float) -> None:
        self.slack.faults.add("chat.postMessage" if writing == "post" else "chat.update", "429", seconds=seconds)

    def send_limits(self) -> None:
        pytest.skip("Slack's replies do not say how much may still be asked")

    def lose_answer(self) -> None:
        self.slack.faults.add("chat.postMessage", "cut_after")

    def lost(self, posted: Posted) -> dict[str, str]:
        return {**posted.ref, "ts": "1.000001"}

    def remote_file(self, url: str) -> RemoteFile:
        return RemoteFile(name="x", source={"url": url, "type": "text/plain"})

    def connected(self) -> bool:
        return self.slack.connections > 0

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.slack.wait_for(condition)

    def refused(self) -> Sequence[tuple[str, Adapter]]:
        return [
            ("SLACK_BOT_TOKEN", adapter_of(self.slack, self.notes, bot_token="xoxb-wrong")),
            ("SLACK_APP_TOKEN", adapter_of(self.slack, self.notes, app_token="xapp-wrong")),
        ]

    async def revoke(self) -> str:
        self.slack.faults.add("apps.connections.open", "error", 1_000, error="token_revoked")
        self.slack.drop_connection()
        return "SLACK_APP_TOKEN"


@pytest.fixture
def notes(sqlite_store: Store) -> Notes:
    """What all processes of a deployment remember together."""
    return sqlite_store.notes


@pytest.fixture
def subject(slack: SlackStandIn, reception: RecordingReception, notes: Notes) -> Subject:
    return SlackSubject(slack, reception, notes)


@pytest.fixture
async def slack() -> AsyncGenerator[SlackStandIn]:
    async with SlackStandIn(rules=RULES) as server:
        yield server


@pytest.fixture
def reception() -> RecordingReception:
    return RecordingReception()


@pytest.fixture
async def adapter(slack: SlackStandIn, reception: RecordingReception, notes: Notes) -> AsyncGenerator[SlackAdapter]:
    """A connected adapter with one connection."""
    async with connected(slack, reception, notes) as running:
        yield running
