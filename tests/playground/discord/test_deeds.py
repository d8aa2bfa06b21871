"""What people do with messages and threads that are there, as the library hears it."""

import discord as sdk
import pytest

from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.playground.view import NotPossible
from tests.playground.discord.client import Bot, connected, soon
from tests.playground.discord.conftest import Open


async def test_an_administrator_deletes_what_others_wrote(discord: DiscordStandIn, bot: Bot) -> None:
    general = discord.channel_id("general")
    message = await discord.speak("ben", general, "oops")
    await discord.retract("ada", general, message)
    event = await soon(bot.deleted.get())
    assert (event.message_id, event.guild_id) == (int(message), int(discord.guild_id))
    assert discord.view().messages == ()


async def test_in_a_direct_message_nobody_deletes_what_the_bot_wrote(discord: DiscordStandIn, bot: Bot) -> None:
    await discord.speak("ada", discord.dm_id("ada"), "hello")
    answer = await (await bot.next_message()).reply("hi")
    with pytest.raises(NotPossible, match="administrators"):
        await discord.retract("ada", discord.dm_id("ada"), str(answer.id))


async def test_many_messages_are_deleted_with_one_event(discord: DiscordStandIn, bot: Bot) -> None:
    general = discord.channel_id("general")
    said = [await discord.speak("ben", general, text) for text in ("one", "two")]
    discord.deeds.purge("ada", general, said)
    assert (await soon(bot.purged.get())).message_ids == {int(message) for message in said}
    assert discord.view().messages == ()


async def test_a_forward_carries_a_picture_of_the_message(discord: DiscordStandIn, bot: Bot) -> None:
    message = await discord.speak("ben", discord.channel_id("general"), "the numbers")
    discord.deeds.forward("ada", discord.channel_id("general"), message, discord.dm_id("ada"))
    await bot.next_message()
    forward = await bot.next_message()
    assert forward.content == ""
    assert [snapshot.content for snapshot in forward.message_snapshots] == ["the numbers"]
    assert forward.reference is not None
    assert forward.reference.type is sdk.MessageReferenceType.forward
    assert "the numbers" in discord.view().messages[-1].html


async def test_stickers_and_polls_are_messages_without_text(discord: DiscordStandIn, bot: Bot) -> None:
    discord.deeds.stick("ada", discord.channel_id("general"), "Wave")
    discord.deeds.poll("ada", discord.channel_id("general"), "Lunch?", ["Soup", "Salad"])
    sticker, poll = await bot.next_message(), await bot.next_message()
    assert [one.name for one in sticker.stickers] == ["Wave"]
    assert poll.poll is not None
    assert [answer.text for answer in poll.poll.answers] == ["Soup", "Salad"]


async def test_a_preview_is_a_change_that_nobody_made(discord: DiscordStandIn, bot: Bot) -> None:
    message = await discord.speak("ada", discord.channel_id("general"), "see https://example.com")
    discord.deeds.unfurl(message, {"title": "Example", "description": "of a preview"})
    event = await soon(bot.updates.get())
    assert event.message.edited_at is None
    assert [embed.title for embed in event.message.embeds] == ["Example"]


async def test_a_locked_thread_is_open_to_moderators_alone(discord: DiscordStandIn, bot: Bot) -> None:
    await discord.speak("ada", discord.channel_id("general"), "@Parley help")
    thread = await (await bot.next_message()).create_thread(name="Help")
    discord.deeds.archive(str(thread.id), locked=True)
    with pytest.raises(NotPossible, match="locked"):
        await discord.speak("ben", str(thread.id), "hello?")
    with pytest.raises(sdk.HTTPException) as refused:
        await thread.edit(archived=False)
    assert refused.value.code == 50013
    await discord.speak("ada", str(thread.id), "closing words")
    discord.deeds.reopen(str(thread.id))
    await discord.speak("ben", str(thread.id), "thanks")


async def test_a_deleted_thread_takes_its_messages_along_and_not_its_question(
    discord: DiscordStandIn, bot: Bot
) -> None:
    question = await discord.speak("ada", discord.channel_id("general"), "@Parley help")
    thread = await (await bot.next_message()).create_thread(name="Help")
    await thread.send("working")
    discord.deeds.delete_thread(str(thread.id))
    assert (await soon(bot.gone.get())).thread_id == thread.id
    with pytest.raises(sdk.NotFound) as refused:
        await thread.send("more")
    assert refused.value.code == 10003
    assert [(message.id, message.opens) for message in discord.view().messages] == [(question, None)]


async def test_history_is_blank_without_the_content_intent(opened: Open) -> None:
    """What was said past the bot is not told over HTTP either; what mentions it is."""
    async with opened(DiscordRules.lax().model_copy(update={"message_content": False})) as discord:
        general = discord.channel_id("general")
        await discord.speak("ada", general, "between us")
        await discord.speak("ada", general, "@Parley for you")
        async with connected(discord, content=False) as client:
            channel = client.get_channel(int(general))
            assert isinstance(channel, sdk.TextChannel)
            texts = [message.content async for message in channel.history(oldest_first=True)]
    assert [bool(text) for text in texts] == [False, True]


async def test_a_reply_mentions_its_author_unless_that_is_switched_off(discord: DiscordStandIn, bot: Bot) -> None:
    general = discord.channel_id("general")
    await discord.speak("ada", general, "@Parley help")
    answer = await (await bot.next_message()).reply("yes?")
    for notify in (True, False):
        await discord.speak("ada", general, "more", reply_to=str(answer.id), notify=notify)
    loud, quiet = await bot.next_message(), await bot.next_message()
    assert bot.user in loud.mentions
    assert bot.user not in quiet.mentions
