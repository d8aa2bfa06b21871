"""A very long answer over minutes, through limits, lost answers and a disconnect: all of it arrives, once.

The relay's clock runs `SPEED` times as fast as the real one, and the stand-ins' windows are shortened by as much.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import pytest
from pydantic import SecretStr

from adapters.discord import DiscordConfig
from adapters.slack import SlackConfig
from adapters.slack.watch import Watch
from bot.domain.lanes import Lease, Work
from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.playground.discord.rules import Rate
from bot.playground.discord.world import Message
from bot.playground.slack import SlackRules, SlackStandIn
from bot.playground.slack.rules import StreamRules
from bot.ports import RunSink, Store
from bot.relay import Relay
from bot.relay.contract import Adapter
from tests.support.figures import tell
from tests.support.hastened import HastenedDiscord, HastenedSlack
from tests.support.long_answer import difference, long_answer, words
from tests.support.rules import SameEverywhere
from tests.support.run_script import FastClock, RunScript, StoreControl, assistant_of, enrolled

SPEED = 20.0
CHARACTERS = 40_000
SECONDS = 7 * 60.0
STORM = 20.0
"""Seconds for which every write is refused, three times."""
STORMS = (60.0, 200.0, 330.0)
LOST = {"discord": (30.0, 150.0, 290.0), "general": (30.0, 150.0, 290.0), "dm": (310.0, 350.0, 390.0)}
"""When the answer to the next request that changes a message is lost. After that an answer in direct messages is not a
native stream any more, so there it comes late."""
DISCONNECT = 120.0
LOOKS = (25.0, 55.0)
"""When somebody looks how far the answer has come."""
LEAST_EDITS = 15
"""On Slack there is one in ten seconds at least; on Discord only the first five messages grow, the rest is attached."""


class Theatre(Protocol):
    """A platform, the bot's adapter, and how people see what it wrote."""

    name: str

    @property
    def adapter(self) -> Adapter:
        """The bot's side."""
        ...

    async def ask(self) -> None:
        """Somebody asks."""
        ...

    def storm(self) -> None:
        """Refuse every write for `STORM` seconds."""
        ...

    def lose(self) -> None:
        """The next change of a message takes effect, but its answer never arrives."""
        ...

    def drop(self) -> None:
        """Cut the connection by which events come."""
        ...

    def connected(self) -> bool:
        """Whether events could come."""
        ...

    def shown(self) -> Sequence[str]:
        """What the bot's messages say, in order."""
        ...

    def attached(self) -> str | None:
        """The text of an attached `answer.md`."""
        ...

    def counts(self) -> tuple[int, int, int]:
        """Messages made, changes to messages, and requests that were answered with 429."""
        ...

    def streams(self) -> int:
        """How many of the messages were begun as native streams."""
        ...

    def outlived(self) -> bool:
        """Whether a stream was ended by the platform because it had become too old or too long."""
        ...

    def lost(self) -> int:
        """How many changes took effect without an answer."""
        ...

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds."""
        ...


class DiscordTheatre:
    """A thread in a Discord channel."""

    name = "discord, thread"

    def __init__(self, server: DiscordStandIn, store: Store) -> None:
        self.server = server
        config = DiscordConfig(
            token=SecretStr(server.token), api_url=server.api_url, gateway_url=server.gateway_url, restart_pause=0.05
        )
        self.adapter = HastenedDiscord(config, store.notes)
        self.adapter.speed = SPEED

    async def ask(self) -> None:
        await self.server.speak("ada", self.server.channel_id("general"), "@Parley tell me everything")

    def storm(self) -> None:
        self.server.limit_rate(STORM / SPEED)

    def lose(self) -> None:
        self.server.faults.add("PATCH /channels/{channel_id}/messages/{message_id}", "cut_after")

    def drop(self) -> None:
        self.server.drop_connection()

    def connected(self) -> bool:
        return self.server.gateway.connected

    def shown(self) -> Sequence[str]:
        return [message.content for message in self._answers()]

    def attached(self) -> str | None:
        files = [file for message in self._answers() for file in message.attachments if file.filename == "answer.md"]
        return files[0].content.decode() if files else None

    def counts(self) -> tuple[int, int, int]:
        calls = [call for call in self.server.calls if "/messages" in call.template]
        made = sum(1 for call in calls if call.method == "POST" and call.status == 200)
        changed = sum(1 for call in calls if call.method == "PATCH" and call.status == 200)
        return made, changed, sum(1 for call in self.server.calls if call.status == 429)

    def streams(self) -> int:
        return 0

    def outlived(self) -> bool:
        return False

    def lost(self) -> int:
        return sum(1 for call in self.server.calls if call.method == "PATCH" and call.status == 0)

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.server.wait_for(condition, 30)

    def _answers(self) -> list[Message]:
        channels = self.server.world.channels.values()
        messages = [message for channel in channels for message in channel.messages.values()]
        return [message for message in messages if message.author is self.server.world.bot]


class SlackTheatre:
    """A thread in a Slack channel, or the direct messages with the bot."""

    def __init__(self, server: SlackStandIn, store: Store, channel: str) -> None:
        self.server = server
        self.name = f"slack, {channel}"
        self._channel = channel
        config = SlackConfig(
            bot_token=SecretStr(server.bot_token),
            app_token=SecretStr(server.app_token),
            api_url=server.api_url,
            connections=1,
            share_waits=(0.05, 0.1, 0.2),
        )
        self.adapter = HastenedSlack(config, store.notes, Watch(ping=0.5, tick=0.1, renew_after=0.4, gap=0.5))
        self.adapter.speed = SPEED

    async def ask(self) -> None:
        text = "tell me everything" if self._channel == "dm" else "@Parley tell me everything"
        await self.server.speak("ada", self._channel, text)

    def storm(self) -> None:
        self.server.limit_rate(STORM / SPEED)

    def lose(self) -> None:
        for method in ("chat.update", "chat.appendStream"):
            self.server.faults.add(method, "cut_after")

    def drop(self) -> None:
        self.server.drop_connection()

    def connected(self) -> bool:
        return self.server.connections > 0

    def shown(self) -> Sequence[str]:
        messages = [one for channel in self.server.world.channels for one in self.server.world.messages(channel)]
        return [_markdown(one.blocks) or one.text for one in messages if one.from_bot and one.only_for is None]

    def attached(self) -> str | None:
        files = [file for file in self.server.world.files.values() if file.name == "answer.md"]
        return files[0].content.decode() if files else None

    def counts(self) -> tuple[int, int, int]:
        def count(*methods: str) -> int:
            return sum(1 for call in self.server.calls if call.method in methods and call.ok)

        made = count("chat.postMessage", "chat.startStream")
        changed = count("chat.update", "chat.appendStream", "chat.stopStream")
        return made, changed, sum(1 for call in self.server.calls if call.status == 429)

    def streams(self) -> int:
        return sum(1 for call in self.server.calls if call.method == "chat.startStream" and call.ok)

    def outlived(self) -> bool:
        endings = ("message_not_in_streaming_state", "msg_too_long")
        return any(call.error in endings for call in self.server.calls if call.method == "chat.appendStream")

    def lost(self) -> int:
        return sum(1 for call in self.server.calls if call.error == "cut_after")

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.server.wait_for(condition, 30)


def _markdown(blocks: Sequence[Mapping[str, object]]) -> str:
    return "\n".join(str(block["text"]) for block in blocks if block.get("type") == "markdown")


@asynccontextmanager
async def theatre(kind: str, store: Store) -> AsyncGenerator[Theatre]:
    """The platform, with its windows shortened."""
    if kind == "discord":
        few, many = Rate(limit=5, window=5 / SPEED), Rate(limit=1_000, window=1)
        rules = DiscordRules(sends=few, edits=few, others=many, global_limit=int(50 * SPEED))
        async with DiscordStandIn(rules=rules) as server:
            yield DiscordTheatre(server, store)
    else:
        streams = StreamRules(seconds=300 / SPEED)
        slack_rules = SlackRules(pace=SPEED, ack_seconds=2.0, share_seconds=0.05, streams=streams)
        async with SlackStandIn(rules=slack_rules, seed=7) as server:
            yield SlackTheatre(server, store, kind)


async def speak(script: RunScript, clock: FastClock, source: str, events: dict[float, Callable[[], None]]) -> None:
    """The model writes `source` at an even pace over `SECONDS`; at their times, trouble comes, or somebody looks."""
    began, said = clock.monotonic(), 0
    pending = sorted(events)
    while said < len(source):
        elapsed = clock.monotonic() - began
        while pending and elapsed >= pending[0]:
            events[pending.pop(0)]()
        due = min(len(source), int(elapsed / SECONDS * len(source)) + 1)
        if due > said:
            await script.say(source[said:due])
            said = due
        await clock.sleep(0.5)


async def accepted(store: Store) -> tuple[Work, Lease]:
    """The work that the accepted question makes."""
    worker = await enrolled(store)
    async with asyncio.timeout(20):
        while not (leases := await store.lanes.claim(worker, 1)):
            await store.lanes.wait(0.1)
    work = await store.lanes.next_work(leases[0])
    assert work is not None
    return work, leases[0]


@asynccontextmanager
async def asked_on(stage: Theatre, store: Store, clock: FastClock) -> AsyncGenerator[tuple[RunScript, RunSink]]:
    """A question came over the platform's own connection, and its run is ours."""
    control = StoreControl(store)
    relay = Relay(store, [stage.adapter], SameEverywhere(await assistant_of(store)), clock, control)
    platform = stage.adapter.capabilities.platform
    async with AsyncExitStack() as stack:
        stack.push_async_callback(stage.adapter.close)
        for name in await stage.adapter.connections():
            await stack.enter_async_context(stage.adapter.connected(name, relay.reception(platform)))
        await stage.ask()
        work, lease = await accepted(store)
        sink = await stack.enter_async_context(relay.open(work, lease))
        yield RunScript(store, lease, work.run, sink), sink


@pytest.mark.parametrize("kind", ["discord", "general", "dm"])
async def test_forty_thousand_characters_arrive_complete(sqlite_store: Store, kind: str) -> None:
    """Through rotation, storms of 429, lost answers and a disconnect the text equals the model's."""
    source, clock = long_answer(CHARACTERS), FastClock(SPEED)
    async with theatre(kind, sqlite_store) as stage, asked_on(stage, sqlite_store, clock) as (script, sink):
        await script.start()
        seen: list[int] = []
        trouble: dict[float, Callable[[], None]] = {
            **dict.fromkeys(LOOKS, lambda: seen.append(sum(len(text) for text in stage.shown()))),
            **dict.fromkeys(STORMS, stage.storm),
            **dict.fromkeys(LOST[kind], stage.lose),
            DISCONNECT: stage.drop,
        }
        await speak(script, clock, source, trouble)
        run = await script.complete()
        ended = time.monotonic()
        await sink.finish(run)
        delay = (time.monotonic() - ended) * SPEED
        attached, shown = stage.attached(), stage.shown()
        if attached is None:
            assert difference(source, shown) == ""
        else:
            assert difference(source, [attached]) == ""
            whole, beginning = words(source), words("\n".join(shown[:-1]))
            assert len(shown) == stage.adapter.capabilities.max_segments
            assert len(beginning) > 500
            assert beginning == whole[: len(beginning)]
        await stage.until(stage.connected)
        assert 0 < seen[0] < seen[1]  # people watched it grow
        assert (stage.streams() >= 3) == (kind == "dm")
        assert not stage.outlived()
        made, changed, limited = stage.counts()
        assert changed >= LEAST_EDITS
        assert limited > 0
        assert stage.lost() >= len(LOST[kind])
        tell(
            f"40,000 characters in 7 min, {stage.name}: {made} messages ({stage.streams()} streams), {changed} edits, "
            f"{limited} x 429, "
            f"final edit after {delay:.1f} s{', rest attached' if attached else ''}"
        )
