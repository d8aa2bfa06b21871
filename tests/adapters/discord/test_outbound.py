"""What the bot writes into Discord."""

import time

import pytest

from bot.domain.deliveries import Address, RemoteFile
from bot.errors import Gone, Refused, Unreachable
from bot.playground.view import MessageView
from bot.relay.contract import Button, Outbound, OutboundFile, Verdict
from tests.adapters.discord.conftest import Bench, adapter_of

STOP = Button(op="stop", run_id="run_1", label="Stop", danger=True)


async def mention(bench: Bench) -> Address:
    await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    return (await bench.reception.messages(1))[-1].event.address


async def asked(bench: Bench) -> Address:
    await bench.server.command("ada", bench.channel("general"), "ask", {"question": "why is the sky blue?"})
    address = (await bench.reception.messages(1))[-1].event.address
    await bench.server.wait_for(lambda: any(m.state == "thinking" for m in bench.server.view().messages), 10)
    return address


def own(bench: Bench) -> list[MessageView]:
    return [message for message in bench.server.view().messages if message.author == "bot"]


async def test_an_answer_to_a_mention_opens_a_thread_and_goes_there(bench: Bench) -> None:
    address = await mention(bench)
    await bench.adapter.post(address, Outbound(text="Hi **you**"), "k1")
    (answer,) = own(bench)
    thread = next(channel for channel in bench.server.view().channels if channel.kind == "thread")
    assert answer.channel == thread.id
    assert thread.name == "hello"
    assert "<strong>you</strong>" in answer.html


async def test_the_same_key_again_gives_the_same_message(bench: Bench) -> None:
    address = await mention(bench)
    first = await bench.adapter.post(address, Outbound(text="Hi"), "k1")
    second = await bench.adapter.post(address, Outbound(text="Hi"), "k1")
    assert first == second
    assert len(own(bench)) == 1


async def test_a_message_that_was_created_is_found_by_its_key(bench: Bench) -> None:
    address = await mention(bench)
    posted = await bench.adapter.post(address, Outbound(text="Hi", buttons=(STOP,)), "k1")
    await bench.adapter.post(address, Outbound(text="more", buttons=(STOP,)), "k2")
    assert await bench.adapter.find(address, "k1", time.time() - 60, []) == posted
    assert await bench.adapter.find(address, "k9", time.time() - 60, []) is None


async def test_an_edit_replaces_text_and_buttons_and_keeps_previews_off(bench: Bench) -> None:
    address = await mention(bench)
    posted = await bench.adapter.post(address, Outbound(text="one", buttons=(STOP,)), "k1")
    await bench.adapter.edit(address, posted.ref, Outbound(text="two https://example.org"))
    (answer,) = own(bench)
    assert "two" in answer.html
    assert not answer.buttons
    assert answer.edits == 1
    assert not bench.server.embeds


async def test_an_answer_to_ask_is_an_edit_of_the_deferred_message_under_the_question(bench: Bench) -> None:
    address = await asked(bench)
    posted = await bench.adapter.post(address, Outbound(text="Because."), "k1")
    await bench.adapter.edit(address, posted.ref, Outbound(text="Because of scattering."))
    (answer,) = own(bench)
    assert "scattering" in answer.html
    assert "why is the sky blue?" in answer.html
    assert answer.state == "sent"


async def test_an_answer_to_ask_shows_no_previews(bench: Bench) -> None:
    """Neither of the question's links nor of the answer's, with files or without."""
    question = {"question": "what is https://example.org/a about?"}
    await bench.server.command("ada", bench.channel("general"), "ask", question)
    address = (await bench.reception.messages(1))[-1].event.address
    posted = await bench.adapter.post(address, Outbound(text="See https://example.org/b"), "k1")
    file = OutboundFile(name="a.md", content=b"# All", media_type="text/markdown")
    await bench.adapter.edit(address, posted.ref, Outbound(text="See https://example.org/c", files=(file,)))
    (answer,) = own(bench)
    assert "example.org/a" in answer.html
    assert [card.name for card in answer.files] == ["a.md"]
    assert not bench.server.embeds


async def test_a_message_is_found_whatever_our_clock_says(bench: Bench) -> None:
    address = await mention(bench)
    posted = await bench.adapter.post(address, Outbound(text="Hi", buttons=(STOP,)), "k1")
    assert await bench.adapter.find(address, "k1", time.time() + 3_600, []) == posted


async def test_a_continuation_of_an_answer_to_ask_is_a_message_of_its_own(bench: Bench) -> None:
    address = await asked(bench)
    await bench.adapter.post(address, Outbound(text="one"), "k1")
    await bench.adapter.post(address, Outbound(text="two", continuation=True), "k2")
    assert len(own(bench)) == 2


async def test_files_come_with_the_final_edit(bench: Bench) -> None:
    address = await mention(bench)
    posted = await bench.adapter.post(address, Outbound(text="one"), "k1")
    file = OutboundFile(name="answer.md", content=b"# All", media_type="text/markdown")
    await bench.adapter.edit(address, posted.ref, Outbound(text="two", files=(file,)))
    (card,) = own(bench)[0].files
    assert card.name == "answer.md"
    assert (bench.server.file(card.id) or ("", "", b""))[2] == b"# All"


async def test_nobody_is_pinged_by_what_the_model_writes(bench: Bench) -> None:
    address = await mention(bench)
    ben = next(message.author for message in bench.server.view().messages)
    hostile = "@everyone @here <@&1> <@!2> <@3> @\u200beveryone ```\n@everyone\n```" + ben
    posted = await bench.adapter.post(address, Outbound(text=hostile), "k1")
    await bench.adapter.edit(address, posted.ref, Outbound(text=hostile + " again"))
    again = await asked(bench)
    await bench.adapter.post(again, Outbound(text=hostile), "k2")
    assert not bench.server.pings


async def test_a_press_of_stop_reaches_the_relay_and_its_note_the_person_alone(bench: Bench) -> None:
    address = await mention(bench)
    await bench.adapter.post(address, Outbound(text="working", buttons=(STOP,)), "k1")
    (answer,) = own(bench)
    bench.reception.note = "Only Ada can stop this."
    await bench.server.press("ben", answer.channel, answer.id, answer.buttons[0].id)
    await bench.reception.until(lambda: bool(bench.reception.presses))
    (press,) = bench.reception.presses
    assert (press.op, press.run_id, press.person.name) == ("stop", "run_1", "Ben Okafor")
    await bench.server.wait_for(lambda: any(message.only_for == "ben" for message in bench.server.view().messages), 10)


async def test_a_press_that_could_not_be_carried_out_is_told_to_the_person_alone(bench: Bench) -> None:
    address = await mention(bench)
    await bench.adapter.post(address, Outbound(text="working", buttons=(STOP,)), "k1")
    (answer,) = own(bench)
    bench.reception.unavailable = 1
    await bench.server.press("ada", answer.channel, answer.id, answer.buttons[0].id)
    notes = await bench.server.wait_for(lambda: [m for m in bench.server.view().messages if m.only_for == "ada"])
    assert "could not be done" in notes[0].html


async def test_typing_shows_where_the_person_looks_and_opens_no_thread(bench: Bench) -> None:
    """Before the answer that is the channel of the question; afterwards the answer's thread."""
    address = await mention(bench)
    await bench.adapter.status(address, "is thinking…")
    assert not [channel for channel in bench.server.view().channels if channel.kind == "thread"]
    posted = await bench.adapter.post(address, Outbound(text="one"), "k1")
    await bench.adapter.status(address, "is thinking…")
    typed = [call.path for call in bench.server.calls if call.path.endswith("/typing")]
    assert typed == [f"/channels/{bench.channel('general')}/typing", f"/channels/{posted.ref['channel']}/typing"]


async def test_failing_typing_is_nobodys_problem(bench: Bench) -> None:
    address = await mention(bench)
    bench.server.faults.add("POST /channels/{channel_id}/typing", "503")
    await bench.adapter.status(address, "is thinking…")


async def test_an_answer_whose_thread_could_not_be_opened_is_found_in_the_channel(bench: Bench) -> None:
    """Also by another process, for which the thread opens."""
    address = await mention(bench)
    bench.server.faults.add("POST /channels/{channel_id}/messages/{message_id}/threads", "503")
    posted = await bench.adapter.post(address, Outbound(text="one", buttons=(STOP,)), "k1")
    assert posted.ref["channel"] == bench.channel("general")
    other = adapter_of(bench.server, bench.store)
    assert await other.find(address, "k1", time.time() - 60, []) == posted
    await other.close()


async def test_a_continuation_of_an_answer_to_ask_is_found(bench: Bench) -> None:
    address = await asked(bench)
    await bench.adapter.post(address, Outbound(text="one", buttons=(STOP,)), "k1")
    posted = await bench.adapter.post(address, Outbound(text="two", buttons=(STOP,), continuation=True), "k2")
    assert await bench.adapter.find(address, "k2", time.time() - 60, []) == posted


async def test_limits_of_reactions_threads_and_refusals_do_not_reach_the_governor(bench: Bench) -> None:
    """They are not the limits of edits; a 429 is waited out by discord.py."""
    bench.reception.verdict = Verdict.QUEUED
    address = await mention(bench)
    bench.server.faults.add("POST /channels/{channel_id}/messages", "429", seconds=0.1)
    posted = await bench.adapter.post(address, Outbound(text="one"), "k1")
    await bench.adapter.find(address, "k1", time.time() - 60, [])
    await bench.adapter.edit(address, posted.ref, Outbound(text="two"))
    assert [(signal.limit, signal.retry_after) for signal in bench.reception.rates] == [(5, None), (5, None)]


async def test_rate_limit_headers_reach_the_governor(bench: Bench) -> None:
    address = await mention(bench)
    posted = await bench.adapter.post(address, Outbound(text="one"), "k1")
    await bench.adapter.edit(address, posted.ref, Outbound(text="two"))
    signals = [signal for signal in bench.reception.rates if signal.bucket == bench.adapter.terms(address).bucket]
    assert any(signal.limit == 5 and signal.remaining is not None and signal.reset_after for signal in signals)


class TestErrors:
    async def test_a_deleted_message_is_gone(self, bench: Bench) -> None:
        address = await mention(bench)
        posted = await bench.adapter.post(address, Outbound(text="one"), "k1")
        ref = {**posted.ref, "message": "1"}
        with pytest.raises(Gone):
            await bench.adapter.edit(address, ref, Outbound(text="two"))

    async def test_a_text_that_is_too_long_says_so(self, bench: Bench) -> None:
        address = await mention(bench)
        with pytest.raises(Refused) as refusal:
            await bench.adapter.post(address, Outbound(text="x" * 2_001), "k1")
        assert refusal.value.too_long

    async def test_a_503_is_unreachable(self, bench: Bench) -> None:
        address = await mention(bench)
        posted = await bench.adapter.post(address, Outbound(text="one"), "k1")
        bench.server.faults.add("PATCH /channels/{channel_id}/messages/{message_id}", "503", 1)
        with pytest.raises(Unreachable):
            await bench.adapter.edit(address, posted.ref, Outbound(text="two"))

    async def test_a_file_from_elsewhere_is_refused_without_a_request(self, bench: Bench) -> None:
        for url in (
            "http://127.0.0.1:1/x",
            "https://evil.example/x",
            "file:///etc/passwd",
            "http://cdn.discordapp.com/x",
            "https://cdn.discordapp.com:99999/x",
            "http://[",
        ):
            with pytest.raises(Refused):
                await anext(aiter(bench.adapter.download(RemoteFile(name="x", source={"url": url}))))
