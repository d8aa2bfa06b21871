"""Menus of messages, forms, suggestions while one types, and the bot where it is no member."""

import asyncio

import discord as sdk
import pytest
from discord import app_commands, ui

from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.playground.view import FormShown, FormView, NotPossible
from tests.playground.discord.client import Bot, connected, soon
from tests.playground.discord.conftest import Open

EVERYWHERE = app_commands.AppInstallationType(guild=True, user=True)
ALL = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)


class Question(ui.Modal):
    def __init__(self) -> None:
        super().__init__(title="Ask about this", custom_id="ask:1")
        field = ui.TextInput(custom_id="question", style=sdk.TextStyle.long, placeholder="What is it?", max_length=20)
        self.add_item(ui.Label(text="Your question", component=field))
        self.add_item(ui.TextInput(label="Note", custom_id="note", required=False, default="none"))
        self.stop()


async def register(bot: Bot, *, everywhere: bool = True) -> None:
    """`/ask` with a suggested option, and one entry in the menu of messages."""
    places = {"allowed_installs": EVERYWHERE, "allowed_contexts": ALL} if everywhere else {}

    async def ask(interaction: sdk.Interaction, assistant: str = "") -> None:
        interaction.extras["assistant"] = assistant

    async def about(interaction: sdk.Interaction, message: sdk.Message) -> None:
        interaction.extras["message"] = message

    async def suggest(interaction: sdk.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        names = [f"{typed}{n}" for n in range(bot.suggestions)]
        return [app_commands.Choice(name=name, value=name) for name in names]

    command = app_commands.Command(name="ask", description="Ask", callback=ask, **places)
    command.autocomplete("assistant")(suggest)
    bot.tree.add_command(command)
    menu = app_commands.ContextMenu(name="Ask about this", callback=about, **places)
    bot.tree.add_command(menu)
    bot.suggestions = 2
    await bot.tree.sync()


def forms(discord: DiscordStandIn) -> list[tuple[str, FormView]]:
    """The forms that are opened from now on, each with its person."""
    opened: list[tuple[str, FormView]] = []
    discord.watch(lambda change: opened.append((change.person, change.form)) if isinstance(change, FormShown) else None)
    return opened


async def begun(discord: DiscordStandIn, bot: Bot) -> tuple[str, asyncio.Task[str], sdk.Interaction]:
    """Ben has used the menu of a message of Ada's."""
    general = discord.channel_id("general")
    said = await discord.speak("ada", general, "**four** words")
    (menu,) = discord.view().menus
    choosing = asyncio.create_task(discord.choose("ben", general, said, menu.id))
    return said, choosing, await bot.next_interaction()


async def test_the_menu_of_a_message_brings_the_message_along(opened: Open) -> None:
    """Its content comes even without the message-content intent."""
    rules = DiscordRules.lax().model_copy(update={"message_content": False})
    async with opened(rules) as discord, connected(discord, content=False) as bot:
        await register(bot)
        assert [menu.label for menu in discord.view().menus] == ["Ask about this"]
        said, choosing, interaction = await begun(discord, bot)
        await interaction.response.send_message("done", ephemeral=True)
        assert await soon(choosing) == "done"
        target = interaction.extras["message"]
        assert (str(target.id), target.content, target.author.name) == (said, "**four** words", "ada")
        answer = discord.view().messages[-1]
        assert (answer.only_for, answer.note) == ("ben", "Ben used Ask about this")


async def test_a_form_is_opened_filled_in_and_answered(discord: DiscordStandIn, bot: Bot) -> None:
    """Type 9 shows it to its person; the submission has what was typed, in the form's own shape."""
    await register(bot)
    shown = forms(discord)
    _, choosing, interaction = await begun(discord, bot)
    await interaction.response.send_modal(Question())
    assert await soon(choosing) == ""
    ((person, form),) = shown
    assert (person, form.title) == ("ben", "Ask about this")
    assert [(f.id, f.label, f.multiline, f.required, f.value) for f in form.fields] == [
        ("question", "Your question", True, True, ""),
        ("note", "Note", False, False, "none"),
    ]
    with pytest.raises(NotPossible, match="no such form"):
        await discord.submit("ada", form.id, {"question": "why?"})
    submitting = asyncio.create_task(discord.submit("ben", form.id, {"question": "why?"}))
    submitted = await bot.next_interaction()
    label, row = submitted.data["components"]
    assert (label["component"]["custom_id"], label["component"]["value"]) == ("question", "why?")
    assert (row["components"][0]["custom_id"], row["components"][0]["value"]) == ("note", "none")
    assert submitted.custom_id == "ask:1"
    await submitted.response.send_message("because")
    await soon(submitting)
    answer = discord.view().messages[-1]
    assert (answer.html, answer.only_for) == ("<p>because</p>", None)
    original = await submitted.original_response()
    assert original.interaction_metadata.modal_interaction.id == interaction.id
    with pytest.raises(NotPossible, match="no such form"):
        await discord.submit("ben", form.id, {"question": "again"})


@pytest.mark.parametrize(
    ("values", "reason"),
    [({}, "required"), ({"question": "x" * 21}, "20 characters"), ({"question": "x", "other": "y"}, "other")],
)
async def test_a_form_is_not_sent_as_it_must_not_be(
    discord: DiscordStandIn, bot: Bot, values: dict[str, str], reason: str
) -> None:
    """Required fields, lengths and unknown fields."""
    await register(bot)
    shown = forms(discord)
    _, choosing, interaction = await begun(discord, bot)
    await interaction.response.send_modal(Question())
    await soon(choosing)
    with pytest.raises(NotPossible, match=reason):
        await discord.submit("ben", shown[0][1].id, values)


async def test_a_form_that_nobody_answers_stays_open(opened: Open) -> None:
    """The person is told that the application did not respond, and can try again."""
    rules = DiscordRules.lax().model_copy(update={"interaction_deadline": 0.2})
    async with opened(rules) as discord, connected(discord) as bot:
        await register(bot)
        shown = forms(discord)
        _, choosing, interaction = await begun(discord, bot)
        await interaction.response.send_modal(Question())
        await soon(choosing)
        with pytest.raises(NotPossible, match="did not respond"):
            await discord.submit("ben", shown[0][1].id, {"question": "why?"})
        await bot.next_interaction()
        again = asyncio.create_task(discord.submit("ben", shown[0][1].id, {"question": "why?"}))
        await (await bot.next_interaction()).response.send_message("because")
        await soon(again)


async def test_a_form_has_no_original_and_is_not_opened_by_a_form(discord: DiscordStandIn, bot: Bot) -> None:
    """@original is unknown after a form was opened; a form is no answer to a submission."""
    await register(bot)
    shown = forms(discord)
    _, choosing, interaction = await begun(discord, bot)
    await interaction.response.send_modal(Question())
    await soon(choosing)
    with pytest.raises(sdk.NotFound):
        await interaction.original_response()
    submitting = asyncio.create_task(discord.submit("ben", shown[0][1].id, {"question": "why?"}))
    submitted = await bot.next_interaction()
    with pytest.raises(sdk.HTTPException) as nested:
        await submitted.response.send_modal(Question())
    assert nested.value.code == 50035
    await submitted.response.defer(thinking=True)
    await soon(submitting)


@pytest.mark.parametrize(("title", "label"), [("x" * 46, "ok"), ("ok", "x" * 46)])
async def test_a_form_with_too_long_words_is_refused(discord: DiscordStandIn, bot: Bot, title: str, label: str) -> None:
    await register(bot)
    _, choosing, interaction = await begun(discord, bot)
    modal = ui.Modal(title=title, custom_id="m")
    modal.add_item(ui.Label(text=label, component=ui.TextInput(custom_id="f")))
    with pytest.raises(sdk.HTTPException) as refused:
        await interaction.response.send_modal(modal)
    assert refused.value.code == 50035
    await interaction.response.send_message("no form", ephemeral=True)
    await soon(choosing)


async def test_a_form_of_a_button_knows_the_message(discord: DiscordStandIn, bot: Bot) -> None:
    """A button's press may open one; its submission may change the message."""
    shown = forms(discord)
    view = ui.View(timeout=None)
    view.add_item(ui.Button(label="Bad", custom_id="down"))
    await bot.get_channel(int(discord.channel_id("general"))).send("answer", view=view)
    message = discord.view().messages[0]
    pressing = asyncio.create_task(discord.press("ada", message.channel, message.id, "down"))
    await (await bot.next_interaction()).response.send_modal(Question())
    await soon(pressing)
    submitting = asyncio.create_task(discord.submit("ada", shown[0][1].id, {"question": "dull"}))
    submitted = await bot.next_interaction()
    assert str(submitted.message.id) == message.id
    await submitted.response.edit_message(content="noted")
    await soon(submitting)
    assert discord.view().messages[0].html == "<p>noted</p>"


async def test_values_are_suggested_while_a_person_types(discord: DiscordStandIn, bot: Bot) -> None:
    """Type 4 is answered by type 8; what was typed so far comes along."""
    await register(bot)
    (ask,) = discord.view().commands
    assert [(o.name, o.completes) for o in ask.options] == [("assistant", True)]
    general = discord.channel_id("general")
    assert await discord.complete("ada", general, "ask", "assistant", "Pa") == ("Pa0", "Pa1")
    with pytest.raises(NotPossible, match="Nothing is suggested"):
        await discord.complete("ada", general, "ask", "question", "Pa")


async def test_more_than_25_suggestions_are_none(opened: Open) -> None:
    rules = DiscordRules.lax().model_copy(update={"interaction_deadline": 0.3})
    async with opened(rules) as discord, connected(discord) as bot:
        await register(bot)
        bot.suggestions = 26
        with pytest.raises(NotPossible, match="Loading options failed"):
            await discord.complete("ada", discord.channel_id("general"), "ask", "assistant", "Pa")


async def test_where_the_bot_is_no_member_only_its_own_answers_are_possible(discord: DiscordStandIn, bot: Bot) -> None:
    """A group of people: the person has installed it; there are no events, no channel, and five followups."""
    await register(bot)
    group = discord.found_group("ada", "ben")
    asking = asyncio.create_task(discord.command("ada", group, "ask", {}))
    interaction = await bot.next_interaction()
    assert interaction.context.private_channel
    assert interaction.is_user_integration()
    assert not interaction.is_guild_integration()
    await interaction.response.defer(thinking=True)
    await soon(asking)
    await interaction.edit_original_response(content="first")
    for number in range(5):
        await interaction.followup.send(f"more {number}")
    with pytest.raises(sdk.HTTPException) as sixth:
        await interaction.followup.send("too much")
    assert sixth.value.code == 40094
    await interaction.edit_original_response(content="still possible")
    with pytest.raises(sdk.Forbidden):
        await bot.get_partial_messageable(int(group)).send("as a member")
    await discord.speak("ben", group, "@Parley do you hear me?")
    assert bot.heard.empty()
    with pytest.raises(NotPossible, match="does not exist for you"):
        await discord.command("chloe", group, "ask", {})


async def test_in_a_server_without_the_bot_the_person_has_installed_it(discord: DiscordStandIn, bot: Bot) -> None:
    await register(bot)
    asking = asyncio.create_task(discord.command("ada", discord.found_server(), "ask", {}))
    interaction = await bot.next_interaction()
    assert interaction.guild_id not in (None, int(discord.guild_id))
    assert interaction.is_user_integration()
    assert not interaction.is_guild_integration()
    await interaction.response.send_message("here")
    await soon(asking)


async def test_a_command_that_is_not_for_everywhere_is_not_offered_there(discord: DiscordStandIn, bot: Bot) -> None:
    await register(bot, everywhere=False)
    with pytest.raises(NotPossible, match="no command /ask"):
        await discord.command("ada", discord.found_group("ada"), "ask", {})


async def test_a_dead_token_may_be_unknown_instead(opened: Open) -> None:
    """404 and 10015 are seen as well as 401 and 50027."""
    rules = DiscordRules.lax().model_copy(update={"dead_token": 10015})
    async with opened(rules) as discord, connected(discord) as bot:
        await register(bot)
        asking = asyncio.create_task(discord.command("ada", discord.channel_id("general"), "ask", {}))
        interaction = await bot.next_interaction()
        await interaction.response.defer(thinking=True)
        await soon(asking)
        discord.clock.advance(discord.rules.interaction_life + 1)
        with pytest.raises(sdk.NotFound) as dead:
            await interaction.edit_original_response(content="too late")
        assert dead.value.code == 10015
