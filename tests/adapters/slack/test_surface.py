"""Our own pages in Slack, titles of conversations, Slack's own Stop button, opinions about answers."""

import json

import pytest

from adapters.slack import SlackAdapter
from adapters.slack.settings import PROMPTS
from bot.playground.slack import SlackRules, SlackStandIn
from bot.playground.slack.manifest import rules_of
from bot.relay.commands import STOPPING
from bot.relay.contract import Button, Outbound
from tests.adapters.slack.conftest import MANIFEST
from tests.adapters.slack.test_commands import whispers
from tests.adapters.slack.test_shortcuts import Forms
from tests.support.reception import RecordingReception

DM = "D000000BEN"
OPINIONS = (
    Button(op="regenerate", run_id="run_7", label="Again"),
    Button(op="up", run_id="run_7", label="Good answer"),
    Button(op="down", run_id="run_7", label="Bad answer"),
)


@pytest.fixture
def forms(slack: SlackStandIn) -> Forms:
    return Forms(slack)


def test_the_manifest_suggests_what_the_adapter_suggests() -> None:
    listed = json.loads(MANIFEST)["features"]["agent_view"]["suggested_prompts"]
    assert [(one["title"], one["message"]) for one in listed] == [(one.title, one.message) for one in PROMPTS]


def test_the_playgrounds_app_is_the_one_of_the_manifest() -> None:
    made, usual = rules_of(MANIFEST), SlackRules()
    assert set(made.events) == set(usual.events)
    assert set(made.scopes) == set(usual.scopes)
    assert [one.name for one in made.commands] == [one.name for one in usual.commands]
    assert made.shortcuts == usual.shortcuts
    assert made.home_tab == usual.home_tab


async def test_opening_the_messages_suggests_questions(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await slack.visit("ben", "messages")
    shown = await slack.wait_for(lambda: slack.view().prompts.get(DM))
    assert shown is not None
    assert [(one.title, one.text) for one in shown] == [(one.title, one.message) for one in PROMPTS]
    (call,) = [call for call in slack.calls if call.method == "assistant.threads.setSuggestedPrompts"]
    assert "thread_ts" not in call.parameters


async def test_a_thread_of_the_old_pane_gets_suggestions_of_its_own(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """And it is named by the first thing that is said in it."""
    root = slack.begin_thread("ben")
    await slack.wait_for(lambda: slack.view().prompts.get(DM))
    (call,) = [call for call in slack.calls if call.method == "assistant.threads.setSuggestedPrompts"]
    assert call.parameters["thread_ts"] == root
    await slack.speak("ben", "dm", "how are you?", thread=root)
    await slack.speak("ben", "dm", "and otherwise?", thread=root)
    await slack.wait_for(lambda: slack.view().titles)
    await reception.messages(2)
    assert slack.view().titles == {f"{DM} {root}": "how are you?"}


async def test_opening_the_home_page_shows_how_to_ask_and_what_was_used(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Anew at each opening."""
    reception.reply = "**3** questions today"
    await slack.visit("ben", "home")
    await slack.wait_for(lambda: slack.view().homes)
    (home,) = slack.view().homes
    assert home.person == "ben"
    for words in ("How to ask", "/ask private:", "<strong>3</strong> questions today", "/forget", "Summarise thread"):
        assert words in home.html
    assert {command.name for command in reception.commands} == {"usage", "model"}
    assert {command.person.id for command in reception.commands} == {"T00PARLEY1:U000000BEN"}
    reception.reply = "**4** questions today"
    await slack.visit("ben", "home")
    await slack.wait_for(lambda: "<strong>4</strong>" in slack.view().homes[0].html)


async def test_a_home_page_without_the_store_says_what_it_can(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.unavailable = 2
    await slack.visit("ben", "home")
    await slack.wait_for(lambda: slack.view().homes)
    assert "not known just now" in slack.view().homes[0].html


async def test_a_conversation_in_direct_messages_is_named_by_its_first_question(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Once, shortened; channels have no titles."""
    slack.duplicate_next_events(1)
    root = await slack.speak("ben", "dm", "what is the *meaning*\nof " + "very " * 30 + "long questions?")
    await slack.speak("ben", "dm", "hello?", thread=root)
    await slack.speak("ben", "general", "@Parley hello")
    await reception.messages(3)
    await slack.wait_for(lambda: slack.view().titles)
    ((place, title),) = slack.view().titles.items()
    assert place == f"{DM} {root}"
    assert title.startswith("what is the meaning of very")
    assert title.endswith("very…")
    assert len(title) <= 80
    assert [call.method for call in slack.calls].count("assistant.threads.setTitle") == 1


async def test_slacks_own_stop_button_stops_as_the_person_who_pressed_it(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Once, although Slack delivers it twice; a refusal is told to them alone."""
    root = await slack.speak("ben", "general", "@Parley count")
    await reception.messages(1)
    reception.reply = "Only Ben can stop this."
    slack.duplicate_next_events(1)
    slack.stop_session("chloe", "general", root)
    (whisper,) = await slack.wait_for(lambda: whispers(slack, "general"))
    assert (whisper.text, whisper.only_for, whisper.thread_ts) == ("Only Ben can stop this.", "U0000CHLOE", root)
    reception.reply = STOPPING
    slack.stop_session("ben", "general", root)
    await reception.until(lambda: len(reception.commands) == 2)
    first, second = reception.commands
    assert {first.conversation, second.conversation} == {reception.inbound[0].event.conversation}
    assert [(one.name, one.person.id) for one in (first, second)] == [
        ("stop", "T00PARLEY1:U0000CHLOE"),
        ("stop", "T00PARLEY1:U000000BEN"),
    ]
    assert (first.scope, first.moderator, first.elsewhere) == ("slack:T00PARLEY1", False, False)
    assert len(whispers(slack, "general")) == 1


async def finished(adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception) -> str:
    await slack.speak("ben", "general", "@Parley hello")
    (inbound,) = await reception.messages(1)
    posted = await adapter.post(inbound.event.address, Outbound(text="Hi.", buttons=OPINIONS, final=True), "k1")
    return posted.ref["ts"]


async def test_a_finished_answer_has_slacks_own_thumbs(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = await finished(adapter, slack, reception)
    (view,) = [message for message in slack.view().messages if message.id == ts]
    assert [(button.id, button.label) for button in view.buttons] == [
        ("run.regenerate", "Again"),
        ("run.feedback:positive", "Good answer"),
        ("run.feedback:negative", "Bad answer"),
    ]
    for button in view.buttons[:2]:
        await slack.press("ada", "general", ts, button.id)
    assert [(press.op, press.run_id) for press in reception.presses] == [("regenerate", "run_7"), ("up", "run_7")]
    assert not slack.views


async def test_a_bad_answer_counts_at_once_and_asks_why(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, forms: Forms
) -> None:
    """The comment is a second press; the form opens before the store is asked."""
    ts = await finished(adapter, slack, reception)
    reception.note = "Thank you."
    await slack.press("chloe", "general", ts, "run.feedback:negative")
    (press,) = reception.presses
    assert (press.op, press.run_id, press.comment, press.person.name) == ("down", "run_7", None, "Chloe Lindqvist")
    form = await forms.opened()
    await slack.submit("chloe", form.id, {"comment": "It is *wrong*."})
    _, said = reception.presses
    assert (said.op, said.run_id, said.comment, said.person.id) == (
        "down", "run_7", "It is *wrong*.", "T00PARLEY1:U0000CHLOE",
    )  # fmt: skip
    notes = await slack.wait_for(lambda: len(whispers(slack, "general")) == 2 and whispers(slack, "general"))
    assert {(note.text, note.only_for) for note in notes} == {("Thank you.", "U0000CHLOE")}


async def test_the_form_for_a_comment_opens_while_the_store_hangs(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, forms: Forms
) -> None:
    ts = await finished(adapter, slack, reception)
    reception.open.clear()
    with pytest.raises(Exception, match="did not respond"):
        await slack.press("chloe", "general", ts, "run.feedback:negative")
    assert (await forms.opened()).title == "What went wrong?"
    reception.open.set()


async def test_a_comment_that_could_not_be_stored_stays_in_its_form(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, forms: Forms
) -> None:
    ts = await finished(adapter, slack, reception)
    await slack.press("chloe", "general", ts, "run.feedback:negative")
    form = await forms.opened()
    reception.unavailable = 1
    with pytest.raises(Exception, match="try again"):
        await slack.submit("chloe", form.id, {"comment": "wrong"})
    await slack.submit("chloe", form.id, {"comment": "wrong"})
    assert reception.presses[-1].comment == "wrong"
