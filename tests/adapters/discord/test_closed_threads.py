"""Threads that were closed, locked or deleted while an answer for them was being made."""

import pytest

from bot.domain.deliveries import Address
from bot.errors import Forbidden
from bot.playground.view import MessageView
from bot.relay.contract import Button, Outbound
from tests.adapters.discord.conftest import Bench, adapter_of

STOP = (Button(op="stop", run_id="run_1", label="Stop", danger=True),)
ONE, MORE = Outbound(text="one", buttons=STOP), Outbound(text="one two", final=True)


async def asked(bench: Bench, channel: str, text: str, person: str = "ada") -> Address:
    before = len(bench.reception.inbound)
    await bench.server.speak(person, channel, text)
    return (await bench.reception.messages(before + 1))[-1].event.address


async def mention(bench: Bench) -> Address:
    return await asked(bench, bench.channel("general"), "@Parley hello")


async def follow_up(bench: Bench) -> Address:
    """Ben asks in the thread that Ada's question has opened."""
    earlier = await bench.adapter.post(await mention(bench), Outbound(text="earlier", final=True), "k0")
    return await asked(bench, earlier.ref["channel"], "and more?", "ben")


def shown(bench: Bench, message: str) -> MessageView:
    return next(one for one in bench.server.view().messages if one.id == message)


async def test_a_closed_thread_is_opened_for_an_edit(bench: Bench) -> None:
    address = await mention(bench)
    posted = await bench.adapter.post(address, ONE, "k1")
    bench.server.deeds.archive(posted.ref["channel"])
    await bench.adapter.edit(address, posted.ref, MORE)
    assert "one two" in shown(bench, posted.ref["message"]).html
    thread = bench.server.world.channels[posted.ref["channel"]].thread
    assert thread is not None
    assert not thread.archived


async def test_a_closed_thread_is_opened_by_a_message(bench: Bench) -> None:
    address = await follow_up(bench)
    bench.server.deeds.archive(address.place["channel"])
    posted = await bench.adapter.post(address, ONE, "k1")
    assert posted.ref["channel"] == address.place["channel"]
    await bench.adapter.edit(address, posted.ref, MORE)


@pytest.mark.parametrize("archived", [True, False])
async def test_what_a_locked_thread_does_not_take_is_a_reply_in_its_channel(bench: Bench, archived: bool) -> None:
    """In a thread that was opened for the answer, and in one that was there."""
    for ask in (mention, follow_up):
        address = await ask(bench)
        if address.place["thread_name"]:
            first = await bench.adapter.post(address, ONE, "k1")
            thread = first.ref["channel"]
        else:
            thread = address.place["channel"]
        bench.server.deeds.archive(thread, locked=True) if archived else bench.server.deeds.lock(thread)
        posted = await bench.adapter.post(address, MORE, f"k2{ask.__name__}")
        answer = bench.server.world.message(posted.ref["message"])
        assert answer is not None
        assert answer.channel.id == bench.channel("general")
        assert answer.reply_to is not None
        assert answer.reply_to.id == thread
        bench.server.deeds.reopen(thread)


async def test_a_deleted_thread_drives_the_answer_into_its_channel(bench: Bench) -> None:
    """The message that the thread began from is still there, and the answer is a reply to it."""
    address = await mention(bench)
    first = await bench.adapter.post(address, ONE, "k1")
    bench.server.deeds.delete_thread(first.ref["channel"])
    posted = await bench.adapter.post(address, MORE, "k2")
    assert posted.ref["channel"] == bench.channel("general")
    await bench.adapter.edit(address, posted.ref, Outbound(text="one two three", final=True))


async def test_an_answer_that_was_driven_into_the_channel_is_found_there(bench: Bench) -> None:
    """By another process, which knows nothing of the thread."""
    address = await follow_up(bench)
    bench.server.deeds.archive(address.place["channel"], locked=True)
    posted = await bench.adapter.post(address, MORE, "k2")
    other = adapter_of(bench.server, bench.store)
    try:
        assert await other.find(address, "k2", 0.0, []) == posted
    finally:
        await other.close()


async def test_replies_to_an_answer_that_was_driven_out_go_on_with_its_conversation(bench: Bench) -> None:
    address = await follow_up(bench)
    bench.server.deeds.archive(address.place["channel"], locked=True)
    posted = await bench.adapter.post(address, MORE, "k2")
    assert posted.conversation is not None
    bench.reception.join(posted.conversation)
    await bench.server.speak(
        "ben", posted.ref["channel"], "thanks, and why?", reply_to=posted.ref["message"], notify=False
    )
    last = (await bench.reception.messages(3))[-1]
    assert last.event.conversation == posted.conversation


async def test_too_many_open_threads_leave_the_answer_in_the_channel(bench: Bench) -> None:
    address = await follow_up(bench)
    bench.server.deeds.archive(address.place["channel"])
    bench.server.faults.add("POST /channels/{channel_id}/messages", "160006")
    posted = await bench.adapter.post(address, MORE, "k2")
    assert posted.ref["channel"] == bench.channel("general")


async def test_where_nothing_can_be_said_the_answer_is_given_up(bench: Bench) -> None:
    """Neither in the thread nor in its channel; the relay logs it and does not try for ever."""
    address = await follow_up(bench)
    bench.server.deeds.archive(address.place["channel"], locked=True)
    bench.server.deny(bench.channel("general"), 50013)
    with pytest.raises(Forbidden):
        await bench.adapter.post(address, MORE, "k2")


async def test_nothing_of_a_private_thread_leaves_it(bench: Bench) -> None:
    """There its people are among themselves."""
    thread = bench.server.deeds.whisper("ada", bench.channel("general"), "Secret")
    address = await asked(bench, thread, "@Parley what do we pay her?")
    bench.server.deeds.archive(thread, locked=True)
    before = len(bench.server.view().messages)
    with pytest.raises(Forbidden):
        await bench.adapter.post(address, MORE, "k2")
    assert len(bench.server.view().messages) == before
