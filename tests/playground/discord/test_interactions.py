"""Slash commands, buttons, ephemeral answers, deadlines and tokens."""

import asyncio

import discord as sdk
import pytest
from discord import app_commands, ui

from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.playground.view import NotPossible, Upload
from tests.playground.discord.client import Bot, connected, soon
from tests.playground.discord.conftest import Open


async def register(bot: Bot, discord: DiscordStandIn, *, in_guild: bool = False) -> list[app_commands.AppCommand]:
    """Registers `/ask` and `/new`; what they do is up to the test, which takes the interactions itself."""

    @bot.tree.command(name="ask", description="Ask the assistant")
    @app_commands.describe(question="What to ask", file="A file to read", private="Only I see the answer")
    async def ask(
        interaction: sdk.Interaction, question: str, file: sdk.Attachment | None = None, private: bool = False
    ) -> None:
        interaction.extras.update(question=question, file=file, private=private)

    @bot.tree.command(name="new", description="Start over")
    async def new(interaction: sdk.Interaction) -> None:
        interaction.extras["new"] = True

    if not in_guild:
        return await bot.tree.sync()
    guild = sdk.Object(int(discord.guild_id))
    bot.tree.copy_global_to(guild=guild)
    return await bot.tree.sync(guild=guild)


class Keys(ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(ui.Button(label="Stop", style=sdk.ButtonStyle.danger, custom_id="run:stop:1"))
        self.add_item(ui.Button(emoji="👍", custom_id="run:up:1"))
        self.add_item(ui.Button(label="Docs", url="https://example.com"))


@pytest.mark.parametrize("in_guild", [False, True])
async def test_registered_commands_are_offered(discord: DiscordStandIn, bot: Bot, *, in_guild: bool) -> None:
    """A bulk overwrite, global or for the server, shows the commands with their options; the ids stay on a second."""
    first = await register(bot, discord, in_guild=in_guild)
    guild = sdk.Object(int(discord.guild_id)) if in_guild else None
    again = await bot.tree.sync(guild=guild)
    assert [command.id for command in first] == [command.id for command in again]
    assert [command.id for command in await bot.tree.fetch_commands(guild=guild)] == [command.id for command in first]
    ask, new = discord.view().commands
    assert (ask.name, new.name) == ("ask", "new")
    assert [(o.name, o.type, o.required) for o in ask.options] == [
        ("question", "text", True),
        ("file", "file", False),
        ("private", "boolean", False),
    ]


async def test_deferred_command_thinks_until_its_original_is_edited(discord: DiscordStandIn, bot: Bot) -> None:
    """Defer shows `thinking`; the edit of @original becomes the answer, without an edit mark."""
    await register(bot, discord)
    general = discord.channel_id("general")
    asking = asyncio.create_task(discord.command("ada", general, "ask", {"question": "why?"}))
    interaction = await bot.next_interaction()
    assert interaction.user.guild_permissions.administrator
    assert interaction.filesize_limit == discord.rules.file_limit
    response = await interaction.response.defer(thinking=True)
    assert response.resource.flags.loading
    assert await soon(asking) == ""
    thinking = discord.view().messages[0]
    assert (thinking.state, thinking.note, thinking.html) == ("thinking", "Ada used /ask", "")
    await interaction.edit_original_response(content="**because**")
    answer = discord.view().messages[0]
    assert (answer.id, answer.state, answer.edits) == (thinking.id, "sent", 0)
    assert answer.html == "<p><strong>because</strong></p>"
    await interaction.edit_original_response(content="because!")
    assert discord.view().messages[0].edits == 1
    assert interaction.extras == {"question": "why?", "file": None, "private": False}


async def test_options_and_files_are_resolved(discord: DiscordStandIn, bot: Bot) -> None:
    """Text, boolean and file options arrive as the library's types, and the file can be read."""
    await register(bot, discord)
    options = {"question": "sum?", "private": "true"}
    files = (Upload(name="t.csv", content=b"1,2\n"),)
    asking = asyncio.create_task(discord.command("ben", discord.channel_id("support"), "ask", options, files))
    interaction = await bot.next_interaction()
    await interaction.response.defer(thinking=True, ephemeral=True)
    await soon(asking)
    assert (interaction.extras["question"], interaction.extras["private"]) == ("sum?", True)
    assert await interaction.extras["file"].read() == b"1,2\n"


async def test_ephemeral_answer_is_for_one_person(discord: DiscordStandIn, bot: Bot) -> None:
    """An ephemeral answer is returned at once, shown to the asker only, and unknown to the channel."""
    await register(bot, discord)
    general = discord.channel_id("general")
    asking = asyncio.create_task(discord.command("ben", general, "new", {}))
    interaction = await bot.next_interaction()
    await interaction.response.send_message("A fresh start.", ephemeral=True)
    assert await soon(asking) == "A fresh start."
    shown = discord.view().messages[0]
    assert (shown.only_for, shown.html) == ("ben", "<p>A fresh start.</p>")
    original = await interaction.original_response()
    assert original.flags.ephemeral
    channel = bot.get_channel(int(general))
    assert [m async for m in channel.history()] == []
    with pytest.raises(sdk.NotFound):
        await channel.fetch_message(original.id)
    await interaction.delete_original_response()
    assert discord.view().messages == ()


async def test_no_answer_in_time_is_told_and_then_unknown(opened: Open) -> None:
    """After the deadline the person is told so, and the late callback gets 10062."""
    rules = DiscordRules.lax().model_copy(update={"interaction_deadline": 0.05})
    async with opened(rules) as discord, connected(discord) as bot:
        await register(bot, discord)
        with pytest.raises(NotPossible, match="did not respond"):
            await discord.command("ada", discord.channel_id("general"), "new", {})
        interaction = await bot.next_interaction()
        with pytest.raises(sdk.NotFound) as late:
            await interaction.response.defer()
        assert late.value.code == 10062


async def test_second_first_answer_is_refused(discord: DiscordStandIn, bot: Bot) -> None:
    """A second callback is 40060, even from another process."""
    await register(bot, discord)
    asking = asyncio.create_task(discord.command("ada", discord.channel_id("general"), "new", {}))
    interaction = await bot.next_interaction()
    await interaction.response.defer(thinking=True)
    await soon(asking)
    interaction.response._response_type = None  # what another process would not know
    with pytest.raises(sdk.HTTPException) as second:
        await interaction.response.defer(thinking=True)
    assert second.value.code == 40060


async def test_token_ends_after_fifteen_minutes(discord: DiscordStandIn, bot: Bot) -> None:
    """401 and 50027 once the token is too old."""
    await register(bot, discord)
    asking = asyncio.create_task(discord.command("ada", discord.channel_id("general"), "new", {}))
    interaction = await bot.next_interaction()
    await interaction.response.defer(thinking=True)
    await soon(asking)
    discord.clock.advance(discord.rules.interaction_life + 1)
    with pytest.raises(sdk.HTTPException) as dead:
        await interaction.edit_original_response(content="too late")
    assert (dead.value.status, dead.value.code) == (401, 50027)


async def test_original_is_unknown_before_the_first_answer(discord: DiscordStandIn, bot: Bot) -> None:
    """GET @original before the callback is 404, 10015."""
    await register(bot, discord)
    asking = asyncio.create_task(discord.command("ada", discord.channel_id("general"), "new", {}))
    interaction = await bot.next_interaction()
    with pytest.raises(sdk.NotFound) as unknown:
        await interaction.original_response()
    assert unknown.value.code == 10015
    await interaction.response.send_message("here")
    await soon(asking)


async def test_followup_right_after_a_defer_is_the_original(discord: DiscordStandIn, bot: Bot) -> None:
    """The first followup fills the deferred answer, the next is a message of its own."""
    await register(bot, discord)
    asking = asyncio.create_task(discord.command("ada", discord.channel_id("general"), "new", {}))
    interaction = await bot.next_interaction()
    await interaction.response.defer(thinking=True)
    await soon(asking)
    first = await interaction.followup.send("one", wait=True)
    second = await interaction.followup.send("two", wait=True, file=sdk.File(__file__, "x.py"))
    assert first.id == (await interaction.original_response()).id
    assert second.id != first.id
    await second.edit(content="two!")
    assert [m.html for m in discord.view().messages] == ["<p>one</p>", "<p>two!</p>"]


async def test_commands_work_in_direct_messages(discord: DiscordStandIn, bot: Bot) -> None:
    """In a direct message the interaction has a user and no guild; there it can be answered as well."""
    await register(bot, discord)
    asking = asyncio.create_task(discord.command("chloe", discord.dm_id("chloe"), "new", {}))
    interaction = await bot.next_interaction()
    assert (interaction.guild, interaction.user.name) == (None, "chloe")
    await interaction.response.send_message("hi")
    await soon(asking)
    assert discord.view().messages[0].html == "<p>hi</p>"


async def test_a_false_unknown_interaction_did_take_effect(discord: DiscordStandIn, bot: Bot) -> None:
    """A planned 10062 answers 404 although the answer is there, as GET @original shows."""
    await register(bot, discord)
    route = "POST /interactions/{interaction_id}/{interaction_token}/callback"
    discord.faults.add(route, "10062", after=True)
    asking = asyncio.create_task(discord.command("ada", discord.channel_id("general"), "new", {}))
    interaction = await bot.next_interaction()
    with pytest.raises(sdk.NotFound) as false:
        await interaction.response.send_message("here")
    assert false.value.code == 10062
    assert (await interaction.original_response()).content == "here"
    await soon(asking)


async def test_buttons_are_shown_and_pressed(discord: DiscordStandIn, bot: Bot) -> None:
    """A press reaches the bot with its message; defer leaves the message, an update changes it."""
    channel = bot.get_channel(int(discord.channel_id("general")))
    sent = await channel.send("working", view=Keys())
    shown = discord.view().messages[0]
    assert [(b.id, b.label, b.style) for b in shown.buttons] == [
        ("run:stop:1", "Stop", "danger"),
        ("run:up:1", "👍", "secondary"),
    ]
    pressing = asyncio.create_task(discord.press("ben", shown.channel, shown.id, "run:stop:1"))
    interaction = await bot.next_interaction()
    assert (interaction.data["custom_id"], interaction.message.id) == ("run:stop:1", sent.id)
    await interaction.response.defer()
    await soon(pressing)
    await interaction.edit_original_response(content="stopped", view=None)
    assert (discord.view().messages[0].html, discord.view().messages[0].buttons) == ("<p>stopped</p>", ())
    await interaction.followup.send("Only you may know.", ephemeral=True)
    assert discord.view().messages[-1].only_for == "ben"
    with pytest.raises(NotPossible):
        await discord.press("ben", shown.channel, shown.id, "run:stop:1")


async def test_a_press_may_update_its_message(discord: DiscordStandIn, bot: Bot) -> None:
    """The first answer of type 7 edits the message with the button."""
    channel = bot.get_channel(int(discord.channel_id("general")))
    await channel.send("1/2", view=Keys())
    shown = discord.view().messages[0]
    pressing = asyncio.create_task(discord.press("ada", shown.channel, shown.id, "run:up:1"))
    await (await bot.next_interaction()).response.edit_message(content="2/2")
    await soon(pressing)
    assert discord.view().messages[0].html == "<p>2/2</p>"


@pytest.mark.parametrize(
    ("options", "reason"),
    [({}, "required"), ({"question": "x", "colour": "red"}, "colour")],
)
async def test_people_cannot_send_what_the_picker_would_not(
    discord: DiscordStandIn, bot: Bot, options: dict[str, str], reason: str
) -> None:
    """Missing and unknown options, and unknown commands, are refused with the reason."""
    await register(bot, discord)
    with pytest.raises(NotPossible, match=reason):
        await discord.command("ada", discord.channel_id("general"), "ask", options)
    with pytest.raises(NotPossible, match="/nothing"):
        await discord.command("ada", discord.channel_id("general"), "nothing", {})
