"""What holds at a place: how large files may be there; and the small print below an answer."""

import pytest

from bot.domain.deliveries import Address
from bot.ports import Store
from bot.relay.contract import Outbound
from tests.adapters.discord.conftest import Bench, connected

MIB = 1024 * 1024


async def mention(bench: Bench) -> Address:
    await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    return (await bench.reception.messages(1))[-1].event.address


@pytest.mark.parametrize(("tier", "limit"), [(0, 10), (1, 10), (2, 25), (3, 25)])
async def test_a_boosted_server_takes_larger_files_as_far_as_a_request_does(
    sqlite_store: Store, tier: int, limit: int
) -> None:
    """50 and 100 MiB a file are of no use while a request can have 25."""
    async with connected(sqlite_store) as bench:
        bench.server.world.premium_tier = tier
        bench.server.gateway.expire()
        bench.server.gateway.close(4000)
        await bench.server.wait_for(lambda: bench.server.gateway.connected)
        terms = bench.adapter.terms(await mention(bench))
    assert (terms.max_file_bytes, terms.max_files_bytes) == (limit * MIB, 25 * MIB)


async def test_a_command_says_itself_what_files_may_have(bench: Bench) -> None:
    await bench.server.command("ada", bench.channel("general"), "ask", {"question": "why?"})
    (inbound,) = await bench.reception.messages(1)
    assert bench.adapter.terms(inbound.event.address).max_file_bytes == bench.server.rules.file_limit


async def test_what_was_stored_without_a_limit_has_the_usual_one(bench: Bench) -> None:
    """By a version that did not know of limits."""
    address = await mention(bench)
    place = {name: value for name, value in address.place.items() if name != "file_limit"}
    assert bench.adapter.terms(address.model_copy(update={"place": place})).max_file_bytes == 10 * MIB


async def test_small_print_is_small(bench: Bench) -> None:
    address = await mention(bench)
    answer = Outbound(text="An answer.", footer="Sources: one.pdf\n2/2", final=True)
    await bench.adapter.post(address, answer, "k1")
    html = bench.server.view().messages[-1].html
    assert html.count('class="subtext"') == 2
    assert bench.server.world.message(bench.server.view().messages[-1].id).content.endswith(  # type: ignore[union-attr]
        "An answer.\n-# Sources: one.pdf\n-# 2/2"
    )


async def test_where_there_is_no_room_for_its_marks_small_print_is_plain(bench: Bench) -> None:
    address = await mention(bench)
    answer = Outbound(text="x" * 1_990, footer="2/2 more", final=True)
    posted = await bench.adapter.post(address, answer, "k1")
    message = bench.server.world.message(posted.ref["message"])
    assert message is not None
    assert message.content.endswith("x\n2/2 more")
