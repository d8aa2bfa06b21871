"""What every adapter must do: one suite for all platforms, run against the real client library and a server.

A platform's `conftest.py` gives a fixture `subject`, which says how people act and trouble is made there; an empty
subclass of `AdapterContract` in a test file of its own then runs the suite. What a platform cannot have, its subject
skips, with the reason: `pytest.skip("a terminal has no limits")`.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

import pytest

from bot.domain.deliveries import Address, RemoteFile
from bot.errors import Gone, OperatorError, RateLimited, Refused, Unreachable
from bot.relay.contract import Adapter, Button, Outbound, Posted, RateSignal
from tests.support.reception import RecordingReception

Writing = Literal["post", "edit"]

STOP = (Button(op="stop", run_id="run_1", label="Stop", danger=True),)
FOREIGN = (
    "https://files.example.org/x",
    "http://169.254.169.254/latest/meta-data",
    "http://[::ffff:127.0.0.1]/x",
    "http://127.0.0.1:1/x",
    "file:///etc/passwd",
    "",
)
HOSTILE = (
    "@everyone @here",
    "`@everyone` and\n```\n@here\n```",
    "<!channel> <!here|here> <!everyone>",
    "<!subteam^S0123ABC|@team>",
    "[@everyone](https://example.org) > @here",
    "<\u200b!channel> @\u200beveryone &lt;!here&gt;",
    "<<!here>> @\neveryone",
)


class Subject(ABC):
    """One adapter that is not connected yet, the relay that it talks to, and the platform behind it."""

    adapter: Adapter
    reception: RecordingReception

    # --- people -------------------------------------------------------------------------------------------------

    @abstractmethod
    async def ask(self, text: str) -> None:
        """Somebody says something to the bot that begins a conversation."""

    @abstractmethod
    async def follow_up(self, posted: Posted, text: str) -> None:
        """Somebody goes on where that answer stands, in the way that is usual there."""

    async def say_unheard(self, posted: Posted, text: str) -> None:
        """Somebody goes on where that answer stands, after the last connection was left."""
        await self.until(lambda: not self.connected())
        await self.follow_up(posted, text)

    @abstractmethod
    def person(self) -> str:
        """How the platform writes a live mention of somebody."""

    @abstractmethod
    def shown(self) -> Sequence[str]:
        """The bot's messages as people see them now, in order; words are enough."""

    @abstractmethod
    def pinged(self) -> bool:
        """Whether anything that the bot wrote has pinged somebody, other than as the one who asked."""

    # --- trouble ------------------------------------------------------------------------------------------------

    @abstractmethod
    def deliver_twice(self) -> None:
        """What is said next arrives two times."""

    @abstractmethod
    def limit(self, writing: Writing, seconds: float) -> None:
        """The next such request is answered with 429."""

    @abstractmethod
    def send_limits(self) -> None:
        """From now on replies say how much may still be asked; nothing to do where they always say it."""

    @abstractmethod
    def lose_answer(self) -> None:
        """The next message is created, but the answer to that request never arrives."""

    @abstractmethod
    def lost(self, posted: Posted) -> dict[str, str]:
        """The same message after somebody deleted it, as a reference."""

    @abstractmethod
    def remote_file(self, url: str) -> RemoteFile:
        """A file as `download` gets it, at any address."""

    # --- connections --------------------------------------------------------------------------------------------

    @abstractmethod
    def peer(self) -> Adapter:
        """The same adapter as another process of the same deployment makes it: same tokens, same store."""

    @abstractmethod
    def connected(self) -> bool:
        """Whether the platform could deliver an event now."""

    @abstractmethod
    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds; looked at whenever something changes at the platform."""

    @abstractmethod
    def refused(self) -> Sequence[tuple[str, Adapter]]:
        """For each token: the name of its variable, and an adapter for which that token alone is wrong."""

    @abstractmethod
    async def revoke(self) -> str:
        """Let the platform refuse a token from now on and cut the connection. Returns the name of the variable."""

    # --- what the suite does with it ----------------------------------------------------------------------------

    @asynccontextmanager
    async def listening(self, adapter: Adapter) -> AsyncGenerator[None]:
        """What a process does for receiving beside keeping connections: nothing, unless the platform sends requests."""
        del adapter
        yield

    @asynccontextmanager
    async def kept(self, adapter: Adapter) -> AsyncGenerator[list[asyncio.Future[None]]]:
        """All connections of an adapter, kept by it alone. Gives their futures."""
        async with self.listening(adapter), connected(adapter, self.reception) as gone:
            yield gone

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[list[asyncio.Future[None]]]:
        """The adapter with all its connections, closed afterwards. Gives their futures."""
        try:
            async with self.kept(self.adapter) as gone:
                yield gone
        finally:
            await self.adapter.close()

    async def find(self, address: Address, key: str, since: float, *known: Posted) -> Posted | None:
        """Look a message up beside others of its answer; a platform where nothing can be looked up skips here."""
        return await self.adapter.find(address, key, since, [posted.ref for posted in known])

    async def asked(self, text: str = "hello") -> Address:
        """Where the answer to a new question goes."""
        before = len(self.reception.inbound)
        await self.ask(text)
        return (await self.reception.messages(before + 1))[-1].event.address


@asynccontextmanager
async def connected(adapter: Adapter, reception: RecordingReception) -> AsyncGenerator[list[asyncio.Future[None]]]:
    """All connections of an adapter, kept by it alone."""
    async with AsyncExitStack() as stack:
        names = await adapter.connections()
        yield [await stack.enter_async_context(adapter.connected(name, reception)) for name in names]


class AdapterContract:
    """The suite. Each test needs a fixture `subject`."""

    async def test_a_follow_up_arrives_under_the_key_of_the_question_or_of_the_answer(self, subject: Subject) -> None:
        """Or the next message of a conversation would begin a new one."""
        async with subject.running():
            address = await subject.asked()
            posted = await subject.adapter.post(address, Outbound(text="hi", buttons=STOP), "k1")
            await subject.follow_up(posted, "and more")
            first, second = await subject.reception.messages(2)
        assert second.event.conversation in {first.event.conversation, posted.conversation}
        assert second.event.text == "and more"

    async def test_two_questions_share_no_dedupe_key(self, subject: Subject) -> None:
        async with subject.running():
            await subject.asked("hello")
            await subject.asked("hello")
        first, second = subject.reception.inbound
        assert set(first.event.keys).isdisjoint(second.event.keys)

    async def test_a_second_delivery_has_the_same_dedupe_key(self, subject: Subject) -> None:
        async with subject.running():
            subject.deliver_twice()
            await subject.ask("hello")
            await subject.reception.until(lambda: len(subject.reception.deliveries) >= 2)
            first, second = subject.reception.deliveries[:2]
        assert set(first.event.keys) & set(second.event.keys)
        assert len(subject.reception.inbound) == 1

    async def test_own_messages_are_not_heard(self, subject: Subject) -> None:
        """The platform reports them like anybody's; an answer to an answer would never end."""
        async with subject.running():
            address = await subject.asked("first")
            posted = await subject.adapter.post(address, Outbound(text="mine"), "k1")
            await subject.adapter.edit(address, posted.ref, Outbound(text="mine, changed", final=True))
            await subject.asked("second")
        assert {inbound.event.text for inbound in subject.reception.deliveries} == {"first", "second"}

    async def test_a_message_that_was_posted_is_found_by_its_key_and_edited(self, subject: Subject) -> None:
        async with subject.running():
            address, since = await subject.asked(), time.time() - 60
            first = await subject.adapter.post(address, Outbound(text="before", buttons=STOP), "k1")
            second = await subject.adapter.post(address, Outbound(text="after", buttons=STOP, continuation=True), "k2")
            found = await subject.find(address, "k1", since, second)
            assert found is not None
            await subject.adapter.edit(address, found.ref, Outbound(text="changed"))
            assert await subject.find(address, "k3", since, first, second) is None
        changed, other = subject.shown()
        assert "changed" in changed
        assert "after" in other

    async def test_the_final_edit_shows_the_answer_without_its_buttons(self, subject: Subject) -> None:
        async with subject.running():
            address = await subject.asked()
            posted = await subject.adapter.post(address, Outbound(text="one", buttons=STOP), "k1")
            await subject.adapter.edit(address, posted.ref, Outbound(text="one two", final=True))
        (answer,) = subject.shown()
        assert "one two" in answer
        assert "Stop" not in answer

    async def test_an_edit_of_a_lost_message_is_gone(self, subject: Subject) -> None:
        async with subject.running():
            address = await subject.asked()
            posted = await subject.adapter.post(address, Outbound(text="one"), "k1")
            with pytest.raises(Gone):
                await subject.adapter.edit(address, subject.lost(posted), Outbound(text="two"))

    @pytest.mark.parametrize("writing", ["post", "edit"])
    async def test_a_429_is_waited_out_or_told(self, subject: Subject, writing: Writing) -> None:
        """Either the call returns and took effect once, or it raises how long to wait and nothing happened."""
        async with subject.running():
            address = await subject.asked()
            posted = await subject.adapter.post(address, Outbound(text="one", buttons=STOP), "k1")
            subject.limit(writing, 1.0)
            two = Outbound(text="two", continuation=writing == "post")
            limited: RateLimited | None = None
            try:
                if writing == "post":
                    await subject.adapter.post(address, two, "k2")
                else:
                    await subject.adapter.edit(address, posted.ref, two)
            except RateLimited as error:
                limited = error
        seen = len([text for text in subject.shown() if "two" in text])
        assert seen == (0 if limited else 1)
        assert limited is None or limited.retry_after > 0

    async def test_a_post_whose_answer_was_lost_is_unreachable_and_then_found(self, subject: Subject) -> None:
        """So that nobody sees an answer twice."""
        async with subject.running():
            address, since = await subject.asked(), time.time() - 60
            subject.lose_answer()
            with pytest.raises(Unreachable):
                await subject.adapter.post(address, Outbound(text="one", buttons=STOP), "k1")
            found = await subject.find(address, "k1", since)
            assert found is not None
            await subject.adapter.edit(address, found.ref, Outbound(text="one two"))
        (answer,) = subject.shown()
        assert "one two" in answer

    @pytest.mark.parametrize("url", FOREIGN)
    async def test_a_file_from_elsewhere_is_refused(self, subject: Subject, url: str) -> None:
        """The token must not leave, and neither may anything inside our network be read."""
        async with subject.running():
            with pytest.raises(Refused):
                _ = [piece async for piece in subject.adapter.download(subject.remote_file(url))]

    @pytest.mark.parametrize("text", HOSTILE)
    async def test_nothing_that_the_model_writes_pings_anybody(self, subject: Subject, text: str) -> None:
        async with subject.running():
            address = await subject.asked()
            hostile = f"{text} {subject.person()}"
            posted = await subject.adapter.post(address, Outbound(text=subject.adapter.dialect.convert(hostile)), "k1")
            await subject.adapter.edit(address, posted.ref, Outbound(text="calm"))
            again = Outbound(text=subject.adapter.dialect.convert(f"{hostile} {text}"), final=True)
            await subject.adapter.edit(address, posted.ref, again)
            assert not subject.pinged()

    async def test_limits_that_replies_tell_are_told(self, subject: Subject) -> None:
        """Of the bucket of edits, so that nobody has to run into them. A 429 is raised and not told as well."""
        told: list[RateSignal] = []
        subject.send_limits()
        subject.adapter.on_limits(told.append)
        async with subject.running():
            address = await subject.asked()
            posted = await subject.adapter.post(address, Outbound(text="one", buttons=STOP), "k1")
            await subject.adapter.edit(address, posted.ref, Outbound(text="one two", final=True))
        bucket = subject.adapter.terms(address).bucket
        assert [signal for signal in told if signal.bucket == bucket and signal.limit and signal.remaining is not None]
        assert [signal for signal in told if signal.retry_after is not None] == []

    # --- connections --------------------------------------------------------------------------------------------

    async def test_connections_have_the_same_names_in_every_process_and_no_two_alike(self, subject: Subject) -> None:
        """By these names processes agree on who keeps which."""
        peer = subject.peer()
        try:
            names = await subject.adapter.connections()
            assert await subject.adapter.connections() == names
            assert await peer.connections() == names
        finally:
            await subject.adapter.close()
            await peer.close()
        assert names
        assert len(set(names)) == len(names)
        assert all(name.startswith(subject.adapter.capabilities.platform) for name in names)

    async def test_each_connection_can_be_kept_alone_and_left_again(self, subject: Subject) -> None:
        """The others may be in another process, or in none."""
        try:
            for name in await subject.adapter.connections():
                async with subject.adapter.connected(name, subject.reception) as gone:
                    assert not gone.done()
                await subject.until(lambda: not subject.connected())
        finally:
            await subject.adapter.close()

    async def test_an_adapter_that_was_never_connected_writes(self, subject: Subject) -> None:
        """Worker processes keep no connection and write all answers."""
        worker = subject.peer()
        try:
            async with subject.running():
                address = await subject.asked()
                posted = await worker.post(address, Outbound(text="one", buttons=STOP), "k1")
                await worker.status(address, "is thinking…")
                await worker.edit(address, posted.ref, Outbound(text="one two", final=True))
        finally:
            await worker.close()
        assert "one two" in subject.shown()[-1]

    async def test_what_was_said_between_two_keepers_arrives_once(self, subject: Subject) -> None:
        """By the key that it would have had live; what was heard before is not answered again."""
        reception, peer = subject.reception, subject.peer()
        async with subject.running():
            address = await subject.asked("before")
            posted = await subject.adapter.post(address, Outbound(text="hi", final=True), "k1")
        if posted.conversation is not None:
            reception.join(posted.conversation)
        await subject.say_unheard(posted, "meanwhile")
        try:
            async with subject.kept(peer):
                await reception.messages(2)
                await subject.follow_up(posted, "live")
                await reception.messages(3)
        finally:
            await peer.close()
        assert [inbound.event.text for inbound in reception.inbound] == ["before", "meanwhile", "live"]

    async def test_a_refused_token_stops_the_start_and_names_its_variable(self, subject: Subject) -> None:
        for variable, adapter in subject.refused():
            with pytest.raises(OperatorError, match=variable):
                async with asyncio.timeout(20), subject.kept(adapter):
                    pass
            await adapter.close()

    async def test_a_token_that_is_refused_later_ends_the_futures(self, subject: Subject) -> None:
        """An adapter that can never deliver again does not die in silence."""
        async with subject.running() as gone:
            await subject.asked()
            assert not any(future.done() for future in gone)
            variable = await subject.revoke()
            await asyncio.wait(gone, timeout=30)
            for future in gone:
                assert future.done()
                assert isinstance(future.exception(), OperatorError)
                assert variable in str(future.exception())

    async def test_receiving_ends_with_the_connection_and_writing_goes_on_until_close(self, subject: Subject) -> None:
        """At the end of a process nothing new is taken, but what was begun is finished."""
        try:
            async with subject.kept(subject.adapter):
                address = await subject.asked("before")
                posted = await subject.adapter.post(address, Outbound(text="one", buttons=STOP), "k1")
            await subject.until(lambda: not subject.connected())
            await subject.ask("after")
            await subject.adapter.edit(address, posted.ref, Outbound(text="one two", final=True))
        finally:
            await subject.adapter.close()
        assert "one two" in subject.shown()[-1]
        assert {inbound.event.text for inbound in subject.reception.deliveries} == {"before"}
