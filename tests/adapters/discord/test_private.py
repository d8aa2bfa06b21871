"""Answers for the asker alone, and where the bot is no member: through the interaction's token."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.deliveries import Address, Event
from bot.errors import Forbidden, Gone, Unreachable
from bot.playground.discord import DiscordRules
from bot.playground.view import MessageView
from bot.ports import Store
from bot.relay.contract import Button, Outbound, OutboundFile
from tests.adapters.discord.conftest import Bench, connected

FOLLOW_UP = "POST /webhooks/{webhook_id}/{webhook_token}"
SEND = "POST /channels/{channel_id}/messages"
STOP = (Button(op="stop", run_id="run_1", label="Stop"),)


@pytest.fixture
async def bench(sqlite_store: Store) -> AsyncIterator[Bench]:
    """The commands are registered everywhere, as people who install the bot for themselves need it."""
    async with connected(sqlite_store, everywhere=True) as made:
        yield made


@pytest.fixture(params=[50027, 10015])
async def strict(request: pytest.FixtureRequest, sqlite_store: Store) -> AsyncIterator[Bench]:
    """A dead token is refused in both ways that are seen."""
    async with connected(sqlite_store, DiscordRules(dead_token=request.param), everywhere=True) as bench:
        yield bench


async def asked(bench: Bench, channel: str, *, person: str = "ada", private: bool = True) -> Event:
    options = {"question": "why?"} | ({"private": "true"} if private else {})
    before = len(bench.reception.inbound)
    await bench.server.command(person, channel, "ask", options)
    return (await bench.reception.messages(before + 1))[-1].event


def own(bench: Bench) -> list[MessageView]:
    return [message for message in bench.server.view().messages if message.author == "bot"]


def sends(bench: Bench) -> list[str]:
    return [call.path for call in bench.server.calls if call.route == SEND]


class TestPrivate:
    async def test_only_the_asker_sees_any_part_of_the_answer(self, bench: Bench) -> None:
        event = await asked(bench, bench.channel("general"))
        assert event.address.private
        first = await bench.adapter.post(event.address, Outbound(text="one", buttons=STOP), "k-0")
        second = await bench.adapter.post(event.address, Outbound(text="two", continuation=True), "k-1")
        await bench.adapter.edit(event.address, first.ref, Outbound(text="one!"))
        await bench.adapter.edit(event.address, second.ref, Outbound(text="two!", continuation=True, final=True))
        assert [(m.only_for, m.html.split("\n")[-1]) for m in own(bench)] == [
            ("ada", own(bench)[0].html.split("\n")[-1]),
            ("ada", "<p>two!</p>"),
        ]
        assert "one!" in own(bench)[0].html
        assert not sends(bench)
        assert not bench.server.pings

    async def test_it_is_a_conversation_of_the_asker_alone(self, bench: Bench) -> None:
        """Their next private question there continues it; nobody else's does, and no public one."""
        general = bench.channel("general")
        keys = [
            (await asked(bench, general)).conversation,
            (await asked(bench, general)).conversation,
            (await asked(bench, general, person="ben")).conversation,
            (await asked(bench, bench.channel("support"))).conversation,
            (await asked(bench, general, private=False)).conversation,
        ]
        assert keys[0] == keys[1]
        assert len(set(keys)) == 4

    async def test_in_a_thread_it_is_not_the_threads_conversation(self, bench: Bench) -> None:
        await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
        (public,) = await bench.reception.messages(1)
        posted = await bench.adapter.post(public.event.address, Outbound(text="hi"), "k1")
        private = await asked(bench, posted.ref["channel"])
        assert private.conversation != public.event.conversation
        assert private.parent == f"discord:{bench.server.guild_id}:{bench.channel('general')}"

    async def test_new_ends_the_private_conversation_that_the_person_spoke_in_last(self, bench: Bench) -> None:
        event = await asked(bench, bench.channel("general"))
        await bench.server.command("ada", bench.channel("general"), "new", {})
        assert [(c.conversation, c.elsewhere) for c in bench.reception.commands] == [(event.conversation, True)]

    async def test_a_button_under_it_works(self, bench: Bench) -> None:
        event = await asked(bench, bench.channel("general"))
        await bench.adapter.post(event.address, Outbound(text="one", buttons=STOP), "k-0")
        (message,) = own(bench)
        await bench.server.press("ada", message.channel, message.id, message.buttons[0].id)
        await bench.reception.until(lambda: bool(bench.reception.presses))

    async def test_files_come_with_the_last_part(self, bench: Bench) -> None:
        event = await asked(bench, bench.channel("general"))
        file = OutboundFile(name="a.txt", content=b"abc", media_type="text/plain")
        await bench.adapter.post(event.address, Outbound(text="one"), "k-0")
        posted = await bench.adapter.post(event.address, Outbound(text="two", continuation=True), "k-1")
        last = Outbound(text="two", continuation=True, final=True, files=(file,))
        await bench.adapter.edit(event.address, posted.ref, last)
        assert [[shown.name for shown in message.files] for message in own(bench)] == [[], ["a.txt"]]

    async def test_after_the_token_has_died_it_goes_on_in_a_direct_message(self, strict: Bench) -> None:
        """Never in public. The same is true for an edit, whose text the relay then posts anew."""
        event = await asked(strict, strict.channel("general"))
        posted = await strict.adapter.post(event.address, Outbound(text="one"), "k-0")
        strict.server.clock.advance(strict.server.rules.interaction_life + 1)
        with pytest.raises(Gone):
            await strict.adapter.edit(event.address, posted.ref, Outbound(text="one two"))
        again = await strict.adapter.post(event.address, Outbound(text="one two"), "k-1")
        await strict.adapter.edit(event.address, again.ref, Outbound(text="one two three", final=True))
        (late,) = [message for message in own(strict) if "three" in message.html]
        assert late.channel == strict.dm("ada")
        assert sends(strict) == [f"/channels/{strict.dm('ada')}/messages"]

    async def test_a_direct_message_is_posted_once(self, bench: Bench) -> None:
        event = await asked(bench, bench.channel("general"))
        bench.server.clock.advance(bench.server.rules.interaction_life + 1)
        bench.server.faults.add(SEND, "cut_after")
        with pytest.raises(Unreachable):
            await bench.adapter.post(event.address, Outbound(text="late", buttons=STOP), "k-0")
        found = await bench.adapter.find(event.address, "k-0", 0.0, [])
        assert found is not None
        assert await bench.adapter.post(event.address, Outbound(text="late", buttons=STOP), "k-0") == found

    async def test_where_no_direct_message_can_be_written_it_ends(self, bench: Bench) -> None:
        """The relay gives the answer up and logs it."""
        event = await asked(bench, bench.channel("general"))
        bench.server.clock.advance(bench.server.rules.interaction_life + 1)
        bench.server.deny(bench.dm("ada"), 50007)
        with pytest.raises(Forbidden):
            await bench.adapter.post(event.address, Outbound(text="late"), "k-0")
        assert not [message for message in own(bench) if "late" in message.html]

    async def test_in_a_direct_message_everything_is_private_already(self, bench: Bench) -> None:
        event = await asked(bench, bench.dm("ada"))
        assert not event.address.private
        assert event.conversation == f"discord:dm:{bench.dm('ada')}"


class TestWhereTheBotIsNoMember:
    @pytest.mark.parametrize("elsewhere", ["group", "server"])
    async def test_everything_is_answered_through_the_interaction(self, bench: Bench, elsewhere: str) -> None:
        server = bench.server
        channel = server.found_group("ada", "ben") if elsewhere == "group" else server.found_server()
        event = await asked(bench, channel, private=False)
        assert not event.address.private
        assert event.scope == ""
        terms = bench.adapter.terms(event.address)
        assert terms.max_segments == 5
        for number in range(5):
            outbound = Outbound(text=f"part {number}", continuation=number > 0)
            await bench.adapter.post(event.address, outbound, f"k-{number}")
        await bench.adapter.status(event.address, "thinking")
        assert [m.only_for for m in own(bench) if m.channel == channel] == [None] * 5
        assert not [call.route for call in server.calls if call.route.split()[1].startswith("/channels")]

    async def test_each_person_has_a_conversation_of_their_own_there(self, bench: Bench) -> None:
        group = bench.server.found_group("ada", "ben")
        mine, again = await asked(bench, group, private=False), await asked(bench, group, private=False)
        others = await asked(bench, group, person="ben", private=False)
        private = await asked(bench, group)
        assert mine.conversation == again.conversation
        assert len({mine.conversation, others.conversation, private.conversation}) == 3

    async def test_commands_mean_the_persons_own_conversation(self, bench: Bench) -> None:
        group = bench.server.found_group("ada", "ben")
        event = await asked(bench, group, private=False)
        assert await bench.server.command("ada", group, "new", {}) == "done"
        assert bench.reception.commands[0].conversation == event.conversation
        assert bench.reception.commands[0].scope == ""

    async def test_what_is_one_message_too_many_comes_as_a_direct_message(self, bench: Bench) -> None:
        """40094: at most five further ones. The token stays good for the edits of those that are there."""
        event = await asked(bench, bench.server.found_group("ada", "ben"), private=False)
        first = await bench.adapter.post(event.address, Outbound(text="part 0"), "k-0")
        for number in range(1, 7):
            outbound = Outbound(text=f"part {number}", continuation=True)
            await bench.adapter.post(event.address, outbound, f"k-{number}")
        assert [message.html for message in own(bench) if message.channel == bench.dm("ada")] == ["<p>part 6</p>"]
        await bench.adapter.edit(event.address, first.ref, Outbound(text="part 0!"))

    async def test_a_further_message_is_never_sent_twice_by_itself(self, bench: Bench) -> None:
        """It has no nonce: after a 500 nobody knows whether it is there."""
        event = await asked(bench, bench.server.found_group("ada", "ben"), private=False)
        await bench.adapter.post(event.address, Outbound(text="one"), "k-0")
        bench.server.faults.add(FOLLOW_UP, "500", after=True)
        with pytest.raises(Unreachable):
            await bench.adapter.post(event.address, Outbound(text="two", continuation=True), "k-1")
        assert len([call for call in bench.server.calls if call.route == FOLLOW_UP]) == 1

    async def test_a_dead_token_ends_in_a_direct_message(self, strict: Bench) -> None:
        event = await asked(strict, strict.server.found_group("ada", "ben"), private=False)
        strict.server.clock.advance(strict.server.rules.interaction_life + 1)
        await strict.adapter.post(event.address, Outbound(text="late"), "k-0")
        assert [message.channel for message in own(strict) if "late" in message.html] == [strict.dm("ada")]


async def test_messages_written_by_a_token_are_edited_as_a_whole(bench: Bench) -> None:
    """`Terms.life` is for messages that can only grow; when a token ends, their text moves on like a lost one's."""
    event = await asked(bench, bench.channel("general"))
    assert bench.adapter.terms(event.address).life is None


async def test_a_place_of_an_earlier_version_is_still_written_to(bench: Bench) -> None:
    """It says neither who asked nor who may see the answer."""
    place = {"channel": bench.channel("general"), "application": "", "token": "", "interaction": "1"}
    posted = await bench.adapter.post(Address(platform="discord", place=place), Outbound(text="old"), "k-0")
    assert posted.ref["message"]
