"""Buttons: all that they mean is in their identity, also in those that an earlier version posted."""

import pytest

from adapters.discord.buttons import Pressed, RunButton, view_of
from bot.domain.deliveries import Address
from bot.domain.ids import new_id
from bot.playground.discord.wire import ComponentBody
from bot.playground.view import NotPossible
from bot.relay.contract import Button, Outbound
from tests.adapters.discord.conftest import Bench

CALLBACK = "POST /interactions/{interaction_id}/{interaction_token}/callback"
DECISIONS = tuple(
    Button(op=op, run_id="run_1", call="2.0.1", label=label)
    for op, label in (("worked", "It worked"), ("again", "Run it again"), ("skip", "Skip"))
)


async def mention(bench: Bench) -> Address:
    await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    return (await bench.reception.messages(1))[-1].event.address


@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_decision_says_which_call_it_is_about(bench: Bench, decision: Button) -> None:
    posted = await bench.adapter.post(await mention(bench), Outbound(text="Did it work?", buttons=DECISIONS), "k1-0")
    (question,) = [m for m in bench.server.view().messages if m.author == "bot"]
    button = next(button for button in question.buttons if button.label == decision.label)
    await bench.server.press("ada", posted.ref["channel"], question.id, button.id)
    await bench.reception.until(lambda: bool(bench.reception.presses))
    (press,) = bench.reception.presses
    assert (press.op, press.run_id, press.call) == (decision.op, "run_1", "2.0.1")
    assert (press.person.name, press.scope) == ("Ada Moreno", f"discord:{bench.server.guild_id}")


async def test_a_message_with_decisions_is_found_by_its_key(bench: Bench) -> None:
    address = await mention(bench)
    posted = await bench.adapter.post(address, Outbound(text="Did it work?", buttons=DECISIONS), "k1-0")
    assert await bench.adapter.find(address, "k1-0", 0.0, []) == posted
    assert await bench.adapter.find(address, "2.0", 0.0, []) is None


@pytest.mark.parametrize("op", ["stop", "worked", "again", "skip"])
def test_the_longest_identity_is_not_too_long(op: str) -> None:
    button = Button(op=op, run_id=new_id("run_"), call="1000000.1000000", label="x")  # type: ignore[arg-type]
    view = view_of((button,), "k" * 25)
    assert view is not None
    (child,) = view.children
    assert len(child.custom_id) <= 100


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("run:stop:run_1", Pressed("stop", "run_1")),
        ("run:stop:run_1:", Pressed("stop", "run_1")),
        ("run:stop:run_1:abc-0", Pressed("stop", "run_1", "abc-0")),
        ("run:skip:run_1:abc-0:3.1.1", Pressed("skip", "run_1", "abc-0", "3.1.1")),
    ],
)
def test_identities_of_all_versions_are_understood(identity: str, said: Pressed) -> None:
    match = RunButton.__discord_ui_compiled_template__.fullmatch(identity)
    assert match is not None
    assert Pressed(match["op"], match["run"], match["key"] or "", match["call"] or "") == said


@pytest.mark.parametrize(
    "identity",
    [
        "run:explode:run_1:k1",
        "run:skip:run_1:k1:3",
        "run:skip:run_1:k1:3.1:4",
        "run:skip:run 1:k1",
        "rerun:skip:run_1",
        "run",
    ],
)
async def test_what_is_no_identity_of_ours_is_ignored(bench: Bench, identity: str) -> None:
    posted = await bench.adapter.post(
        await mention(bench), Outbound(text="x", buttons=(Button(op="stop", run_id="run_1", label="Stop"),)), "k1-0"
    )
    message = bench.server.world.message(posted.ref["message"])
    assert message is not None
    row = message.components[0]
    assert row.components is not None
    changed = row.components[0].model_copy(update={"custom_id": identity})
    message.components = [ComponentBody.model_validate({**row.model_dump(), "components": [changed.model_dump()]})]
    with pytest.raises(NotPossible, match="did not respond"):
        await bench.server.press("ada", posted.ref["channel"], posted.ref["message"], identity)
    assert not bench.reception.presses


async def test_a_press_is_carried_out_although_its_acknowledgement_and_the_note_break_off(bench: Bench) -> None:
    posted = await bench.adapter.post(
        await mention(bench), Outbound(text="x", buttons=(Button(op="stop", run_id="run_1", label="Stop"),)), "k1-0"
    )
    bench.reception.note = "It has ended already."
    bench.server.faults.add(CALLBACK, "cut_after")
    bench.server.faults.add("POST /webhooks/{webhook_id}/{webhook_token}", "cut_before")
    (message,) = [message for message in bench.server.view().messages if message.buttons]
    await bench.server.press("ada", posted.ref["channel"], message.id, message.buttons[0].id)
    await bench.reception.until(lambda: bool(bench.reception.presses))
    assert [press.op for press in bench.reception.presses] == ["stop"]
