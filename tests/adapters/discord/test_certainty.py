"""Messages that may or may not exist: found before they are posted again, by whoever goes on with the answer.

Each look-up is that of another process, long after Discord forgot the nonce.
"""

from collections.abc import Awaitable, Callable

import pytest

from adapters.discord.outbound import Writer
from adapters.discord.places import Place
from bot.domain.deliveries import Address
from bot.errors import Forbidden, Gone, Unreachable
from bot.playground.discord import FaultKind
from bot.relay.contract import Button, Outbound, Posted
from tests.adapters.discord.conftest import Bench, adapter_of

POST = "POST /channels/{channel_id}/messages"
STOP = (Button(op="stop", run_id="run_1", label="Stop", danger=True),)
ONE, TWO = Outbound(text="one"), Outbound(text="two", continuation=True)
SINCE = 0.0


async def mention(bench: Bench) -> Address:
    """A question in a channel, whose answer opens a thread."""
    return await asked(bench, bench.channel("general"), "@Parley hello")


async def follow_up(bench: Bench) -> Address:
    """A question in a thread in which an earlier answer stands."""
    earlier = await bench.adapter.post(await mention(bench), Outbound(text="earlier"), "k0-0")
    return await asked(bench, earlier.ref["channel"], "and more?", person="ben")


async def direct(bench: Bench) -> Address:
    """A question in a direct message, after another that was answered meanwhile."""
    dm = bench.dm("ben")
    earlier = await asked(bench, dm, "first", person="ben")
    address = await asked(bench, dm, "second", person="ben")
    await bench.adapter.post(earlier, Outbound(text="earlier"), "k0-0")
    return address


async def threadless(bench: Bench) -> Address:
    """A question in a channel where no thread can be had."""
    address = await mention(bench)
    bench.server.faults.add("POST /channels/{channel_id}/messages/{message_id}/threads", "503", 100)
    return address


async def command(bench: Bench) -> Address:
    """A question by `/ask`, while somebody else gets an answer in the same channel."""
    before = len(bench.reception.inbound)
    await bench.server.command("ada", bench.channel("general"), "ask", {"question": "why?"})
    address = (await bench.reception.messages(before + 1))[-1].event.address
    await bench.server.wait_for(lambda: any(m.state == "thinking" for m in bench.server.view().messages))
    await bench.server.command("ben", bench.channel("general"), "ask", {"question": "who?"})
    other = (await bench.reception.messages(before + 2))[-1].event.address
    await bench.adapter.post(other, Outbound(text="elsewhere"), "k9-0")
    await bench.adapter.post(other, Outbound(text="elsewhere too", continuation=True), "k9-1")
    return address


Asking = Callable[[Bench], Awaitable[Address]]
PLACES: list[Asking] = [mention, follow_up, direct, threadless, command]


async def asked(bench: Bench, channel: str, text: str, person: str = "ada") -> Address:
    before = len(bench.reception.inbound)
    await bench.server.speak(person, channel, text)
    return (await bench.reception.messages(before + 1))[-1].event.address


async def looked_up(bench: Bench, address: Address, key: str, *known: Posted) -> Posted | None:
    """What another process finds, after Discord forgot the nonce."""
    bench.server.clock.advance(bench.server.rules.nonce_memory + 1)
    other = adapter_of(bench.server, bench.store)
    try:
        return await other.find(address, key, SINCE, [posted.ref for posted in known])
    finally:
        await other.close()


def created(bench: Bench, word: str) -> list[str]:
    """Ids of our messages that say it."""
    messages = [message for channel in bench.server.world.channels.values() for message in channel.messages.values()]
    return [message.id for message in messages if message.author.bot and message.content.endswith(word)]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", ["503", "cut_after"])
async def test_a_continuation_without_buttons_is_found(bench: Bench, where: Asking, kind: FaultKind) -> None:
    address = await where(bench)
    first = await bench.adapter.post(address, ONE, "k1-0")
    bench.server.faults.add(POST, kind, after=True)
    with pytest.raises(Unreachable):
        await bench.adapter.post(address, TWO, "k1-1")
    found = await looked_up(bench, address, "k1-1", first)
    assert found is not None
    assert [found.ref["message"]] == created(bench, "two")


@pytest.mark.parametrize("where", [mention, follow_up, direct, threadless])
async def test_a_first_message_without_buttons_is_found(bench: Bench, where: Asking) -> None:
    address = await where(bench)
    bench.server.faults.add(POST, "cut_after")
    with pytest.raises(Unreachable):
        await bench.adapter.post(address, ONE, "k1-0")
    found = await looked_up(bench, address, "k1-0")
    assert found is not None
    assert [found.ref["message"]] == created(bench, "one")


@pytest.mark.parametrize("where", PLACES)
async def test_nothing_is_found_that_was_never_created(bench: Bench, where: Asking) -> None:
    """Neither the answer's other messages nor those of other answers are taken for it."""
    address = await where(bench)
    first = await bench.adapter.post(address, ONE, "k1-0")
    second = await bench.adapter.post(address, TWO, "k1-1")
    bench.server.faults.add(POST, "cut_before")
    with pytest.raises(Unreachable):
        await bench.adapter.post(address, Outbound(text="three", continuation=True), "k1-2")
    assert await looked_up(bench, address, "k1-2", first, second) is None


async def test_a_message_with_another_key_is_never_taken_for_it(bench: Bench) -> None:
    address = await mention(bench)
    await bench.adapter.post(address, Outbound(text="one", buttons=STOP), "k1-0")
    assert await looked_up(bench, address, "k1-1") is None


async def test_a_command_whose_message_was_written_is_found_when_its_token_is_dead(bench: Bench) -> None:
    """While the token lives, posting again is an edit of the same message; afterwards it would be a second one."""
    address = await command(bench)
    bench.server.faults.add("PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original", "cut_after")
    with pytest.raises(Unreachable):
        await bench.adapter.post(address, ONE, "k1-0")
    bench.server.clock.advance(bench.server.rules.interaction_life + 1)
    found = await looked_up(bench, address, "k1-0")
    assert found is not None
    await bench.adapter.edit(address, found.ref, Outbound(text="one and the rest", final=True))
    assert created(bench, "and the rest") == [found.ref["message"]]


async def test_a_command_whose_message_was_never_written_is_not_found(bench: Bench) -> None:
    """It still says that the bot is thinking: nothing of the answer is there."""
    assert await looked_up(bench, await command(bench), "k1-0") is None


@pytest.mark.parametrize("kind", ["500", "502"])
async def test_a_create_that_took_effect_all_the_same_is_repeated_by_its_nonce(bench: Bench, kind: FaultKind) -> None:
    """discord.py does it, and Discord gives the first message again."""
    address = await mention(bench)
    bench.server.faults.add(POST, kind, after=True)
    posted = await bench.adapter.post(address, ONE, "k1-0")
    assert created(bench, "one") == [posted.ref["message"]]


async def test_a_create_that_takes_too_long_is_in_doubt(bench: Bench) -> None:
    address = await mention(bench)
    await bench.adapter.status(address, "is thinking…")
    hasty = Writer(bench.adapter._rest.client, 0.1)
    bench.server.faults.add(POST, "slow", seconds=0.5)
    with pytest.raises(Unreachable):
        await hasty.post(Place.model_validate(address.place), ONE, "k1-0")
    await bench.server.wait_for(lambda: created(bench, "one"))
    found = await looked_up(bench, address, "k1-0")
    assert found is not None
    assert created(bench, "one") == [found.ref["message"]]


async def test_a_message_that_somebody_deleted_can_be_posted_again(bench: Bench) -> None:
    """Discord answers a nonce whose message is gone with "unknown message" and creates nothing."""
    address = await mention(bench)
    posted = await bench.adapter.post(address, ONE, "k1-0")
    message = bench.server.world.message(posted.ref["message"])
    assert message is not None
    bench.server._scene.message_deleted(message)
    again = await bench.adapter.post(address, ONE, "k1-0")
    assert created(bench, "one") == [again.ref["message"]]


class TestPlacesThatAreNoMore:
    async def test_a_channel_that_was_deleted_is_gone(self, bench: Bench) -> None:
        address = await direct(bench)
        posted = await bench.adapter.post(address, ONE, "k1-0")
        del bench.server.world.channels[bench.dm("ben")]
        with pytest.raises(Gone):
            await bench.adapter.edit(address, posted.ref, Outbound(text="one two"))
        assert await bench.adapter.find(address, "k1-1", SINCE, [posted.ref]) is None
        with pytest.raises(Gone):
            await bench.adapter.post(address, TWO, "k1-1")

    async def test_a_channel_that_is_closed_to_us_is_forbidden(self, bench: Bench) -> None:
        address = await direct(bench)
        bench.server.deny(bench.dm("ben"), 50001)
        with pytest.raises(Forbidden):
            await bench.adapter.post(address, ONE, "k1-0")
