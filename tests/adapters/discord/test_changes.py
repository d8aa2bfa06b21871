"""Edits and deletions, as the relay hears of them; and the word why what does not mention the bot is not heard."""

import discord

from bot.playground.discord import DiscordRules
from bot.ports import Store
from bot.relay.contract import Inbound, Outbound
from tests.adapters.discord.conftest import Bench, connected, keeping, opened
from tests.support.reception import RecordingReception

DONE = Outbound(text="an answer", final=True)


async def asked(bench: Bench, channel: str, text: str) -> Inbound:
    before = len(bench.reception.inbound)
    await bench.server.speak("ada", channel, text)
    return (await bench.reception.messages(before + 1))[-1]


def id_of(inbound: Inbound) -> str:
    return inbound.event.keys[0].removeprefix("discord:message:")


class TestEdits:
    async def test_an_edit_is_told_with_the_new_text(self, bench: Bench) -> None:
        question = await asked(bench, bench.channel("general"), "@Parley frist")
        await bench.server.amend("ada", bench.channel("general"), id_of(question), "@Parley first")
        await bench.reception.until(lambda: bench.reception.edits)
        (edit,) = bench.reception.edits
        assert (edit.key, edit.text) == (question.event.known_as, "first")
        assert edit.at > discord.utils.snowflake_time(int(id_of(question))).timestamp()

    async def test_what_nobody_edited_is_no_edit(self, bench: Bench) -> None:
        """Previews, threads and our own messages change without anybody's doing."""
        question = await asked(bench, bench.channel("general"), "@Parley see https://a.example")
        posted = await bench.adapter.post(question.event.address, DONE, "k1")  # opens a thread: the question changes
        await bench.adapter.edit(question.event.address, posted.ref, Outbound(text="another", final=True))
        bench.server.deeds.unfurl(id_of(question), {"title": "A"})
        await bench.server.amend("ada", bench.channel("general"), id_of(question), "@Parley well")
        bench.server.deeds.unfurl(id_of(question), {"title": "B"})
        await asked(bench, bench.channel("general"), "@Parley the end")
        assert [edit.text for edit in bench.reception.edits] == ["well\n\nA"]

    async def test_an_edit_that_adds_the_forgotten_mention_is_a_question(self, bench: Bench) -> None:
        general = bench.channel("general")
        message = await bench.server.speak("ada", general, "why is the sky blue?")
        await bench.server.amend("ada", general, message, "@Parley why is the sky blue?")
        (inbound,) = await bench.reception.messages(1)
        assert inbound.event.text == "why is the sky blue?"

    async def test_a_late_edit_asks_nothing(self, bench: Bench) -> None:
        """Somebody puts an old message right; nobody waits for an answer to it."""
        general = bench.channel("general")
        message = await bench.server.speak("ada", general, "why is the sky blue?")
        bench.server.clock.advance(3_600)
        await bench.server.amend("ada", general, message, "@Parley why is the sky blue?")
        await bench.reception.until(lambda: bench.reception.edits)
        await asked(bench, bench.dm("ada"), "afterwards")
        assert [inbound.event.text for inbound in bench.reception.inbound] == ["afterwards"]

    async def test_a_blank_that_is_withheld_empties_nothing(self, sqlite_store: Store) -> None:
        """Without the content intent an edit of what does not mention us comes without its text."""
        async with connected(sqlite_store, DiscordRules(message_content=False)) as bench:
            general = bench.channel("general")
            message = await bench.server.speak("ada", general, "past the bot")
            await bench.server.amend("ada", general, message, "still past it")
            question = await asked(bench, general, "@Parley hello")
            await bench.server.amend("ada", general, id_of(question), "@Parley hello you")
            await bench.reception.until(lambda: bench.reception.edits)
        assert [edit.text for edit in bench.reception.edits] == ["hello you"]

    async def test_an_edit_waits_for_a_database_that_comes_back(self, bench: Bench) -> None:
        question = await asked(bench, bench.dm("ada"), "frist")
        bench.reception.unavailable = 1
        await bench.server.amend("ada", bench.dm("ada"), id_of(question), "first")
        await bench.reception.until(lambda: bench.reception.edits)
        assert bench.reception.edits[0].text == "first"


class TestDeletions:
    async def test_a_deletion_is_told(self, bench: Bench) -> None:
        question = await asked(bench, bench.dm("ada"), "forget this")
        await bench.server.retract("ada", bench.dm("ada"), id_of(question))
        await bench.reception.until(lambda: bench.reception.deletions)
        assert [deleted.keys for deleted in bench.reception.deletions] == [(question.event.known_as,)]

    async def test_many_at_once_are_told_at_once(self, bench: Bench) -> None:
        general = bench.channel("general")
        questions = [id_of(await asked(bench, general, f"@Parley {text}")) for text in ("one", "two")]
        bench.server.deeds.purge("ada", general, questions)
        await bench.reception.until(lambda: bench.reception.deletions)
        (deleted,) = bench.reception.deletions
        assert set(deleted.keys) == {f"discord:message:{question}" for question in questions}

    async def test_a_deleted_thread_is_told_as_a_conversation(self, bench: Bench) -> None:
        """Discord names none of its messages; the message that it began from stands elsewhere and stays."""
        question = await asked(bench, bench.channel("general"), "@Parley hello")
        posted = await bench.adapter.post(question.event.address, DONE, "k1")
        bench.server.deeds.delete_thread(posted.ref["channel"])
        await bench.reception.until(lambda: bench.reception.deletions)
        (deleted,) = bench.reception.deletions
        assert (deleted.keys, deleted.conversations) == ((), (question.event.conversation,))

    async def test_a_deletion_waits_for_a_database_that_comes_back(self, bench: Bench) -> None:
        question = await asked(bench, bench.dm("ada"), "forget this")
        bench.reception.unavailable = 1
        await bench.server.retract("ada", bench.dm("ada"), id_of(question))
        await bench.reception.until(lambda: bench.reception.deletions)


class TestHint:
    """Without the content intent."""

    @staticmethod
    async def thread(bench: Bench) -> str:
        question = await asked(bench, bench.channel("general"), "@Parley hello")
        return (await bench.adapter.post(question.event.address, DONE, "k1")).ref["channel"]

    @staticmethod
    def hints(bench: Bench) -> list[str]:
        messages = bench.server.view().messages
        return [message.channel for message in messages if "mention me" in message.html and message.author == "bot"]

    async def test_it_is_given_once_a_thread_whoever_keeps_the_connection(self, sqlite_store: Store) -> None:
        async with opened(DiscordRules(message_content=False)) as server:
            reception = RecordingReception()
            async with keeping(server, sqlite_store, reception) as adapter:
                bench = Bench(server, adapter, reception, sqlite_store)
                thread = await self.thread(bench)
                await server.speak("ben", thread, "and more?")
                await server.wait_for(lambda: self.hints(bench))
                await server.speak("ben", thread, "hello?")
                await asked(bench, thread, "@Parley I see")
            async with keeping(server, sqlite_store, reception) as adapter:
                bench = Bench(server, adapter, reception, sqlite_store)
                await server.speak("ben", thread, "again")
                await asked(bench, thread, "@Parley and now?")
        assert self.hints(bench) == [thread]

    async def test_it_is_not_for_what_is_meant_for_others(self, sqlite_store: Store) -> None:
        async with connected(sqlite_store, DiscordRules(message_content=False)) as bench:
            thread = await self.thread(bench)
            spoken = await bench.server.speak("ben", thread, "@Ada Moreno look at this")
            await bench.server.speak("ada", thread, "nice", reply_to=spoken)
            elsewhere = await bench.server.speak("ben", bench.channel("general"), "a thread of ours")
            ours = bench.server.deeds.start_thread("ben", bench.channel("general"), elsewhere, "Ours")
            await bench.server.speak("ben", ours, "without the bot")
            await asked(bench, thread, "@Parley so?")
            assert self.hints(bench) == []

    async def test_with_the_intent_nobody_needs_it(self, bench: Bench) -> None:
        thread = await self.thread(bench)
        await asked(bench, thread, "and more?")
        bench.server.deeds.stick("ada", thread, "Wave")
        await bench.reception.messages(3)
        assert self.hints(bench) == []


async def test_a_server_that_was_left_is_no_reason_to_end(bench: Bench) -> None:
    """Somebody removed the bot: the connection stays, direct messages are answered."""
    bench.server.remove_bot()
    await asked(bench, bench.dm("ada"), "still there?")
    assert bench.server.gateway.connected
