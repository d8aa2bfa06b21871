"""The way from an answer to its platform."""

from typing import cast

import pytest

from bot.domain.deliveries import Address
from bot.ports import RunControl
from bot.relay.chat import Chat
from bot.relay.contract import Adapter, Outbound, OutboundFile
from bot.relay.governor import Governor
from tests.support.memory_adapter import CAPABILITIES, MemoryAdapter
from tests.support.virtual_time import LoopClock, run

FILE = OutboundFile(name="a.csv", content=b"a,b", media_type="text/csv")


class Alive:
    alive = True


@pytest.mark.parametrize(("files", "slowed"), [((FILE,), False), ((), True)])
def test_only_an_edit_without_files_that_takes_long_slows_the_others_down(
    files: tuple[OutboundFile, ...], slowed: bool
) -> None:
    """Uploading takes its time, and some platforms show files seconds after they took them."""

    async def scenario() -> tuple[float, float]:
        adapter, clock = MemoryAdapter(latency=0.1), LoopClock()
        governor = Governor(CAPABILITIES.pacing, clock)
        address = Address(platform="memory", place={"room": "r"})
        with governor.stream(adapter.terms(address)) as stream:
            chat = Chat(cast("Adapter", adapter), address, stream, clock, cast("RunControl", Alive()))
            posted = await chat.post(Outbound(text="one"), "k1")
            for number in range(3):
                await chat.edit(posted.ref, Outbound(text=str(number)))
            usual = governor.interval("r")
            adapter.latency = 8.0
            await chat.edit(posted.ref, Outbound(text="done", final=True, files=files))
            return usual, governor.interval("r")

    usual, after = run(scenario())
    assert (after > usual) == slowed
