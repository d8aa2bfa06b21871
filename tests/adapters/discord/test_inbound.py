"""What people do in Discord, as the relay hears it."""

from bot.playground.view import Upload
from bot.ports import Store
from bot.relay.contract import Outbound, Verdict
from tests.adapters.discord.conftest import Bench, keeping, opened
from tests.support.reception import RecordingReception


async def test_a_mention_in_a_channel_is_addressed_and_leads_to_a_thread_of_its_own(bench: Bench) -> None:
    sent = await bench.server.speak("ada", bench.channel("general"), "@Parley how are you?")
    (inbound,) = await bench.reception.messages(1)
    assert inbound.addressed
    assert inbound.event.text == "how are you?"
    assert inbound.event.author.name == "Ada Moreno"
    assert inbound.event.conversation == f"discord:{bench.server.guild_id}:{sent}"
    assert inbound.event.keys == (f"discord:message:{sent}",)


async def test_what_is_said_past_the_bot_in_a_channel_is_not_heard(bench: Bench) -> None:
    await bench.server.speak("ada", bench.channel("general"), "hello all")
    await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    (inbound,) = await bench.reception.messages(1)
    assert inbound.event.text == "hello"


async def test_a_direct_message_is_addressed_and_is_one_conversation(bench: Bench) -> None:
    for text in ("first", "second"):
        await bench.server.speak("ben", bench.dm("ben"), text)
    first, second = await bench.reception.messages(2)
    assert first.addressed
    assert second.addressed
    assert first.event.conversation == second.event.conversation


async def test_a_message_during_a_run_is_marked_with_an_hourglass(bench: Bench) -> None:
    bench.reception.verdict = Verdict.QUEUED
    sent = await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    await bench.server.wait_for(
        lambda: any(message.id == sent and message.reactions for message in bench.server.view().messages), 10
    )
    (message,) = [message for message in bench.server.view().messages if message.id == sent]
    assert message.reactions == ("⏳",)


async def test_somebody_who_types_instead_of_pressing_is_told(bench: Bench) -> None:
    bench.reception.verdict = Verdict.HELD
    sent = await bench.server.speak("ada", bench.channel("general"), "@Parley well?")
    await bench.server.wait_for(lambda: any("press one" in message.html for message in bench.server.view().messages))
    answer = bench.server.world.message(bench.server.view().messages[-1].id)
    assert answer is not None
    assert answer.reply_to is not None
    assert answer.reply_to.id == sent


async def test_messages_wait_for_a_database_that_comes_back_and_keep_their_order(bench: Bench) -> None:
    bench.reception.unavailable = 1
    for text in ("first", "second"):
        await bench.server.speak("ada", bench.channel("general"), f"@Parley {text}")
    heard = await bench.reception.messages(2)
    assert [inbound.event.text for inbound in heard] == ["first", "second"]
    assert not [message for message in bench.server.view().messages if message.author == "bot" or message.reactions]


async def test_a_mention_that_could_not_be_stored_is_answered_with_a_sentence(bench: Bench) -> None:
    bench.reception.unavailable = 2
    await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    await bench.server.wait_for(lambda: any("try again" in message.html for message in bench.server.view().messages))
    assert not any(message.reactions for message in bench.server.view().messages)


async def test_a_message_that_could_neither_be_stored_nor_answered_is_marked(bench: Bench) -> None:
    bench.reception.unavailable = 2
    bench.server.faults.add("POST /channels/{channel_id}/messages", "403")
    sent = await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    await bench.server.wait_for(
        lambda: any(message.id == sent and message.reactions for message in bench.server.view().messages), 10
    )


async def test_attachments_come_along_and_can_be_downloaded(bench: Bench) -> None:
    await bench.server.speak(
        "ada", bench.channel("general"), "@Parley read this", files=(Upload(name="a.txt", content=b"abc" * 50_000),)
    )
    (inbound,) = await bench.reception.messages(1)
    (file,) = inbound.event.files
    assert (file.name, file.size) == ("a.txt", 150_000)
    content = b"".join([piece async for piece in bench.adapter.download(file)])
    assert content == b"abc" * 50_000


class TestCommands:
    async def test_ask_is_deferred_after_it_was_accepted(self, bench: Bench) -> None:
        await bench.server.command("ada", bench.channel("general"), "ask", {"question": "why?"})
        (inbound,) = await bench.reception.messages(1)
        assert inbound.addressed
        assert inbound.event.text == "why?"
        await bench.server.wait_for(
            lambda: any(message.state == "thinking" for message in bench.server.view().messages), 10
        )

    async def test_ask_takes_a_file(self, bench: Bench) -> None:
        await bench.server.command(
            "ada", bench.channel("general"), "ask", {"question": "what?"}, (Upload(name="x.csv", content=b"a,b"),)
        )
        (inbound,) = await bench.reception.messages(1)
        assert [file.name for file in inbound.event.files] == ["x.csv"]

    async def test_a_question_that_could_not_be_stored_is_refused_to_the_person_alone(self, bench: Bench) -> None:
        bench.reception.unavailable = 1
        await bench.server.command("ada", bench.channel("general"), "ask", {"question": "why?"})
        await bench.server.wait_for(
            lambda: any("did not get through" in message.html for message in bench.server.view().messages), 10
        )
        (refusal,) = [message for message in bench.server.view().messages if "did not get through" in message.html]
        assert refusal.only_for == "ada"

    async def test_new_answers_the_person_alone(self, bench: Bench) -> None:
        bench.reception.reply = "A fresh start."
        await bench.server.command("ada", bench.channel("general"), "new", {})
        await bench.server.wait_for(
            lambda: any("A fresh start" in message.html for message in bench.server.view().messages), 10
        )
        assert bench.reception.commands[0].name == "new"

    async def test_stop_in_a_channel_means_the_persons_last_question_there(self, bench: Bench) -> None:
        general = bench.channel("general")
        await bench.server.command("ada", general, "ask", {"question": "why?"})
        (inbound,) = await bench.reception.messages(1)
        await bench.server.command("ben", general, "stop", {})
        await bench.server.command("ada", general, "stop", {})
        foreign, own = bench.reception.commands
        assert (foreign.elsewhere, own.elsewhere) == (False, True)
        assert own.conversation == inbound.event.conversation != foreign.conversation
        assert own.scope == inbound.event.scope == f"discord:{bench.server.guild_id}"
        assert inbound.event.address.secrets == ("token",)
        assert inbound.event.channel == f"discord:{bench.server.guild_id}:{general}"

    async def test_stop_finds_what_another_process_heard(self, sqlite_store: Store) -> None:
        """After a restart, and through any gateway: nobody remembers it but the database."""
        async with opened() as server:
            reception, general = RecordingReception(), server.channel_id("general")
            async with keeping(server, sqlite_store, reception):
                await server.speak("ada", general, "@Parley why?")
                (inbound,) = await reception.messages(1)
            async with keeping(server, sqlite_store, reception):
                await server.command("ada", general, "stop", {})
        assert [command.conversation for command in reception.commands] == [inbound.event.conversation]

    async def test_stop_in_a_thread_means_the_thread(self, bench: Bench) -> None:
        await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
        (inbound,) = await bench.reception.messages(1)
        posted = await bench.adapter.post(inbound.event.address, Outbound(text="hi"), "k1")
        await bench.server.command("ben", posted.ref["channel"], "stop", {})
        assert bench.reception.commands[0].conversation == inbound.event.conversation

    async def test_a_command_whose_meaning_the_store_cannot_tell_is_refused(self, bench: Bench) -> None:
        bench.reception.unavailable = 1
        said = await bench.server.command("ada", bench.channel("general"), "stop", {})
        assert "could not be done" in said
        assert not bench.reception.commands
