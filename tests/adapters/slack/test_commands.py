"""Slash commands, commands as text, and buttons."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.slack import SlackAdapter
from adapters.slack.blocks import Target, target
from adapters.slack.desk import HERE
from adapters.slack.markup import noted
from bot.errors import StoreUnavailable
from bot.playground.slack import Message, SlackStandIn
from bot.ports import Notes
from bot.relay.contract import COMMANDS, Button, Command, Operation, Outbound
from tests.adapters.slack.conftest import adapter_of, connected
from tests.support.reception import RecordingReception

STOP = Button(op="stop", run_id="run_7", label="Stop", danger=True)


def whispers(slack: SlackStandIn, channel: str) -> list[Message]:
    return [message for message in slack.messages(channel) if message.only_for]


async def test_ask_is_a_conversation_of_its_own(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """The question is accepted, the asker gets a private note, and the answer says who asked what."""
    note = await slack.command("ada", "general", "ask", {"text": "what is *up*?"})
    (inbound,) = reception.inbound
    assert inbound.addressed
    assert inbound.event.text == "what is **up**?"
    assert inbound.event.author.name == "Ada Moreno"
    assert "answer will appear" in note
    posted = await adapter.post(inbound.event.address, Outbound(text="The sky."), "k1")
    message = slack.messages("general")[-1]
    assert message.thread_ts is None
    assert "Ada Moreno asked: what is **up**?" in str(message.blocks[0])
    assert posted.conversation == f"slack:T00PARLEY1:C00GENERAL:{message.ts}"


async def test_a_follow_up_to_an_ask_arrives_under_the_posted_key(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await slack.command("ada", "general", "ask", {"text": "hello"})
    posted = await adapter.post(reception.inbound[0].event.address, Outbound(text="Hi."), "k1")
    await slack.speak("ben", "general", "me too", thread=posted.ref["ts"])
    _, follow_up = await reception.messages(2)
    assert follow_up.event.conversation == posted.conversation


async def test_edits_keep_the_heading_of_an_ask(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await slack.command("ada", "general", "ask", {"text": "hello"})
    address = reception.inbound[0].event.address
    posted = await adapter.post(address, Outbound(text="Hi"), "k1")
    await adapter.edit(address, posted.ref, Outbound(text="Hi there."))
    heading, body = slack.messages("general")[-1].blocks
    assert "Ada Moreno asked: hello" in str(heading)
    assert body["text"] == "Hi there."


async def test_a_continuation_of_an_ask_has_no_heading(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Neither when it is new nor when it was found again and is edited."""
    await slack.command("ada", "general", "ask", {"text": "hello"})
    address = reception.inbound[0].event.address
    await adapter.post(address, Outbound(text="One", continuation=True), "k2")
    found = await adapter.find(address, "k2", time.time() - 60, [])
    assert found is not None
    await adapter.edit(address, found.ref, Outbound(text="One two", continuation=True))
    (body,) = slack.messages("general")[-1].blocks
    assert body["text"] == "One two"


def test_the_manifest_describes_commands_as_every_platform_does() -> None:
    manifest = json.loads((Path(__file__).parents[3] / "adapters/slack/manifest.json").read_text())
    commands = {one["command"]: one["description"] for one in manifest["features"]["slash_commands"]}
    assert commands.pop("/ask")
    assert commands == {f"/{name}": description for name, description in COMMANDS.items()}


async def test_ask_without_a_question_gives_help(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.reply = "This is how it works."
    assert await slack.command("ada", "general", "ask", {"text": "  "}) == f"This is how it works.\n\n{noted(HERE)}"
    assert [command.name for command in reception.commands] == ["help"]
    assert not reception.inbound


async def test_an_ask_that_could_not_be_stored_is_told_to_the_person(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Slack never repeats a command."""
    reception.unavailable = 1
    note = await slack.command("ada", "general", "ask", {"text": "hello"})
    assert "try again" in note
    assert not reception.inbound


async def test_ask_in_a_channel_without_us_is_answered_to_the_asker(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Nothing can be posted there, but the asker is told what to do."""
    slack.remove_bot("general")
    await slack.command("ada", "general", "ask", {"text": "hello"})
    with pytest.raises(Exception, match="not_in_channel"):
        await adapter.post(reception.inbound[0].event.address, Outbound(text="Hi."), "k1")
    assert "invite me" in whispers(slack, "general")[-1].text


async def test_slash_stop_acts_on_the_persons_last_conversation(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await slack.command("ada", "general", "ask", {"text": "count to a million"})
    reception.reply = "Stopped."
    assert await slack.command("ada", "general", "stop", {}) == "Stopped."
    (command,) = reception.commands
    assert (command.name, command.conversation) == ("stop", reception.inbound[0].event.conversation)
    assert command.elsewhere
    assert command.moderator  # Ada administers the workspace


async def test_another_process_knows_the_persons_last_conversation(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """`/stop` and a bare `stop` work through a second gateway, and after a restart."""
    root = await slack.speak("ben", "dm", "count to a million")
    await reception.messages(1)
    name = (await adapter.connections())[0]
    other = adapter_of(slack, notes)
    try:
        async with other.connected(name, reception):
            await slack.command("ben", "dm", "stop", {})
            await slack.speak("ben", "dm", "stop")
            await reception.until(lambda: len(reception.commands) == 2)
    finally:
        await other.close()
    assert {command.conversation for command in reception.commands} == {f"slack:T00PARLEY1:D000000BEN:{root}"}


async def test_a_restarted_process_knows_the_threads_that_we_are_part_of(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    async with connected(slack, reception, notes):
        root = await slack.speak("ben", "general", "@Parley hello")
        await reception.until(lambda: len(reception.deliveries) == 2)
    async with connected(slack, reception, notes):
        await slack.speak("ben", "general", "!new", thread=root)
        await reception.until(lambda: len(reception.commands) == 1)
    assert reception.commands[0].conversation == f"slack:T00PARLEY1:C00GENERAL:{root}"


async def test_slash_stop_without_a_conversation_says_what_to_do(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    assert "thread" in await slack.command("ben", "general", "stop", {})
    assert not reception.commands


@pytest.mark.parametrize("text", ["@Parley !stop", "@Parley stop", "@Parley: /stop", "@Parley STOP"])
async def test_a_command_after_a_mention_is_carried_out_once(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, text: str
) -> None:
    """Although a mention comes as two events; the reply is for the person only, in the thread."""
    root = await slack.speak("ben", "general", "@Parley hello")
    await reception.until(lambda: len(reception.deliveries) == 2)
    await slack.speak("ben", "general", text, thread=root)
    (whisper,) = await slack.wait_for(lambda: whispers(slack, "general"))
    sent = slack.sent[-2:]
    await slack.speak("ben", "dm", "the end")
    await reception.messages(2)
    (command,) = reception.commands
    assert (command.name, command.conversation) == ("stop", f"slack:T00PARLEY1:C00GENERAL:{root}")
    assert not command.moderator
    assert (whisper.text, whisper.thread_ts, whisper.only_for) == ("done", root, "U000000BEN")
    assert {one.event_type for one in sent} == {"message", "app_mention"}


async def test_a_command_in_a_known_thread_needs_no_mention(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    root = await slack.speak("ben", "general", "@Parley hello")
    await reception.until(lambda: len(reception.deliveries) == 2)
    await slack.speak("ben", "general", "!new", thread=root)
    await reception.until(lambda: len(reception.commands) == 1)
    assert (reception.commands[0].name, reception.commands[0].elsewhere) == ("new", False)


async def test_a_command_in_a_channel_says_that_its_conversation_is_elsewhere(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Typed by somebody who merely took part in a thread."""
    root = await slack.speak("ada", "general", "@Parley hello")
    await slack.speak("ben", "general", "@Parley hi", thread=root)
    await reception.messages(2)
    await slack.speak("ben", "general", "@Parley !new")
    await reception.until(lambda: len(reception.commands) == 1)
    await slack.command("ben", "general", "ask", {"text": "!new"})
    await slack.command("ben", "general", "new", {})
    thread = f"slack:T00PARLEY1:C00GENERAL:{root}"
    assert [(one.name, one.conversation, one.elsewhere) for one in reception.commands] == [("new", thread, True)] * 3


async def test_a_command_at_top_level_means_the_last_conversation(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Whoever writes `stop` into a direct message does not think of threads."""
    root = await slack.speak("ben", "dm", "count to a million")
    await reception.messages(1)
    await slack.speak("ben", "dm", "stop")
    await reception.until(lambda: len(reception.commands) == 1)
    assert reception.commands[0].conversation == f"slack:T00PARLEY1:D000000BEN:{root}"


async def test_stop_in_a_foreign_thread_is_no_command(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    root = await slack.speak("ben", "general", "let us dance")
    await slack.speak("ada", "general", "stop", thread=root)
    await reception.messages(1)
    assert not reception.commands


async def test_a_bare_mention_asks_for_help(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await slack.speak("ben", "general", "@Parley")
    await reception.until(lambda: len(reception.commands) == 1)
    assert reception.commands[0].name == "help"


async def test_a_command_that_could_not_be_carried_out_comes_again(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.unavailable = 1
    await slack.speak("ben", "dm", "!new")
    await reception.until(lambda: len(reception.commands) == 1)
    assert [one.attempt for one in slack.sent] == [0, 1]


async def test_a_command_that_comes_twice_is_carried_out_once(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """The second time it could end a conversation that has begun since."""
    slack.duplicate_next_events(1)
    await slack.speak("ben", "dm", "!new")
    await slack.speak("ben", "dm", "the end")
    await reception.messages(1)
    await slack.wait_for(lambda: len(slack.sent) == 3)
    assert [command.name for command in reception.commands] == ["new"]


class ForgetfulReception(RecordingReception):
    """The store goes away between the dedupe key and the command."""

    async def command(self, command: Command) -> str:
        raise StoreUnavailable


async def test_a_command_that_failed_after_it_was_taken_is_told_to_the_person(
    slack: SlackStandIn, notes: Notes
) -> None:
    """Sent again, `stop` could stop another answer."""
    async with connected(slack, ForgetfulReception(), notes):
        await slack.speak("ben", "dm", "stop")
        (whisper,) = await slack.wait_for(lambda: whispers(slack, "D000000BEN"))
    assert "try again" in whisper.text
    assert [one.attempt for one in slack.sent] == [0]


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_works_with_a_slash_and_in_threads(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, name: str
) -> None:
    """On the person's last conversation in the channel, and on the thread in which it is written."""
    root = await slack.speak("ben", "general", "@Parley hello")
    await reception.until(lambda: len(reception.deliveries) == 2)
    assert (await slack.command("ben", "general", name, {})).startswith("done")
    await slack.speak("ben", "general", f"!{name}", thread=root)
    await reception.until(lambda: len(reception.commands) == 2)
    thread = f"slack:T00PARLEY1:C00GENERAL:{root}"
    assert [(one.name, one.conversation, one.elsewhere) for one in reception.commands] == [
        (name, thread, True),
        (name, thread, False),
    ]


async def posted_with_stop(adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception) -> str:
    await slack.speak("ada", "general", "@Parley hello")
    (inbound,) = await reception.messages(1)
    posted = await adapter.post(inbound.event.address, Outbound(text="Working on it", buttons=(STOP,)), "k1")
    return posted.ref["ts"]


async def press_stop(slack: SlackStandIn, person: str, ts: str) -> None:
    (view,) = [message for message in slack.view().messages if message.id == ts]
    (button,) = view.buttons
    await slack.press(person, "general", ts, button.id)


async def test_the_stop_button_names_its_run(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await press_stop(slack, "ada", await posted_with_stop(adapter, slack, reception))
    (press,) = reception.presses
    assert (press.op, press.run_id, press.person.id) == ("stop", "run_7", "T00PARLEY1:U000000ADA")
    assert press.moderator
    assert not whispers(slack, "general")


async def test_a_press_by_somebody_else_is_answered_privately(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.note = "Only Ada can stop this."
    await press_stop(slack, "ben", await posted_with_stop(adapter, slack, reception))
    (whisper,) = await slack.wait_for(lambda: whispers(slack, "general"))
    assert (whisper.text, whisper.only_for) == ("Only Ada can stop this.", "U000000BEN")
    assert not reception.presses[0].moderator


@pytest.mark.parametrize("elsewhere", [{"home": "T00ANOTHER"}, {"stranger": True}], ids=["elsewhere", "stranger"])
async def test_another_companys_administrator_has_no_say(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, elsewhere: dict[str, Any]
) -> None:
    """In a channel that both companies share."""
    ada = slack.world.members["U000000ADA"]
    slack.world.members[ada.id] = replace(ada, **elsewhere)
    await press_stop(slack, "ada", await posted_with_stop(adapter, slack, reception))
    await slack.command("ada", "general", "stop", {})
    assert [one.moderator for one in (*reception.presses, *reception.commands)] == [False, False]


async def test_a_press_that_could_not_be_stored_is_told_to_the_person(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = await posted_with_stop(adapter, slack, reception)
    reception.unavailable = 1
    await press_stop(slack, "ada", ts)
    (whisper,) = await slack.wait_for(lambda: whispers(slack, "general"))
    assert "try again" in whisper.text


DECISIONS: tuple[Operation, ...] = ("worked", "again", "skip")


async def test_decisions_about_two_calls_stand_under_one_message(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Each button names its run, its operation and its call."""
    buttons = [
        Button(op=op, run_id="run_7", call=call, label=f"{op} {call}")
        for call in ("2.0.1", "2.1.1")
        for op in DECISIONS
    ]
    await slack.speak("ada", "general", "@Parley hello")
    (inbound,) = await reception.messages(1)
    posted = await adapter.post(inbound.event.address, Outbound(text="What now?", buttons=tuple(buttons)), "k1")
    (view,) = [message for message in slack.view().messages if message.id == posted.ref["ts"]]
    for button in view.buttons:
        await slack.press("ada", "general", view.id, button.id)
    pressed = [(press.op, press.run_id, press.call) for press in reception.presses]
    assert pressed == [(op, "run_7", call) for call in ("2.0.1", "2.1.1") for op in DECISIONS]


@pytest.mark.parametrize(
    ("action", "value", "wanted"),
    [
        ("run.stop", "run_7", Target(op="stop", run_id="run_7")),
        ("run.again", "run_7 3.12.1", Target(op="again", run_id="run_7", call="3.12.1")),
        ("run.again", "run_7 3.12", None),
        ("run.worked", "run_7", None),
        ("run.explode", "run_7 3.1", None),
        ("other.app", "run_7", None),
        ("run.stop", "", None),
        ("run.stop", None, None),
        ("run.stop", "run_7 3.1 x", None),
        ("run.skip", "run_7 3", None),
        ("run.skip", "run_7  3.1", None),
        ("run.skip", "run_7 3.1\n", None),
        ("run.skip", " 3.1", None),
        ("run.stop", "x" * 2_000, None),
        ("run.stop", "run_7'; drop", None),
    ],
)
def test_what_a_button_is_about(action: str, value: str | None, wanted: Target | None) -> None:
    """Buttons of before, with nothing but a run, still work; nonsense is nobody's."""
    assert target(action, value) == wanted
