"""Sending, editing, reading, replying, nonces, lengths, mentions and files."""

from io import BytesIO

import discord as sdk
import pytest

from bot.playground.discord import DiscordStandIn
from bot.playground.view import NotPossible, Upload
from tests.playground.discord.client import Bot, connected

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x03\x00\x00\x00\x02\x08\x02\x00\x00\x00"


def general(discord: DiscordStandIn, bot: Bot) -> sdk.TextChannel:
    return bot.get_channel(int(discord.channel_id("general")))


async def test_mention_arrives_as_a_real_mention(discord: DiscordStandIn, bot: Bot) -> None:
    """`@Parley` in a person's text becomes a mention of the bot, with the author's roles."""
    message_id = await discord.speak("ada", discord.channel_id("general"), "@Parley what is up with @Ben Okafor?")
    message = await bot.next_message()
    assert str(message.id) == message_id
    assert bot.user in message.mentions
    assert message.content == f"<@{bot.user.id}> what is up with <@{discord.user_id('ben')}>?"
    assert message.author.display_name == "Ada Moreno"
    assert message.author.guild_permissions.administrator
    assert "@Parley</span>" in discord.view().messages[0].html


async def test_thread_from_a_message_has_its_id(discord: DiscordStandIn, bot: Bot) -> None:
    """A thread opened from a message has the message's id; a second one is refused with 160004."""
    await discord.speak("ada", discord.channel_id("general"), "@Parley help")
    message = await bot.next_message()
    thread = await message.create_thread(name="Help")
    assert thread.id == message.id
    assert (await bot.threads.get()).id == thread.id
    with pytest.raises(sdk.HTTPException) as refused:
        await message.create_thread(name="Again")
    assert refused.value.code == 160004
    view = discord.view()
    assert view.messages[0].opens == str(thread.id)
    shown = next(channel for channel in view.channels if channel.kind == "thread")
    assert (shown.name, shown.parent) == ("Help", discord.channel_id("general"))


async def test_people_speak_in_threads_by_channel_id(discord: DiscordStandIn, bot: Bot) -> None:
    """A thread is a channel; its starter copy has type 21 and follow-ups reach the bot."""
    await discord.speak("ada", discord.channel_id("general"), "@Parley help")
    thread = await (await bot.next_message()).create_thread(name="Help")
    await discord.speak("ben", str(thread.id), "me too")
    starter, follow_up = await bot.next_message(), await bot.next_message()
    assert starter.type is sdk.MessageType.thread_starter_message
    assert (follow_up.content, follow_up.channel.id, follow_up.author.name) == ("me too", thread.id, "ben")
    members = await thread.fetch_members()
    assert {member.id for member in members} == {bot.user.id, *(int(discord.user_id(p)) for p in ("ada", "ben"))}


async def test_archived_thread_refuses_edits_and_wakes_by_a_message(discord: DiscordStandIn, bot: Bot) -> None:
    """Editing in an archived thread is 50083; a new message reopens it."""
    await discord.speak("ada", discord.channel_id("general"), "@Parley help")
    thread = await (await bot.next_message()).create_thread(name="Help")
    sent = await thread.send("working")
    await thread.edit(archived=True)
    with pytest.raises(sdk.HTTPException) as refused:
        await sent.edit(content="done")
    assert refused.value.code == 50083
    await discord.speak("ada", str(thread.id), "still there?")
    await sent.edit(content="done")


async def test_same_nonce_gives_the_first_message(discord: DiscordStandIn, bot: Bot) -> None:
    """An enforced nonce is remembered for five minutes, without a second message or event."""
    channel = general(discord, bot)
    first = await channel.send("once", nonce="seg1")
    again = await channel.send("once", nonce="seg1")
    assert (again.id, again.nonce) == (first.id, "seg1")
    discord.clock.advance(discord.rules.nonce_memory + 1)
    assert (await channel.send("once", nonce="seg1")).id != first.id
    assert len(discord.view().messages) == 2


async def test_a_nonce_is_told_to_its_author_once_and_not_kept_with_the_message(
    discord: DiscordStandIn, bot: Bot
) -> None:
    """Neither history nor the message by its id have it (Rapptz/discord.py#2451)."""
    channel = bot.get_channel(int(discord.channel_id("general")))
    sent = await channel.send("once", nonce="seg1")
    assert sent.nonce == "seg1"
    assert [message.nonce async for message in channel.history()] == [None]
    assert (await channel.fetch_message(sent.id)).nonce is None


async def test_a_nonce_whose_message_was_deleted_creates_nothing(discord: DiscordStandIn, bot: Bot) -> None:
    """It is an unknown message, and stays one for as long as the nonce is remembered."""
    channel = bot.get_channel(int(discord.channel_id("general")))
    await (await channel.send("once", nonce="seg1")).delete()
    with pytest.raises(sdk.NotFound) as unknown:
        await channel.send("once", nonce="seg1")
    assert unknown.value.code == 10008
    assert not discord.view().messages


async def test_edits_are_shown_with_their_times(discord: DiscordStandIn, bot: Bot) -> None:
    """An edit changes the text for everybody and is counted."""
    sent = await general(discord, bot).send("one")
    for text in ("two", "three"):
        await sent.edit(content=text)
    shown = discord.view().messages[0]
    assert (shown.html, shown.edits) == ("<p>three</p>", 2)
    assert shown.first_edit <= shown.last_edit
    assert (await bot.updates.get()).message.content == "two"


@pytest.mark.parametrize("act", ["send", "edit"])
async def test_more_than_2000_characters_are_refused(discord: DiscordStandIn, bot: Bot, act: str) -> None:
    """2,000 characters pass, 2,001 give 50035 at `content`."""
    channel = general(discord, bot)
    sent = await channel.send("x" * 2000)
    with pytest.raises(sdk.HTTPException) as refused:
        await (channel.send("x" * 2001) if act == "send" else sent.edit(content="x" * 2001))
    assert (refused.value.status, refused.value.code) == (400, 50035)
    errors = discord.calls[-1].response["errors"]
    assert errors["content"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"


async def test_empty_message_is_refused(discord: DiscordStandIn, bot: Bot) -> None:
    """Nothing to see is 50006."""
    with pytest.raises(sdk.HTTPException) as refused:
        await general(discord, bot).send("  \n ")
    assert refused.value.code == 50006


async def test_others_messages_cannot_be_edited_and_unknown_ones_are_unknown(discord: DiscordStandIn, bot: Bot) -> None:
    """50005 for somebody else's message, 10008 for none, 10003 for no channel."""
    channel = general(discord, bot)
    theirs = await discord.speak("ada", str(channel.id), "mine")
    for message_id, code in ((int(theirs), 50005), (1, 10008)):
        with pytest.raises(sdk.HTTPException) as refused:
            await channel.get_partial_message(message_id).edit(content="no")
        assert refused.value.code == code
    with pytest.raises(sdk.NotFound) as unknown:
        await bot.get_partial_messageable(1).send("no")
    assert unknown.value.code == 10003


async def test_missing_permissions_are_forbidden(discord: DiscordStandIn, bot: Bot) -> None:
    """A denied channel answers 403 with the code that was set, and counts as invalid."""
    channel = general(discord, bot)
    discord.deny(str(channel.id), 50013)
    with pytest.raises(sdk.Forbidden) as refused:
        await channel.send("no")
    assert (refused.value.code, discord.invalid_requests) == (50013, 1)


async def test_deleted_message_is_gone_for_everybody(discord: DiscordStandIn, bot: Bot) -> None:
    """DELETE takes the message out of the view and makes it 10008."""
    sent = await general(discord, bot).send("oops")
    await sent.delete()
    assert discord.view().messages == ()
    with pytest.raises(sdk.NotFound) as gone:
        await sent.edit(content="no")
    assert gone.value.code == 10008


async def test_history_pages_by_id(discord: DiscordStandIn, bot: Bot) -> None:
    """`after`, `before` and `limit` work as the library expects."""
    channel = general(discord, bot)
    ids = [int(await discord.speak("ben", str(channel.id), f"{n}")) for n in range(5)]
    after = [message.id async for message in channel.history(after=sdk.Object(ids[1]), oldest_first=True)]
    before = [message.id async for message in channel.history(before=sdk.Object(ids[3]), limit=2)]
    assert after == ids[2:]
    assert before == [ids[2], ids[1]]


async def test_reply_refers_to_its_message(discord: DiscordStandIn, bot: Bot) -> None:
    """A reply carries the message that it answers, and pings its author only as a reply."""
    await discord.speak("ada", discord.channel_id("general"), "@Parley hi")
    message = await bot.next_message()
    reply = await message.reply("hello")
    assert reply.reference.message_id == message.id
    assert [(ping.who, ping.because) for ping in discord.pings] == [("Ada Moreno", "reply")]
    assert discord.view().messages[-1].pings == ()


async def test_allowed_mentions_decide_who_is_pinged(discord: DiscordStandIn, bot: Bot) -> None:
    """The client's default lets nobody be pinged; without it everybody is, and the view shows it."""
    channel = general(discord, bot)
    text = f"@everyone and <@{discord.user_id('ben')}>"
    quiet = await channel.send(text)
    assert (discord.pings, quiet.mentions, quiet.mention_everyone) == ([], [], False)
    await channel.send(text, allowed_mentions=sdk.AllowedMentions.all())
    assert [ping.who for ping in discord.pings] == ["Ben Okafor", "everyone"]
    assert discord.view().messages[-1].pings == ("Ben Okafor", "everyone")


async def test_link_previews_are_recorded_unless_suppressed(discord: DiscordStandIn, bot: Bot) -> None:
    """A link is previewed unless it is suppressed, quiet or code; an edit with `flags: 0` brings it back."""
    channel = general(discord, bot)
    sent = await channel.send("see https://example.com/a", suppress_embeds=True)
    await channel.send("see <https://example.com/b> and `https://example.com/c`")
    await channel.get_partial_message(sent.id).edit(content="see https://example.com/a !")
    assert discord.embeds == []
    await sent.edit(content="see https://example.com/a !!", suppress=False)
    assert [preview.url for preview in discord.embeds] == ["https://example.com/a"]


async def test_direct_messages_go_both_ways(discord: DiscordStandIn, bot: Bot) -> None:
    """A direct message has no guild; the answer is seen in the person's channel only."""
    await discord.speak("chloe", discord.dm_id("chloe"), "psst")
    message = await bot.next_message()
    assert message.guild is None
    await message.channel.send("yes?")
    opened = await (await bot.fetch_channel(message.channel.id)).recipient.create_dm()
    assert opened.id == message.channel.id
    channel = next(c for c in discord.view().channels if c.person == "chloe")
    assert [m.author for m in discord.view().messages if m.channel == channel.id] == ["chloe", "bot"]
    with pytest.raises(NotPossible):
        await discord.speak("ada", discord.dm_id("chloe"), "let me in")


async def test_files_from_people_are_downloaded_and_expire(discord: DiscordStandIn, bot: Bot) -> None:
    """A person's file comes with a signed address that expires and is renewed by fetching the message."""
    files = (Upload(name="a b.csv", content=b"x,y\n1,2\n"), Upload(name="p.bin", content=PNG))
    await discord.speak("ada", discord.channel_id("general"), "@Parley look", files=files)
    message = await bot.next_message()
    table, picture = message.attachments
    assert (table.filename, table.content_type, await table.read()) == (
        "a_b.csv",
        "text/csv; charset=utf-8",
        b"x,y\n1,2\n",
    )
    assert (picture.content_type, picture.width, picture.height) == ("image/png", 3, 2)
    discord.clock.advance(discord.rules.cdn_life + 1)
    with pytest.raises(sdk.NotFound):
        await table.read()
    renewed = await message.channel.fetch_message(message.id)
    assert await renewed.attachments[0].read() == b"x,y\n1,2\n"
    forged = renewed.attachments[0].url.replace("hm=", "hm=0")
    with pytest.raises(sdk.NotFound):
        await bot.http.get_from_cdn(forged)


async def test_files_of_the_bot_are_kept_replaced_and_served(discord: DiscordStandIn, bot: Bot) -> None:
    """`attachments` of an edit replaces the list; the page can fetch what is there."""
    sent = await general(discord, bot).send("chart", file=sdk.File(BytesIO(PNG), "chart.png"))
    more = sdk.File(BytesIO(b"hello"), "notes.txt")
    edited = await sent.edit(attachments=[*sent.attachments, more])
    shown = discord.view().messages[0].files
    assert [file.name for file in shown] == ["chart.png", "notes.txt"]
    assert shown[1].url == f"/files/discord/{shown[1].id}"
    assert discord.file(shown[1].id) == ("notes.txt", "text/plain; charset=utf-8", b"hello")
    await edited.edit(attachments=[])
    assert discord.view().messages[0].files == ()


async def test_too_large_files_are_413(discord: DiscordStandIn, bot: Bot) -> None:
    """One byte more than 10 MiB is refused with 40005."""
    limit = discord.rules.file_limit
    with pytest.raises(sdk.HTTPException) as refused:
        await general(discord, bot).send(file=sdk.File(BytesIO(b"x" * (limit + 1)), "big.bin"))
    assert (refused.value.status, refused.value.code) == (413, 40005)


async def test_typing_and_reactions_are_seen(discord: DiscordStandIn, bot: Bot) -> None:
    """Typing tells the watchers until the bot's message comes; a reaction shows its emoji until it is taken back."""
    texts: list[str] = []
    discord.watch(lambda change: texts.append(getattr(change, "text", None)) if hasattr(change, "text") else None)
    message_id = await discord.speak("ada", discord.channel_id("general"), "hi")
    channel = general(discord, bot)
    await channel.typing()
    partial = channel.get_partial_message(int(message_id))
    await partial.add_reaction("⏳")
    assert discord.view().messages[0].reactions == ("⏳",)
    await partial.remove_reaction("⏳", bot.user)
    await channel.send("there")
    assert discord.view().messages[0].reactions == ()
    assert texts == ["Parley is typing…", ""]


async def test_people_edit_delete_and_react(discord: DiscordStandIn, bot: Bot) -> None:
    """What people do to their messages reaches the bot as full updates."""
    channel = discord.channel_id("general")
    message_id = await discord.speak("ada", channel, "first")
    await discord.amend("ada", channel, message_id, "second")
    assert (await bot.updates.get()).message.content == "second"
    with pytest.raises(NotPossible):
        await discord.retract("ben", channel, message_id)
    await discord.retract("ada", channel, message_id)
    assert discord.view().messages == ()


async def test_fresh_connection_finds_threads_and_last_message_ids(discord: DiscordStandIn) -> None:
    """GUILD_CREATE carries the active threads with their last message ids, for catching up."""
    async with connected(discord) as first:
        await discord.speak("ada", discord.channel_id("general"), "@Parley help")
        thread = await (await first.next_message()).create_thread(name="Help")
    last = await discord.speak("ben", str(thread.id), "anybody?")
    async with connected(discord) as second:
        found = second.get_channel(thread.id)
        assert str(found.last_message_id) == last
        assert [m.content async for m in found.history(limit=1)] == ["anybody?"]
