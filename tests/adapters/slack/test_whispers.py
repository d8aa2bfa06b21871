"""Answers that one person sees and nobody else."""

import time

import pytest

from adapters.slack import SlackAdapter
from bot.domain.deliveries import Address
from bot.errors import Gone, Unreachable
from bot.playground.slack import SlackStandIn
from bot.relay.contract import Outbound, OutboundFile
from tests.adapters.slack.test_commands import whispers
from tests.support.reception import RecordingReception

CHART = OutboundFile(name="chart.png", content=b"png", media_type="image/png")


async def asked(slack: SlackStandIn, reception: RecordingReception, person: str = "ben") -> Address:
    note = await slack.command(person, "general", "ask", {"text": "Private:  what is up?"})
    assert "Only you" in note
    return reception.inbound[-1].event.address


def answers(slack: SlackStandIn) -> list[str]:
    """Private messages after the note that the answer is coming."""
    return [str(one.blocks) for one in whispers(slack, "general") if one.blocks]


async def test_ask_privately(adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception) -> None:
    """The question is taken without the word, the answer is shown to the asker, with the question above it."""
    address = await asked(slack, reception)
    assert reception.inbound[0].event.text == "what is up?"
    assert address.private
    assert address.secrets == ("response_url",)
    await adapter.post(address, Outbound(text="The **sky**."), "k1")
    answer = whispers(slack, "general")[-1]
    assert answer.only_for == "U000000BEN"
    assert "Ben Okafor asked: what is up?" in str(answer.blocks[0])
    assert answer.blocks[1]["text"] == "The **sky**."
    assert not [one for one in slack.messages("general") if one.only_for is None]


async def test_nothing_is_shown_before_its_end(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Neither text nor buttons nor a status line, which everybody in a thread would see."""
    address = await asked(slack, reception)
    terms = adapter.terms(address)
    assert (terms.interim, terms.buttons, terms.max_segments) == (False, False, 4)
    root = await slack.speak("ben", "general", "hello")
    thread = address.model_copy(update={"place": {**address.place, "thread": root}})
    await adapter.status(thread, "is thinking…")
    assert "assistant.threads.setStatus" not in [call.method for call in slack.calls]


async def test_each_private_question_is_a_conversation_of_its_own(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """That `/stop` finds, and nobody else can come into."""
    await asked(slack, reception)
    await asked(slack, reception)
    first, second = (inbound.event.conversation for inbound in reception.inbound)
    assert first != second
    await slack.command("ben", "general", "stop", {})
    assert reception.commands[0].conversation == second


async def test_a_long_answer_comes_in_parts_even_where_we_are_no_member(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """By the response URL, which is good for five; as many as an answer may have, after the note, fit."""
    slack.remove_bot("general")
    address = await asked(slack, reception)
    for number in range(adapter.terms(address).max_segments or 0):
        await adapter.post(address, Outbound(text=f"part {number}", continuation=number > 0), f"k{number}")
    assert len(answers(slack)) == 4
    assert ["asked" in answer for answer in answers(slack)] == [True, False, False, False]
    with pytest.raises(Gone):
        await adapter.post(address, Outbound(text="one too many", continuation=True), "k9")


async def test_an_answer_of_unknown_outcome_is_shown_again(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Nobody can find it: rather twice to that person than never."""
    address = await asked(slack, reception)
    slack.faults.add("chat.postEphemeral", "cut_after")
    with pytest.raises(Unreachable):
        await adapter.post(address, Outbound(text="The sky."), "k1")
    assert await adapter.find(address, "k1", time.time() - 60, []) is None
    await adapter.post(address, Outbound(text="The sky."), "k1")
    assert len(answers(slack)) == 2


async def test_what_is_shown_already_is_not_shown_again_by_an_edit(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Other words are, because nothing can be changed."""
    address = await asked(slack, reception)
    posted = await adapter.post(address, Outbound(text="The sky."), "k1")
    await adapter.edit(address, posted.ref, Outbound(text="The sky.", final=True))
    assert len(answers(slack)) == 1
    await adapter.edit(address, posted.ref, Outbound(text="The moon.", final=True))
    assert "The moon." in answers(slack)[1]
    assert "chat.update" not in [call.method for call in slack.calls]


async def test_files_of_a_private_answer_come_into_the_direct_messages(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Once, also when the same edit is repeated."""
    address = await asked(slack, reception)
    posted = await adapter.post(address, Outbound(text="A chart."), "k1")
    for _ in range(2):
        await adapter.edit(address, posted.ref, Outbound(text="A chart.", final=True, files=(CHART,)))
    note, file = slack.messages("D000000BEN")
    assert "<#C00GENERAL>" in note.text
    assert [slack.world.files[one].name for one in file.files] == ["chart.png"]
    assert not [one for one in slack.messages("general") if one.files]


async def test_files_that_cannot_be_sent_are_told(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    address = await asked(slack, reception)
    posted = await adapter.post(address, Outbound(text="A chart."), "k1")
    slack.faults.add("conversations.open", "error", error="missing_scope")
    await adapter.edit(address, posted.ref, Outbound(text="A chart.", final=True, files=(CHART,)))
    assert "could not send you the files" in whispers(slack, "general")[-1].text
