"""What people do in Slack besides plain messages, end to end: the bot as a process, a scripted model."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.slack.manifest import rules_of
from bot.playground.view import Change, FormShown, FormView, MessageView
from tests.support.house import ROOT, House, built
from tests.support.model_server import Reply, ScriptedModel

MANIFEST = (ROOT / "adapters/slack/manifest.json").read_text()

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("slack surface")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wired(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, ScriptedModel]]:
    """A running bot whose Slack app was made from its manifest."""
    model = ScriptedModel(wires=("responses",))
    folder = tmp_path_factory.mktemp("house")
    async with built(folder, model, slack_rules=rules_of(MANIFEST)) as house, house.child() as bot:
        await bot.start()
        assert await bot.wait_for("running", "stopped") == "running", "\n".join(bot.view().last_lines)
        yield house, model


async def only_for(house: House, person: str, words: str) -> str:
    """Wait for something that only one person sees; returns it."""

    def found() -> str | None:
        seen = [one for one in house.slack.view().messages if one.only_for == person and words in one.html]
        return seen[-1].html if seen else None

    shown = await house.slack.wait_for(found, 30.0)
    assert shown is not None
    return shown


async def answered(house: House, words: str) -> MessageView:
    """Wait for an answer that is finished."""

    def found() -> MessageView | None:
        answers = [one for one in house.answers("slack") if words in one.html]
        return next((one for one in answers if "Stop" not in {button.label for button in one.buttons}), None)

    message = await house.slack.wait_for(found, 30.0)
    assert message is not None
    return message


async def form_after(house: House, person: str, channel: str, message: str, button: str) -> FormView:
    """Press a button and wait for the form that it opens."""
    changes: list[Change] = []
    end = house.slack.watch(changes.append)
    await house.slack.press(person, channel, message, button)
    shown = await house.slack.wait_for(lambda: [one for one in changes if isinstance(one, FormShown)], 30.0)
    end()
    return shown[0].form


async def test_a_private_question_is_answered_to_the_asker_alone(wired: tuple[House, ScriptedModel]) -> None:
    """All at once, in one ephemeral message; nobody else sees anything."""
    house, model = wired
    model.enqueue(Reply(["It is ", "a secret ", "of yours."]))
    await house.slack.command("ben", "general", "ask", {"text": "private: what is it?"})
    assert "Ben Okafor asked: what is it?" in await only_for(house, "ben", "a secret of yours")
    assert not [one for one in house.slack.view().messages if one.only_for != "ben" and "secret" in one.html]


async def test_a_summary_reads_the_thread_and_is_seen_by_one(wired: tuple[House, ScriptedModel]) -> None:
    house, model = wired
    root = await house.slack.speak("ben", "support", "shall we buy the zeppelin?")
    reply = await house.slack.speak("chloe", "support", "only a green one", thread=root)
    model.enqueue(Reply("A green zeppelin, says Chloe."))
    await house.slack.choose("ada", "support", reply, "summarise_thread")
    await only_for(house, "ada", "A green zeppelin")
    read = str(model.requests[-1].body)
    assert "shall we buy the zeppelin?" in read
    assert "Ben Okafor" in read


async def test_called_in_mid_thread_it_knows_what_was_said_and_what_was_changed_since(
    wired: tuple[House, ScriptedModel],
) -> None:
    """An edited message is read as it is now, a deleted one not at all."""
    house, model = wired
    root = await house.slack.speak("ben", "support", "the code word is xylophone")
    other = await house.slack.speak("chloe", "support", "and the colour is mauve", thread=root)
    model.enqueue(Reply("First answer to the code word."), Reply("Second answer to the code word."))
    await house.slack.speak("ada", "support", "@Parley what is it?", thread=root)
    await answered(house, "First answer to the code word")
    assert "xylophone" in str(model.requests[-1].body)
    await house.slack.amend("ben", "support", root, "the code word is bassoon")
    await house.slack.retract("chloe", "support", other)
    await house.slack.wait_for(lambda: house.slack.sent[-1].event_type == "message")
    await house.slack.speak("ada", "support", "@Parley and now?", thread=root)
    await answered(house, "Second answer to the code word")
    read = str(model.requests[-1].body)
    assert "bassoon" in read
    assert "xylophone" not in read
    assert "mauve" not in read


async def test_an_opinion_is_taken_with_its_comment(wired: tuple[House, ScriptedModel]) -> None:
    house, model = wired
    model.enqueue(Reply("The answer to be judged."))
    await house.slack.speak("ben", "general", "@Parley judge this")
    message = (await answered(house, "to be judged")).id
    form = await form_after(house, "ben", "general", message, "run.feedback:negative")
    await house.slack.submit("ben", form.id, {"comment": "too short"})


async def test_the_home_page_tells_who_answers_and_what_was_used(wired: tuple[House, ScriptedModel]) -> None:
    house, model = wired
    model.enqueue(Reply("Certainly."))
    await house.slack.speak("chloe", "dm", "hello")
    await answered(house, "Certainly")
    await house.slack.visit("chloe", "home")
    await house.slack.wait_for(lambda: house.slack.view().homes, 30.0)
    page = next(home.html for home in house.slack.view().homes if home.person == "chloe")
    assert "gpt-5.4" in page
    assert "1 question" in page
    assert list(house.slack.view().titles.values()) == ["hello"]


async def test_nothing_was_done_that_slack_does_not_know(wired: tuple[House, ScriptedModel], tmp_path: Path) -> None:
    """The stand-in notes unknown arguments and the like."""
    house, _ = wired
    assert not house.slack.faults_seen
