"""What was said before a question, and what the question points at."""

import pytest

from bot.domain.channels import ChannelPolicy
from bot.playground.discord import DiscordRules
from bot.playground.view import Upload
from bot.ports import Store
from bot.relay.contract import Inbound, Outbound
from tests.adapters.discord.conftest import Bench, connected

READ_HISTORY = 1 << 16
DONE = Outbound(text="an answer", final=True)


async def asked(bench: Bench, channel: str, text: str, reply_to: str | None = None) -> Inbound:
    before = len(bench.reception.inbound)
    await bench.server.speak("ada", channel, text, reply_to=reply_to)
    return (await bench.reception.messages(before + 1))[-1]


async def read(bench: Bench, inbound: Inbound, most: int = 10) -> list[str]:
    return [one.text for one in await bench.adapter.context(inbound.event.address, most)]


async def thread_of_people(bench: Bench) -> str:
    """A thread that the bot was not in, from a message of Ben's."""
    general = bench.channel("general")
    start = await bench.server.speak("ben", general, "the build is broken")
    thread = bench.server.deeds.start_thread("ben", general, start, "Build")
    for person, text in (("ben", "since noon"), ("chloe", "it was me"), ("ada", "how?")):
        await bench.server.speak(person, thread, text)
    return thread


class TestThreads:
    async def test_all_of_a_thread_is_read_with_the_message_that_it_began_from(self, bench: Bench) -> None:
        thread = await thread_of_people(bench)
        question = await asked(bench, thread, "@Parley help them")
        heard = await bench.adapter.context(question.event.address, 10)
        said = [(one.author.name, one.text) for one in heard]
        assert said == [
            ("Ben Okafor", "the build is broken"),
            ("Ben Okafor", "since noon"),
            ("Chloe Lindqvist", "it was me"),
            ("Ada Moreno", "how?"),
        ]
        assert heard[0].key == f"discord:message:{thread}"

    async def test_of_a_long_thread_the_newest_are_read_and_its_beginning(self, bench: Bench) -> None:
        question = await asked(bench, await thread_of_people(bench), "@Parley help them")
        assert await read(bench, question, 3) == ["the build is broken", "it was me", "how?"]

    async def test_neither_ours_nor_what_comes_after_the_question_is_read(self, bench: Bench) -> None:
        thread = await thread_of_people(bench)
        first = await asked(bench, thread, "@Parley help them")
        await bench.adapter.post(first.event.address, DONE, "k1")
        second = await asked(bench, thread, "@Parley more")
        await bench.server.speak("ben", thread, "later")
        assert (await read(bench, second))[-2:] == ["how?", "help them"]

    async def test_a_question_by_command_reads_the_thread_as_well(self, bench: Bench) -> None:
        thread = await thread_of_people(bench)
        await bench.reception.messages(3)
        before = len(bench.reception.inbound)
        await bench.server.command("ada", thread, "ask", {"question": "why?"})
        question = (await bench.reception.messages(before + 1))[-1]
        assert len(await read(bench, question)) == 4

    async def test_where_nothing_may_be_read_there_is_nothing(self, bench: Bench) -> None:
        thread = await thread_of_people(bench)
        question = await asked(bench, thread, "@Parley help them")
        bench.server.deny(thread, 50001)
        assert await read(bench, question) == []

    async def test_who_may_not_read_the_history_is_not_told_it(self, sqlite_store: Store) -> None:
        """Neither by a mention nor by a command; Ada is an administrator and may."""
        async with connected(sqlite_store, withheld=READ_HISTORY) as bench:
            thread = await thread_of_people(bench)
            await bench.server.speak("ben", thread, "@Parley help them")
            await bench.server.command("ben", thread, "ask", {"question": "why?"})
            *_, mention, command = await bench.reception.messages(5)
            assert await read(bench, mention) == []
            assert await read(bench, command) == []
            assert await read(bench, await asked(bench, thread, "@Parley help them"))

    async def test_without_the_content_intent_what_mentions_the_bot_is_left(self, sqlite_store: Store) -> None:
        rules = DiscordRules(message_content=False)
        async with connected(sqlite_store, rules) as bench:
            thread = await thread_of_people(bench)
            await asked(bench, thread, "@Parley one")
            question = await asked(bench, thread, "@Parley two")
            assert await read(bench, question) == ["one"]


class TestChannels:
    async def test_to_a_plain_mention_in_a_channel_nothing_belongs(self, bench: Bench) -> None:
        """What others talked about there is not for a thread about something else."""
        general = bench.channel("general")
        await bench.server.speak("ben", general, "among us")
        assert await read(bench, await asked(bench, general, "@Parley hello")) == []

    @pytest.mark.parametrize("threads", ["thread", "reply"])
    async def test_to_a_reply_its_chain_belongs(self, bench: Bench, threads: str) -> None:
        general = bench.channel("general")
        policy = ChannelPolicy.model_validate({"threads": threads})
        bench.reception.policies[f"discord:{bench.server.guild_id}:{general}"] = policy
        root = await bench.server.speak("ben", general, "the build is broken")
        await bench.server.speak("chloe", general, "something else")
        other = await bench.server.speak("chloe", general, "again?", reply_to=root)
        question = await asked(bench, general, "@Parley why?", reply_to=other)
        assert await read(bench, question) == ["the build is broken", "again?"]
        assert await read(bench, question, 1) == ["again?"]

    async def test_in_a_channel_that_is_one_conversation_the_channel_is_read(self, bench: Bench) -> None:
        general = bench.channel("general")
        bench.reception.policies[f"discord:{bench.server.guild_id}:{general}"] = ChannelPolicy(threads="channel")
        await bench.server.speak("ben", general, "for all to hear")
        assert await read(bench, await asked(bench, general, "@Parley hello")) == ["for all to hear"]

    async def test_in_a_direct_message_nothing_was_missed(self, bench: Bench) -> None:
        await asked(bench, bench.dm("ada"), "one")
        assert await read(bench, await asked(bench, bench.dm("ada"), "two")) == []


class TestPointedAt:
    async def test_the_message_that_is_replied_to_comes_along_with_its_files(self, bench: Bench) -> None:
        general = bench.channel("general")
        target = await bench.server.speak("ben", general, "the log", files=(Upload(name="a.log", content=b"boom"),))
        (heard,) = (await asked(bench, general, "@Parley why?", reply_to=target)).event.pointed_at
        assert (heard.key, heard.author.name, heard.text) == (f"discord:message:{target}", "Ben Okafor", "the log")
        (file,) = heard.files
        assert b"".join([piece async for piece in bench.adapter.download(file)]) == b"boom"

    async def test_a_forward_comes_along_with_its_files(self, bench: Bench) -> None:
        """Nobody says who wrote it; when the forward is deleted, it goes as well."""
        general = bench.channel("general")
        files = (Upload(name="a.csv", content=b"a,b"),)
        message = await bench.server.speak("ben", general, "the numbers of <@1>", files=files)
        bench.server.deeds.forward("ada", general, message, bench.dm("ada"))
        (inbound,) = await bench.reception.messages(1)
        (heard,) = inbound.event.pointed_at
        assert heard.text == "the numbers of @somebody"
        assert heard.author.id == ""
        assert heard.key == inbound.event.keys[0]
        (file,) = heard.files
        bench.server.clock.advance(bench.server.rules.cdn_life + 1)
        assert b"".join([piece async for piece in bench.adapter.download(file)]) == b"a,b"

    async def test_embeds_are_material(self, bench: Bench) -> None:
        """An alert of another bot is mostly an embed."""
        general = bench.channel("general")
        target = await bench.server.speak("ben", general, "alert")
        fields = [{"name": "Host", "value": "db-1"}]
        embed = {"title": "Disk full", "description": "97 %", "fields": fields, "footer": {"text": "monitor"}}
        bench.server.deeds.unfurl(target, dict(embed))
        (heard,) = (await asked(bench, general, "@Parley what now?", reply_to=target)).event.pointed_at
        assert heard.text == "alert\n\nDisk full\n97 %\nHost: db-1\nmonitor"

    async def test_stickers_and_polls_are_named(self, bench: Bench) -> None:
        bench.server.deeds.stick("ada", bench.dm("ada"), "Wave")
        bench.server.deeds.poll("ada", bench.dm("ada"), "Lunch?", ["Soup", "Salad"])
        sticker, poll = await bench.reception.messages(2)
        assert sticker.event.text == "(sticker: Wave)"
        assert poll.event.text == "(poll) Lunch?\n- Soup\n- Salad"

    async def test_without_the_content_intent_a_mention_does_without(self, sqlite_store: Store) -> None:
        """What it replies to is blank then, and a blank message is nothing to read."""
        async with connected(sqlite_store, DiscordRules(message_content=False)) as bench:
            general = bench.channel("general")
            target = await bench.server.speak("ben", general, "withheld")
            inbound = await asked(bench, general, "@Parley why?", reply_to=target)
        assert (inbound.event.text, inbound.event.pointed_at) == ("why?", ())


async def test_an_address_of_a_file_that_expired_is_renewed(bench: Bench) -> None:
    """By fetching the message: the file is still there, only its address is old."""
    await bench.server.speak("ada", bench.dm("ada"), "read", files=(Upload(name="a.txt", content=b"abc"),))
    (inbound,) = await bench.reception.messages(1)
    bench.server.clock.advance(bench.server.rules.cdn_life + 1)
    (file,) = inbound.event.files
    assert b"".join([piece async for piece in bench.adapter.download(file)]) == b"abc"
