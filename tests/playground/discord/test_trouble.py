"""Rate limits and planned faults, met by the real library."""

import asyncio
import time
from itertools import pairwise

import aiohttp
import discord as sdk
import pytest

from bot.playground.discord import DiscordRules, DiscordStandIn, Rate
from tests.playground.discord.client import Bot, connected, soon
from tests.playground.discord.conftest import Open

SEND, EDIT = "POST /channels/{channel_id}/messages", "PATCH /channels/{channel_id}/messages/{message_id}"
TIGHT = DiscordRules.lax().model_copy(update={"sends": Rate(limit=2, window=0.4), "edits": Rate(limit=3, window=0.4)})


async def channel_of(discord: DiscordStandIn, bot: Bot) -> sdk.TextChannel:
    return bot.get_channel(int(discord.channel_id("general")))


async def test_headers_pace_the_library_without_a_429(opened: Open) -> None:
    """The library sees `Remaining: 0` and waits for the window: six edits take two windows, no 429."""
    async with opened(TIGHT) as discord, connected(discord) as bot:
        sent = await (await channel_of(discord, bot)).send("0")
        began = time.perf_counter()
        for number in range(1, 7):
            await sent.edit(content=f"{number}")
        assert time.perf_counter() - began >= 0.7
        edits = [call for call in discord.calls if call.route == EDIT]
        assert [call.status for call in edits] == [200] * 6
        assert all(earlier.at <= later.at for earlier, later in pairwise(edits))


async def test_too_fast_requests_get_429_with_everything(opened: Open) -> None:
    """A client that ignores the headers gets 429 with body, Retry-After, scope and bucket; it counts as invalid."""
    async with opened(TIGHT) as discord, aiohttp.ClientSession() as session:
        url = f"{discord.api_url}/channels/{discord.channel_id('general')}/messages"
        headers = {"Authorization": f"Bot {discord.token}"}
        answers = [await session.post(url, json={"content": "x"}, headers=headers) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        last = answers[-1]
        body = await last.json()
        assert 0 < body["retry_after"] <= 0.4
        assert not body["global"]
        assert (last.headers["Retry-After"], last.headers["X-RateLimit-Scope"]) == ("1", "user")
        assert len({answer.headers["X-RateLimit-Bucket"] for answer in answers}) == 1
        assert (last.headers["Via"], last.headers["Content-Type"]) == ("1.1 google", "application/json")
        assert discord.invalid_requests == 1


async def test_global_limit_is_told_as_global(opened: Open) -> None:
    """The global limit has its own header, flag and scope."""
    rules = DiscordRules.lax().model_copy(update={"global_limit": 2})
    async with opened(rules) as discord, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bot {discord.token}"}
        answers = [await session.get(f"{discord.api_url}/users/@me", headers=headers) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert answers[-1].headers["X-RateLimit-Global"] == "true"
        assert (await answers[-1].json())["global"]


async def test_limit_rate_delays_writes_only(discord: DiscordStandIn, bot: Bot) -> None:
    """While the switch is on, writes get 429 and the library comes through afterwards; reads pass."""
    channel = await channel_of(discord, bot)
    discord.limit_rate(0.3)
    assert [m async for m in channel.history()] == []
    began = time.perf_counter()
    await channel.send("patience")
    assert time.perf_counter() - began >= 0.25
    statuses = [call.status for call in discord.calls if call.route == SEND]
    assert statuses == [429, 200]


async def test_500_after_the_effect_does_not_double_a_message(discord: DiscordStandIn, bot: Bot) -> None:
    """A 500 that did take effect is repeated by the library with the same nonce: one message."""
    discord.faults.add(SEND, "500", after=True)
    sent = await (await channel_of(discord, bot)).send("once")
    assert [message.id for message in discord.view().messages] == [str(sent.id)]
    assert [call.status for call in discord.calls if call.route == SEND] == [500, 200]


async def test_503_is_raised_at_once(discord: DiscordStandIn, bot: Bot) -> None:
    """The library does not repeat after 503."""
    discord.faults.add(SEND, "503")
    with pytest.raises(sdk.DiscordServerError):
        await (await channel_of(discord, bot)).send("no")
    assert discord.view().messages == ()


@pytest.mark.parametrize(("kind", "messages"), [("cut_before", 0), ("cut_after", 1)])
async def test_cut_connections_leave_the_caller_in_doubt(
    discord: DiscordStandIn, bot: Bot, kind: str, messages: int
) -> None:
    """The caller sees the same error whether the message was created or not."""
    discord.faults.add(SEND, kind)
    with pytest.raises((aiohttp.ClientError, OSError)):
        await (await channel_of(discord, bot)).send("perhaps")
    assert len(discord.view().messages) == messages
    assert discord.calls[-1].status == 0


async def test_429_without_via_is_raised(discord: DiscordStandIn, bot: Bot) -> None:
    """Cloudflare's 429 is HTML without Via; the library gives up at once."""
    discord.faults.add(SEND, "429_html")
    with pytest.raises(sdk.HTTPException) as banned:
        await (await channel_of(discord, bot)).send("no")
    assert banned.value.status == 429


async def test_shared_429_does_not_count_as_invalid(discord: DiscordStandIn, bot: Bot) -> None:
    """A 429 of the shared scope is waited out and not counted."""
    discord.faults.add(SEND, "429_shared", seconds=0.05)
    await (await channel_of(discord, bot)).send("yes")
    assert discord.invalid_requests == 0


async def test_slow_answers_take_their_time(discord: DiscordStandIn, bot: Bot) -> None:
    """A slow answer arrives, late, and the log says how long it took."""
    discord.faults.add(SEND, "slow", seconds=0.2)
    await (await channel_of(discord, bot)).send("eventually")
    assert discord.calls[-1].took >= 0.2


async def test_old_messages_take_only_so_many_edits(discord: DiscordStandIn, bot: Bot) -> None:
    """Edits of a message older than an hour end in 30046."""
    sent = await (await channel_of(discord, bot)).send("0")
    discord.clock.advance(discord.rules.old_message_age + 1)
    for number in range(discord.rules.old_message_edits):
        await sent.edit(content=f"{number}")
    with pytest.raises(sdk.HTTPException) as refused:
        await sent.edit(content="one more")
    assert refused.value.code == 30046


async def test_interactions_can_be_acknowledged_while_writes_are_closed(discord: DiscordStandIn, bot: Bot) -> None:
    """The rate-limit switch spares the first answer to an interaction, which has three seconds only."""
    sent = await (await channel_of(discord, bot)).send("x", view=sdk.ui.View().add_item(sdk.ui.Button(custom_id="a")))
    discord.limit_rate(30.0)
    pressing = asyncio.create_task(discord.press("ada", str(sent.channel.id), str(sent.id), "a"))
    await (await bot.next_interaction()).response.defer()
    await soon(pressing)


async def test_sends_and_edits_may_share_a_bucket(opened: Open) -> None:
    """As a setting, edits use up the bucket of sends."""
    rules = TIGHT.model_copy(update={"sends_and_edits_share": True})
    async with opened(rules) as discord, aiohttp.ClientSession() as session:
        url = f"{discord.api_url}/channels/{discord.channel_id('general')}/messages"
        headers = {"Authorization": f"Bot {discord.token}"}
        sent = await session.post(url, json={"content": "x"}, headers=headers)
        edited = await session.patch(f"{url}/{(await sent.json())['id']}", json={"content": "y"}, headers=headers)
        assert edited.headers["X-RateLimit-Bucket"] == sent.headers["X-RateLimit-Bucket"]
        assert edited.headers["X-RateLimit-Remaining"] == "0"


async def test_downloads_can_fail(discord: DiscordStandIn, bot: Bot) -> None:
    """Trouble can be planned for the content network as well."""
    sent = await (await channel_of(discord, bot)).send(file=sdk.File(__file__, "x.py"))
    discord.faults.add("GET /attachments", "500")
    with pytest.raises(sdk.HTTPException):
        await sent.attachments[0].read()
    assert await sent.attachments[0].read()
