"""Discord's commands, menus, forms and buttons, from the person to the database and back, with the bot as a process."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from bot.playground.view import FormShown, FormView, MessageView
from tests.support.discord_spec import checked_against_spec
from tests.support.house import House, inhabited
from tests.support.model_server import Reply, ScriptedModel, SeenRequest

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("discord interactions")]


def _answered(request: SeenRequest) -> Reply:
    return Reply(f"Answer to: {request.last_user_text.rpartition(']: ')[2][-60:]}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A running bot whose model answers everything."""
    model = ScriptedModel(_answered, strict=False)
    async with inhabited(tmp_path_factory.mktemp("house"), model) as (made, _):
        with checked_against_spec(made.discord):
            yield made


async def shown(house: House, words: str, wanted: Callable[[MessageView], bool] = lambda _: True) -> MessageView:
    """Wait for a message with these words."""

    def found() -> MessageView | None:
        return next((m for m in house.discord.view().messages if words in m.html and wanted(m)), None)

    message = await house.discord.wait_for(found, 30)
    assert message is not None
    return message


def finished(message: MessageView) -> bool:
    """The answer is complete: it can be judged, or has no buttons."""
    return not any("Stop" in button.label for button in message.buttons)


def button(message: MessageView, label: str) -> str:
    return next(button.id for button in message.buttons if label in button.label)


def menu(house: House, label: str) -> str:
    return next(entry.id for entry in house.discord.view().menus if entry.label == label)


def forms(house: House) -> list[FormView]:
    opened: list[FormView] = []
    house.discord.watch(lambda change: opened.append(change.form) if isinstance(change, FormShown) else None)
    return opened


async def ask(house: House, question: str, channel: str | None = None, person: str = "ada", **options: str) -> str:
    where = channel or house.channel("discord")
    return await house.discord.command(person, where, "ask", {"question": question, **options})


async def test_a_private_conversation_is_its_persons_alone(house: House) -> None:
    """The next private question of the same person is in it; nothing that anybody else asks there is."""
    await ask(house, "my secret is plum", private="true")
    first = await shown(house, "Answer to: my secret is plum", finished)
    await ask(house, "what was it?", private="true")
    second = await shown(house, "Answer to: what was it?", finished)
    assert (first.only_for, second.only_for) == ("ada", "ada")
    assert house.model is not None
    assert "plum" in str(house.model.requests[-1].body)
    await ask(house, "what does Ada hide?", person="ben", private="true")
    await shown(house, "Answer to: what does Ada hide?", finished)
    assert "plum" not in str(house.model.requests[-1].body)
    await ask(house, "anything known here?")
    await shown(house, "Answer to: anything known here?", finished)
    assert "plum" not in str(house.model.requests[-1].body)


async def test_what_is_pointed_at_reaches_the_model_and_the_answer_the_person(house: House) -> None:
    general, opened = house.channel("discord"), forms(house)
    said = await house.discord.speak("ben", general, "The launch moves to **Thursday**")
    await house.discord.choose("ada", general, said, menu(house, "Ask privately"))
    await house.discord.submit("ada", opened[-1].id, {"question": "When is it now?"})
    answer = await shown(house, "When is it now?", finished)
    assert answer.only_for == "ada"
    assert house.model is not None
    assert "The launch moves to **Thursday**" in str(house.model.requests[-1].body)


async def test_a_thread_is_summarised_for_one_person(house: House) -> None:
    """What was said in it is read, however the thread began."""
    general = house.channel("discord")
    said = await house.discord.speak("ada", general, "@Parley hello thread")
    thread = (await shown(house, "hello thread", lambda m: m.id == said and bool(m.opens))).opens
    assert thread is not None
    await shown(house, "Answer to", lambda m: m.channel == thread and finished(m))
    last = await house.discord.speak("ben", thread, "@Parley we decided for blue")
    await shown(house, "decided for blue", lambda m: m.channel == thread and m.author == "bot" and finished(m))
    assert house.model is not None
    before = len(house.model.requests)
    await house.discord.choose("chloe", thread, last, menu(house, "Summarise thread"))
    request = await house.model.seen(before + 1)
    assert "we decided for blue" in str(request.body)
    assert "hello thread" in str(request.body)
    summary = await shown(house, "Answer to", lambda m: m.only_for == "chloe" and m.state == "sent")
    assert summary.channel == thread


async def test_an_answer_is_judged_and_written_again(house: House) -> None:
    opened = forms(house)
    await ask(house, "judge me")
    answer = await shown(house, "Answer to: judge me", lambda m: finished(m) and bool(m.buttons))
    await house.discord.press("ada", answer.channel, answer.id, button(answer, "👎"))
    await house.discord.submit("ada", opened[-1].id, {"comment": "dull"})
    await house.discord.wait_for(lambda: sum("Thank you" in m.html for m in house.discord.view().messages) == 2, 30)
    database = house.folder / "parley.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = str(connection.execute("select * from feedback").fetchall())
    assert "dull" in rows
    await house.discord.press("ben", answer.channel, answer.id, button(answer, "Regenerate"))
    await shown(house, "Only", lambda m: m.only_for == "ben")
    assert house.model is not None
    before = len(house.model.requests)
    await house.discord.press("ada", answer.channel, answer.id, button(answer, "Regenerate"))
    await house.model.seen(before + 1)
    await shown(house, "2/2", lambda m: finished(m))


async def test_a_question_that_meets_a_busy_database_is_refused_and_never_answered(house: House) -> None:
    """Its transaction may commit after the person was told to try again: then it is withdrawn."""
    connection = sqlite3.connect(house.folder / "parley.db", isolation_level=None)
    connection.execute("begin immediate")
    try:
        said = await ask(house, "am I lost?")
    finally:
        connection.execute("rollback")
        connection.close()
    assert "Please try again" in said
    await ask(house, "and now?")
    await shown(house, "Answer to: and now?", finished)
    assert house.model is not None
    assert not [request for request in house.model.requests if "am I lost?" in request.last_user_text]
    assert [m for m in house.discord.view().messages if "Answer to: am I lost?" in m.html] == []


@pytest.mark.parametrize("private", [False, True])
async def test_an_answer_that_outlives_its_token_is_finished(house: House, *, private: bool) -> None:
    """Where everybody may see it in the channel; a private one in a direct message, never in public."""
    go_on = asyncio.Event()
    words = ["The first half stands here already, on a line of its own.\n\n", f"And {private} is the second half."]
    assert house.model is not None
    house.model.enqueue(Reply(words, hold=go_on))
    await ask(house, f"outlive your token, {private}", **({"private": "true"} if private else {}))
    begun = await shown(house, "first half", lambda m: not finished(m))
    house.discord.clock.advance(house.discord.rules.interaction_life + 1)
    go_on.set()
    whole = await shown(house, f"And {private} is the second half", finished)
    assert whole.id != begun.id
    assert whole.channel == (house.discord.dm_id("ada") if private else house.channel("discord"))
    assert "first half" in whole.html


async def test_somebody_who_installed_the_bot_is_answered_where_it_is_no_member(house: House) -> None:
    group = house.discord.found_group("ada", "ben")
    await ask(house, "hello from outside", group)
    answer = await shown(house, "Answer to: hello from outside", finished)
    assert (answer.channel, answer.only_for) == (group, None)
    assert await house.discord.command("ada", group, "new", {})
    assert not [call for call in house.discord.calls if f"/channels/{group}" in call.path]
