"""Buttons: all that they mean is in their identity, also in those that an earlier version posted."""

import pytest

from adapters.discord.buttons import Pressed, RunButton, view_of
from bot.domain.deliveries import Address
from bot.domain.ids import new_id
from bot.playground.discord.wire import ComponentBody
from bot.playground.view import FormShown, FormView, NotPossible
from bot.ports import Store
from bot.relay.contract import Button, Outbound
from tests.adapters.discord.conftest import Bench, keeping, opened
from tests.support.reception import RecordingReception

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


class TestFeedback:
    JUDGING = (
        Button(op="regenerate", run_id="run_1", label="Regenerate"),
        Button(op="up", run_id="run_1", label="👍"),
        Button(op="down", run_id="run_1", label="👎"),
    )

    async def judged(self, bench: Bench, label: str, person: str = "ben") -> list[FormView]:
        """Somebody presses a button under an answer; what it opened for them."""
        forms: list[FormView] = []
        bench.server.watch(lambda change: forms.append(change.form) if isinstance(change, FormShown) else None)
        posted = await bench.adapter.post(await mention(bench), Outbound(text="x", buttons=self.JUDGING), "k1-0")
        (message,) = [message for message in bench.server.view().messages if message.buttons]
        button = next(button for button in message.buttons if button.label == label)
        await bench.server.press(person, posted.ref["channel"], message.id, button.id)
        await bench.reception.until(lambda: bool(bench.reception.presses))
        return forms

    @pytest.mark.parametrize(("label", "op"), [("Regenerate", "regenerate"), ("👍", "up")])
    async def test_a_press_is_handed_over_with_its_person(self, bench: Bench, label: str, op: str) -> None:
        assert not await self.judged(bench, label)
        (press,) = bench.reception.presses
        assert (press.op, press.run_id, press.person.name, press.moderator) == (op, "run_1", "Ben Okafor", False)

    async def test_a_thumb_down_counts_by_itself_and_opens_a_form(self, bench: Bench) -> None:
        """The form is the acknowledgement: nothing is asked before it."""
        (form,) = await self.judged(bench, "👎")
        (press,) = bench.reception.presses
        assert (press.op, press.comment) == ("down", None)
        assert [(field.label, field.required) for field in form.fields] == [("Comment", False)]

    async def test_the_comment_is_a_second_press(self, bench: Bench) -> None:
        (form,) = await self.judged(bench, "👎")
        await bench.server.submit("ben", form.id, {"comment": " It is wrong. "})
        await bench.reception.until(lambda: len(bench.reception.presses) == 2)
        second = bench.reception.presses[1]
        assert (second.op, second.run_id, second.comment) == ("down", "run_1", "It is wrong.")
        assert second.person.name == "Ben Okafor"
        await bench.server.wait_for(lambda: any("Thank you" in m.html for m in bench.server.view().messages))
        assert [m.only_for for m in bench.server.view().messages if "Thank you" in m.html] == ["ben"]

    async def test_an_empty_comment_is_none(self, bench: Bench) -> None:
        (form,) = await self.judged(bench, "👎")
        await bench.server.submit("ben", form.id, {"comment": "  "})
        assert len(bench.reception.presses) == 1

    async def test_a_comment_that_could_not_be_kept_is_said_to_be_so(self, bench: Bench) -> None:
        (form,) = await self.judged(bench, "👎")
        bench.reception.unavailable = 1
        await bench.server.submit("ben", form.id, {"comment": "Wrong."})
        await bench.server.wait_for(lambda: any("could not be done" in m.html for m in bench.server.view().messages))

    async def test_a_note_is_for_the_person_alone(self, bench: Bench) -> None:
        bench.reception.note = "Only the person who asked can do that."
        await self.judged(bench, "Regenerate")
        (note,) = await bench.server.wait_for(
            lambda: [m for m in bench.server.view().messages if "Only the person" in m.html]
        )
        assert note.only_for == "ben"

    async def test_buttons_and_forms_work_after_a_restart(self, sqlite_store: Store) -> None:
        """Their identity holds all their state."""
        async with opened() as server:
            first, second, third = RecordingReception(), RecordingReception(), RecordingReception()
            async with keeping(server, sqlite_store, first) as adapter:
                bench = Bench(server, adapter, first, sqlite_store)
                await adapter.post(await mention(bench), Outbound(text="x", buttons=self.JUDGING), "k1-0")
            forms: list[FormView] = []
            server.watch(lambda change: forms.append(change.form) if isinstance(change, FormShown) else None)
            (message,) = [message for message in server.view().messages if message.buttons]
            async with keeping(server, sqlite_store, second):
                await server.press("ben", message.channel, message.id, message.buttons[2].id)
                await second.until(lambda: bool(second.presses))
            async with keeping(server, sqlite_store, third):
                await server.submit("ben", forms[0].id, {"comment": "Wrong."})
                await third.until(lambda: bool(third.presses))
        assert [(press.op, press.comment) for press in (*second.presses, *third.presses)] == [
            ("down", None),
            ("down", "Wrong."),
        ]

    async def test_many_buttons_stand_in_several_rows(self, bench: Bench) -> None:
        buttons = tuple(Button(op="stop", run_id=f"run_{n}", label=f"Stop {n}") for n in range(7))
        posted = await bench.adapter.post(await mention(bench), Outbound(text="x", buttons=buttons), "k1-0")
        message = bench.server.world.message(posted.ref["message"])
        assert message is not None
        assert [len(row.components or ()) for row in message.components] == [5, 2]
