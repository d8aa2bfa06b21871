"""Login, READY, sessions and what happens when they break."""

import asyncio

import aiohttp
import discord as sdk
import pytest

from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.playground.view import ConnectionShown
from tests.playground.discord.client import Bot, connected, soon
from tests.playground.discord.conftest import Open


async def test_login_finds_bot_application_and_server(discord: DiscordStandIn, bot: Bot) -> None:
    """The library logs in, gets READY and GUILD_CREATE, and knows channels, roles and its own membership."""
    assert str(bot.user.id) == discord.application_id == str(bot.application_id)
    guild = bot.get_guild(int(discord.guild_id))
    assert {channel.name for channel in guild.text_channels} == {"general", "support"}
    assert guild.me.guild_permissions.send_messages_in_threads
    assert guild.me.top_role.name == "Parley"
    assert discord.view().bot_connected


@pytest.mark.parametrize("path", ["/api/v10/gateway", "/gateway", "/attachments/1/2/a"])
async def test_other_hosts_are_refused(discord: DiscordStandIn, path: str) -> None:
    """Only the two names of loopback are answered, so no foreign name can be pointed here."""
    url = discord.api_url.removesuffix("/api/v10") + path
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
        async with session.get(url.replace("127.0.0.1", "localhost")) as answer:
            assert answer.status != 403


async def test_wrong_token_is_refused_and_counted(discord: DiscordStandIn) -> None:
    """A wrong token gives 401 and counts as an invalid request."""
    async with Bot() as client:
        with pytest.raises(sdk.LoginFailure):
            await client.login("wrong.token.here")
    assert discord.invalid_requests == 1


async def test_message_content_that_was_not_granted_closes_with_4014(opened: Open) -> None:
    """Asking for MESSAGE_CONTENT without the grant ends in PrivilegedIntentsRequired."""
    async with opened(DiscordRules(message_content=False)) as standin, Bot() as client:
        with pytest.raises(sdk.PrivilegedIntentsRequired):
            await soon(client.start(standin.token))


async def test_content_is_blank_without_the_intent_unless_it_is_for_the_bot(discord: DiscordStandIn) -> None:
    """Without MESSAGE_CONTENT, only mentions, direct messages and own messages have text."""
    general, dm = discord.channel_id("general"), discord.dm_id("ada")
    async with connected(discord, content=False) as client:
        await discord.speak("ada", general, "just talking")
        await discord.speak("ada", general, "@Parley hello")
        await discord.speak("ada", dm, "in private")
        texts = [(await client.next_message()).content for _ in range(3)]
    assert texts == ["", f"<@{discord.application_id}> hello", "in private"]


async def test_lost_connection_is_resumed_with_what_was_missed(discord: DiscordStandIn, bot: Bot) -> None:
    """After a TCP loss the library resumes and gets the messages of the gap, once and in order."""
    seen: list[bool] = []
    discord.watch(lambda change: seen.append(change.connected) if isinstance(change, ConnectionShown) else None)
    general = discord.channel_id("general")
    discord.drop_connection()
    assert not discord.view().bot_connected
    for number in range(3):
        await discord.speak("ben", general, f"missed {number}")
    assert [(await bot.next_message()).content for _ in range(3)] == ["missed 0", "missed 1", "missed 2"]
    await soon(bot.resumes.wait())
    assert discord.gateway.resumed == 1
    assert len(discord.gateway.identified_at) == 1
    assert seen == [False, True]


async def test_reconnect_request_resumes(discord: DiscordStandIn, bot: Bot) -> None:
    """Op 7 makes the library come back with RESUME."""
    discord.gateway.ask_to_reconnect()
    await soon(bot.resumes.wait())
    await discord.speak("ada", discord.channel_id("general"), "after")
    assert (await bot.next_message()).content == "after"


async def test_expired_session_is_begun_anew(discord: DiscordStandIn, bot: Bot) -> None:
    """RESUME of a session that is too old gets op 9, and the library identifies again."""
    discord.drop_connection()
    discord.clock.advance(discord.rules.resume_window + 1)
    await discord.wait_for(lambda: len(discord.gateway.identified_at) == 2 and discord.view().bot_connected)
    assert discord.gateway.resumed == 0


async def test_two_sessions_of_one_token_both_get_events(discord: DiscordStandIn, bot: Bot) -> None:
    """A second process with the same token sees every event as well."""
    async with connected(discord) as second:
        await discord.speak("ada", discord.channel_id("general"), "hello")
        assert (await bot.next_message()).content == (await second.next_message()).content == "hello"


async def test_duplicate_dispatch_comes_twice_and_lost_one_never(discord: DiscordStandIn, bot: Bot) -> None:
    """Planned gateway trouble hits the next dispatches."""
    general = discord.channel_id("general")
    discord.faults.add("MESSAGE_CREATE", "duplicate")
    discord.faults.add("MESSAGE_CREATE", "lost")
    for text in ("twice", "never", "once"):
        await discord.speak("ada", general, text)
    assert [(await bot.next_message()).content for _ in range(3)] == ["twice", "twice", "once"]


async def test_malformed_dispatch_ends_the_librarys_connection(discord: DiscordStandIn) -> None:
    """An event that discord.py cannot parse ends Client.connect, as it does with the real server."""
    async with Bot() as client:
        running = asyncio.create_task(client.start(discord.token))
        await discord.wait_for(lambda: discord.view().bot_connected)
        discord.faults.add("MESSAGE_CREATE", "malformed")
        await discord.speak("ada", discord.channel_id("general"), "boom")
        with pytest.raises(KeyError):
            await soon(running)
