"""What was said while the bot was away."""

from bot.playground.discord import DiscordStandIn
from bot.ports import Store
from tests.adapters.discord.conftest import adapter_of
from tests.support.reception import RecordingReception


async def life(server: DiscordStandIn, store: Store, missed: int, live: str) -> list[str]:
    """Run once: wait for so many missed messages, then let Ben say something. Returns all that was delivered."""
    reception, adapter = RecordingReception(), adapter_of(server, store)
    async with adapter.running(reception):
        await reception.messages(missed)
        await server.speak("ben", server.dm_id("ben"), live)
        await reception.messages(missed + 1)
    await adapter.close()
    assert reception.inbound[-1].event.text == live
    return [inbound.event.text for inbound in reception.deliveries]


async def test_what_was_said_meanwhile_is_received_once_and_nothing_older(sqlite_store: Store) -> None:
    """A mention in a channel and a direct message, after the next start and not after the one that follows."""
    async with DiscordStandIn() as server:
        general, dm = server.channel_id("general"), server.dm_id("ben")
        await server.speak("ada", general, "@Parley before the first start")
        assert set(await life(server, sqlite_store, 0, "live 0")) == {"live 0"}
        await server.speak("ada", general, "said past the bot")
        await server.speak("ada", general, "@Parley one")
        await server.speak("ben", dm, "two")
        second = await life(server, sqlite_store, 2, "live 1")
        assert (set(second), second.count("one"), second.count("two")) == ({"one", "two", "live 1"}, 1, 1)
        assert set(await life(server, sqlite_store, 0, "live 2")) == {"live 2"}
