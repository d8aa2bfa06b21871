"""Asking about a message, and having a thread summarised, from the message's menu."""

import pytest

from adapters.slack import SlackAdapter
from bot.playground.slack import SlackStandIn
from bot.playground.view import Change, FormShown, FormView, NotPossible
from bot.relay.contract import Outbound
from tests.adapters.slack.test_commands import whispers
from tests.support.reception import RecordingReception

ASK, SUMMARISE = "ask_about_message", "summarise_thread"


class Forms:
    """The forms that opened."""

    def __init__(self, slack: SlackStandIn) -> None:
        self._slack = slack
        self._changes: list[Change] = []
        slack.watch(self._changes.append)

    async def opened(self) -> FormView:
        shown = await self._slack.wait_for(lambda: [one for one in self._changes if isinstance(one, FormShown)])
        return shown[-1].form


@pytest.fixture
def forms(slack: SlackStandIn) -> Forms:
    return Forms(slack)


async def test_asking_about_a_message_is_private_unless_one_wants_otherwise(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, forms: Forms
) -> None:
    """The message is pointed at as it is now, and the conversation is the asker's own."""
    ts = await slack.speak("ben", "general", "the *server* is down, @Chloe Lindqvist")
    await slack.choose("ada", "general", ts, ASK)
    form = await forms.opened()
    assert form.title == "Ask about this"
    question, audience = form.fields
    assert (question.multiline, question.required) == (True, True)
    assert (audience.value, audience.choices) == ("Only me", ("Only me", "Everybody, in the thread"))
    await slack.amend("ben", "general", ts, "the *database* is down")
    await slack.submit("ada", form.id, {"question": "which one?"})
    (inbound,) = reception.inbound
    event = inbound.event
    assert inbound.addressed
    assert (event.text, event.author.name) == ("which one?", "Ada Moreno")
    assert event.address.private
    assert ":slash-" in event.conversation
    (heard,) = event.pointed_at
    assert (heard.text, heard.author.name) == ("the **database** is down", "Ben Okafor")
    assert heard.key == f"slack:message:T00PARLEY1:C00GENERAL:{ts}"
    (whisper,) = await slack.wait_for(lambda: whispers(slack, "general"))
    assert "Only you" in whisper.text


async def test_an_answer_for_everybody_comes_into_the_thread(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, forms: Forms
) -> None:
    """Headed by who asked what, since nobody has seen the question; the thread is the conversation."""
    ts = await slack.speak("ben", "general", "the server is down")
    await slack.choose("ada", "general", ts, ASK)
    await slack.submit("ada", (await forms.opened()).id, {"question": "why?", "audience": "Everybody, in the thread"})
    event = reception.inbound[0].event
    assert not event.address.private
    assert event.conversation == f"slack:T00PARLEY1:C00GENERAL:{ts}"
    await adapter.post(event.address, Outbound(text="Because."), "k1")
    answer = slack.messages("general")[-1]
    assert (answer.thread_ts, answer.only_for) == (ts, None)
    assert "Ada Moreno asked: why?" in str(answer.blocks[0])


async def test_a_form_that_could_not_be_stored_stays_open(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, forms: Forms
) -> None:
    ts = await slack.speak("ben", "general", "hello")
    await slack.choose("ada", "general", ts, ASK)
    form = await forms.opened()
    reception.unavailable = 1
    with pytest.raises(NotPossible, match="try again"):
        await slack.submit("ada", form.id, {"question": "why?"})
    with pytest.raises(NotPossible, match="ask something"):
        await slack.submit("ada", form.id, {"question": "  "})
    await slack.submit("ada", form.id, {"question": "why?"})
    assert len(reception.inbound) == 1


async def test_a_message_that_we_may_not_read_is_known_by_what_the_form_has_kept(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, forms: Forms
) -> None:
    """The menu exists in channels of which we are no member; the answer then comes by the response URL."""
    slack.remove_bot("general")
    text = '<&"\\ ' * 700
    ts = await slack.speak("ben", "general", text)
    await slack.choose("ada", "general", ts, ASK)
    await slack.submit("ada", (await forms.opened()).id, {"question": "why?"})
    event = reception.inbound[0].event
    (heard,) = event.pointed_at
    assert len(heard.text) > 500
    assert text.startswith(heard.text)
    await adapter.post(event.address, Outbound(text="Because."), "k1")
    assert ["Only you" in one.text or "Because" in one.text for one in whispers(slack, "general")] == [True, True]


async def test_a_summary_is_for_the_asker_alone_and_knows_the_thread(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    root = await slack.speak("ben", "general", "shall we?")
    reply = await slack.speak("chloe", "general", "yes", thread=root)
    await slack.choose("ada", "general", reply, SUMMARISE)
    (event,) = [inbound.event for inbound in reception.inbound if inbound.event.address.private]
    assert "ummarise" in event.text
    assert event.pointed_at[0].text == "yes"
    assert [heard.text for heard in await adapter.context(event.address, 50)] == ["shall we?", "yes"]
    await adapter.post(event.address, Outbound(text="They agree."), "k1")
    whispered = await slack.wait_for(lambda: len(whispers(slack, "general")) == 2 and whispers(slack, "general"))
    assert {(one.only_for, one.thread_ts) for one in whispered} == {("U000000ADA", root)}


async def test_what_only_one_person_sees_begins_no_thread(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Slack shows it in a thread only when there is one."""
    ts = await slack.speak("ben", "general", "lonely")
    await slack.choose("ada", "general", ts, SUMMARISE)
    assert "thread" not in reception.inbound[0].event.address.place


async def test_a_summary_that_could_not_be_stored_is_told(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = await slack.speak("ben", "general", "hello")
    reception.unavailable = 1
    await slack.choose("ada", "general", ts, SUMMARISE)
    (whisper,) = await slack.wait_for(lambda: whispers(slack, "general"))
    assert "try again" in whisper.text
    assert not reception.inbound


async def test_a_form_that_does_not_open_is_told(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = await slack.speak("ben", "general", "hello")
    slack.faults.add("views.open", "error", error="expired_trigger_id")
    await slack.choose("ada", "general", ts, ASK)
    (whisper,) = await slack.wait_for(lambda: whispers(slack, "general"))
    assert "try again" in whisper.text
