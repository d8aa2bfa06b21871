"""The main job, end to end: real slack-bolt and discord.py, a scripted model on each wire, the bot as a process."""

import asyncio
import base64
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.view import PlatformName, Upload
from tests.support.cluster import SEVERAL, deployed
from tests.support.databases import postgres_database
from tests.support.discord_spec import checked_against_spec
from tests.support.ended import goes_on
from tests.support.house import House, built, inhabited
from tests.support.model_server import Call, Reply, ScriptedModel

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PLATFORMS: tuple[PlatformName, ...] = ("slack", "discord")


@pytest_asyncio.fixture(
    params=[
        *(pytest.param(wire, marks=pytest.mark.xdist_group(wire)) for wire in ("responses", "chat")),
        pytest.param("several", marks=[pytest.mark.xdist_group("several"), pytest.mark.postgres]),
    ],
    scope="module",
    loop_scope="module",
)
async def wired(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[House, ScriptedModel]]:
    """A running bot for the tests of this file: one process with each wire, and several processes on one Postgres."""
    folder = tmp_path_factory.mktemp("house")
    async with AsyncExitStack() as stack:
        if request.param == "several":
            database = stack.enter_context(postgres_database(request.getfixturevalue("migrated_postgres")))
            model = ScriptedModel()
            house = await stack.enter_async_context(built(folder, model, {"DATABASE_URL": database}))
            await (await stack.enter_async_context(deployed(house, SEVERAL))).start()
        else:
            model = ScriptedModel(wires=(request.param,))
            house, _bot = await stack.enter_async_context(inhabited(folder, model))
        stack.enter_context(checked_against_spec(house.discord))
        yield house, model


async def ask(house: House, platform: PlatformName, text: str, files: tuple[Upload, ...] = ()) -> str:
    return await house.stage(platform).speak("ada", house.channel(platform), f"@Parley {text}", files=files)


@pytest.mark.parametrize("platform", PLATFORMS)
class TestConversation:
    pytestmark = pytest.mark.asyncio(loop_scope="module")

    async def test_a_mention_is_answered_in_one_message(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(Reply([f"{platform}{number} is here. " for number in range(60)]))
        before = len(house.answers(platform))
        await ask(house, platform, "tell me a lot")
        answer = await house.answer(platform, f"{platform}59 is")
        assert f"{platform}0 is" in answer.html
        assert len(house.answers(platform)) == before + 1

    async def test_two_tools_run_in_parallel_and_both_results_reach_the_answer(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        ticket = {"user_email": "ada@example.org", "issue_summary": f"{platform} is down", "priority": "high"}
        model.enqueue(
            Reply(calls=[Call("create_ticket", ticket, "c1"), Call("list_tickets", {"state": "closed"}, "c2")]),
            Reply(f"Ticket for {platform} opened; none is closed."),
        )
        await ask(house, platform, "open a ticket, and which are closed?")
        await house.answer(platform, f"Ticket for {platform} opened")
        outputs = model.requests[-1].tool_outputs
        assert any('"state":"open"' in output for output in outputs)
        assert "[]" in outputs

    async def test_the_model_sees_the_name_and_the_text_of_an_attached_file(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(Reply(f"I have read it on {platform}."))
        upload = Upload(name="prices.csv", content=b"item,price\nbolt,4\n")
        await ask(house, platform, "what does a bolt cost?", (upload,))
        await house.answer(platform, f"read it on {platform}")
        assert "prices.csv" in model.requests[-1].last_user_text
        assert "bolt,4" in model.requests[-1].last_user_text

    async def test_an_image_reaches_the_model_as_an_image(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(Reply(f"A dot on {platform}."))
        await ask(house, platform, "what is this?", (Upload(name="dot.png", content=PNG),))
        await house.answer(platform, f"A dot on {platform}.")
        assert f"data:image/png;base64,{base64.b64encode(PNG).decode()}" in json.dumps(model.requests[-1].body)

    async def test_a_file_that_cannot_be_taken_in_is_named_to_the_person_and_to_the_model(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(Reply(f"I cannot see it on {platform}."))
        if platform == "slack":
            house.slack.faults.add("download", "500", 5)
        else:
            house.discord.faults.add("GET /attachments", "500", 5)
        await ask(house, platform, "read this", (Upload(name="gone.txt", content=b"secret plan"),))
        answer = await house.answer(platform, f"I cannot see it on {platform}.")
        house.discord.faults.clear()
        house.slack.faults.clear()
        assert "gone.txt" in answer.html
        assert "gone.txt" in model.requests[-1].last_user_text
        assert "secret plan" not in model.requests[-1].last_user_text

    async def test_a_tool_that_raises_is_told_to_the_model_without_its_text(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(
            Reply(calls=[Call("close_ticket", {"ticket": 999, "resolution": "x"})]), Reply(f"None, {platform}.")
        )
        await ask(house, platform, "close ticket 999")
        await house.answer(platform, f"None, {platform}.")
        assert model.requests[-1].tool_outputs == ["There is no ticket 999."]

    async def test_a_stream_that_breaks_off_is_asked_again_and_answered_once(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(
            Reply([f"{platform} half of an answer. "] * 10, cut_after_frames=6),
            Reply(f"{platform} whole answer."),
        )
        before = len(house.answers(platform))
        await ask(house, platform, "are you sure?")
        answer = await house.answer(platform, f"{platform} whole answer.")
        assert "half of an answer" not in answer.html
        assert len(house.answers(platform)) == before + 1

    async def test_new_in_a_direct_message_starts_over(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        stage = house.stage(platform)
        direct = next(channel.id for channel in stage.view().channels if channel.person == "ben")
        model.enqueue(Reply(f"Noted on {platform}."), Reply(f"What name, {platform}?"))
        await stage.speak("ben", direct, "my name is Rumpelstiltskin")
        await house.answer(platform, f"Noted on {platform}.")
        if platform == "slack":
            await stage.speak("ben", direct, "!new")
            await house.until(platform, lambda view: any(message.only_for == "ben" for message in view.messages))
        else:
            await stage.command("ben", direct, "new", {})
        await stage.speak("ben", direct, "what is my name?")
        await house.answer(platform, f"What name, {platform}?")
        assert "Rumpelstiltskin" not in "\n".join(model.requests[-1].user_texts)

    async def test_a_follow_up_in_the_thread_needs_no_mention_and_knows_what_was_said(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(Reply(f"First on {platform}."), Reply(f"Second on {platform}."))
        sent = await ask(house, platform, "begin")
        first = await house.answer(platform, f"First on {platform}.")
        if platform == "slack":
            await house.slack.speak("ben", first.channel, "and then?", thread=sent)
        else:
            await house.discord.speak("ben", first.channel, "and then?")
        await house.answer(platform, f"Second on {platform}.")
        said = "\n".join(model.requests[-1].user_texts)
        assert "begin" in said
        assert "Ben Okafor" in said

    async def test_broken_arguments_and_unknown_tools_are_told_to_the_model(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(
            Reply(calls=[Call("create_ticket", '{"user_email": ', "c1"), Call("launch_rocket", {}, "c2")]),
            Reply(f"Sorry, {platform}."),
        )
        await ask(house, platform, "do it")
        await house.answer(platform, f"Sorry, {platform}.")
        outputs = "\n".join(model.requests[-1].tool_outputs)
        assert "Invalid JSON" in outputs
        assert "There is no tool 'launch_rocket'" in outputs

    async def test_stop_ends_the_stream_with_what_was_there(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        hold = asyncio.Event()
        pieces = [f"{platform} part {number} of a long story. " for number in range(20)]
        model.enqueue(Reply(pieces, hold=hold, hold_after=10))
        left = model.dropped
        await ask(house, platform, "tell a long story")
        growing = await house.until(
            platform,
            lambda _view: next(
                (m for m in house.answers(platform) if m.buttons and f"{platform} part 9" in m.html), None
            ),
        )
        assert growing is not None
        await house.stage(platform).press("ada", growing.channel, growing.id, growing.buttons[0].id)
        stopped = await house.answer(platform, "Stopped")
        assert f"{platform} part 0" in stopped.html
        assert f"{platform} part 15" not in stopped.html
        await asyncio.wait_for(model.left(left + 1), 10)
        hold.set()

    async def test_only_the_asker_may_stop(self, wired: tuple[House, ScriptedModel], platform: PlatformName) -> None:
        house, model = wired
        hold = asyncio.Event()
        model.enqueue(Reply([f"{platform} waits for somebody to press. ", "End of it."], hold=hold))
        await ask(house, platform, "wait")
        growing = await house.until(
            platform,
            lambda _view: next(
                (m for m in house.answers(platform) if m.buttons and f"{platform} waits for" in m.html), None
            ),
        )
        assert growing is not None
        await house.stage(platform).press("chloe", growing.channel, growing.id, growing.buttons[0].id)
        await house.until(platform, lambda view: any(message.only_for == "chloe" for message in view.messages))
        hold.set()
        answer = await house.answer(platform, f"{platform} waits for")
        assert "End of it." in answer.html

    async def test_a_message_during_a_run_waits_and_is_answered_after_it(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        hold = asyncio.Event()
        model.enqueue(
            Reply([f"{platform} answer one, which takes its time. ", "One is done."], hold=hold),
            Reply(f"{platform} answer two."),
        )
        sent = await ask(house, platform, "one")
        growing = await house.until(
            platform,
            lambda _view: next((m for m in house.answers(platform) if f"{platform} answer one" in m.html), None),
        )
        assert growing is not None
        stage = house.stage(platform)
        second = await stage.speak("ada", growing.channel, "two", **({"thread": sent} if platform == "slack" else {}))
        await house.until(
            platform, lambda view: any(message.id == second and message.reactions for message in view.messages)
        )
        hold.set()
        await house.answer(platform, f"{platform} answer two.")
        order = [message.html for message in house.answers(platform)]
        assert [index for index, html in enumerate(order) if "One is done" in html and platform in html] < [
            index for index, html in enumerate(order) if f"{platform} answer two." in html
        ]

    async def test_an_answer_of_50000_characters_arrives(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        text = "\n\n".join(f"{platform} paragraph {number}: " + "lorem ipsum " * 40 for number in range(100))
        model.enqueue(
            Reply([text[start : start + 500] for start in range(0, len(text), 500)] + [f"\n\n{platform} fin"])
        )
        before = len(house.answers(platform))
        await ask(house, platform, "everything")
        if platform == "slack":
            await house.answer(platform, f"{platform} fin", 60)
            whole = "".join(message.html for message in house.answers(platform)[before:])
            assert all(f"{platform} paragraph {number}:" in whole for number in range(100))
        else:
            await house.until(
                platform, lambda _view: any(message.files for message in house.answers(platform)[before:]), 60
            )
            (card,) = [file for message in house.answers(platform)[before:] for file in message.files]
            content = (house.discord.file(card.id) or ("", "", b""))[2].decode()
            assert all(f"{platform} paragraph {number}:" in content for number in range(100))

    async def test_the_longest_message_that_the_platform_lets_through_is_answered(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(Reply(f"That was long for {platform}."))
        await ask(house, platform, "x" * (11_000 if platform == "slack" else 1_900))
        await house.answer(platform, f"That was long for {platform}.")

    async def test_a_model_that_fails_ends_in_a_sentence_with_an_incident_id(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(
            Reply(status=401, error={"error": {"message": "bad key sk-live-abcdefgh", "code": "invalid_api_key"}})
        )
        before = len(house.answers(platform))
        await ask(house, platform, "are you there?")
        await house.until(
            platform,
            lambda _view: any(not goes_on(m) and m.state == "sent" for m in house.answers(platform)[before:]),
        )
        (answer,) = house.answers(platform)[before:]
        assert "sk-live" not in answer.html
        assert "Traceback" not in answer.html
        assert "incident" in answer.html.lower()

    async def test_nothing_that_the_model_writes_pings_or_unfurls(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        hostile = (
            "<!channel> <!here> <!everyone> @everyone @here <@U123> <!subteam^S1> "
            f"{'' if platform == 'slack' else '<@&1> '}"
            "https://evil.example/?q=secret [click](https://evil.example/) ![img](https://evil.example/x.png) "
        )
        model.enqueue(Reply([hostile, f"{platform} harmless."]))
        await ask(house, platform, "ping everyone")
        answer = await house.answer(platform, f"{platform} harmless.")
        assert not house.slack.pings
        assert not [ping for ping in house.discord.pings if ping.because != "reply"], "only the asker is told"
        assert not answer.pings
        assert not (house.slack.unfurls if platform == "slack" else house.discord.embeds)
        assert "<img" not in answer.html


class TestCommands:
    pytestmark = pytest.mark.asyncio(loop_scope="module")

    async def test_ask_in_discord_is_deferred_then_edited_until_complete(
        self, wired: tuple[House, ScriptedModel]
    ) -> None:
        house, model = wired
        hold = asyncio.Event()
        model.enqueue(
            Reply(
                [f"Piece {number} of the command's answer. " for number in range(40)],
                hold=hold,
                hold_after=0,
                delay=0.1,
            )
        )
        await house.discord.command("ben", house.channel("discord"), "ask", {"question": "what is new?"})
        await house.until("discord", lambda view: any(message.state == "thinking" for message in view.messages))
        hold.set()
        answer = await house.answer("discord", "Piece 39 of")
        assert answer.edits >= 3
        assert "what is new?" in answer.html
        assert answer.note

    async def test_ask_in_slack_is_answered_in_the_channel(self, wired: tuple[House, ScriptedModel]) -> None:
        house, model = wired
        model.enqueue(Reply("The command's answer in Slack."))
        await house.slack.command("ben", house.channel("slack"), "/ask", {"text": "what is new?"})
        answer = await house.answer("slack", "The command's answer in Slack.")
        assert "what is new?" in answer.html

    @pytest.mark.parametrize("platform", PLATFORMS)
    async def test_a_direct_message_is_answered(
        self, wired: tuple[House, ScriptedModel], platform: PlatformName
    ) -> None:
        house, model = wired
        model.enqueue(Reply(f"Hello in private on {platform}."))
        stage = house.stage(platform)
        direct = next(channel.id for channel in stage.view().channels if channel.person == "chloe")
        await stage.speak("chloe", direct, "hi")
        answer = await house.answer(platform, f"Hello in private on {platform}.")
        assert answer.channel == direct

    async def test_a_duplicate_delivery_is_answered_once(self, wired: tuple[House, ScriptedModel]) -> None:
        house, model = wired
        model.enqueue(Reply("Only once, please."), Reply("The last one."))
        house.slack.duplicate_next_events(4)
        await ask(house, "slack", "twice")
        await house.answer("slack", "Only once, please.")
        await ask(house, "slack", "another")
        await house.answer("slack", "The last one.")
        assert sum("Only once, please." in message.html for message in house.answers("slack")) == 1


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_an_answer_grows_by_edits_while_the_model_writes(tmp_path: Path, platform: PlatformName) -> None:
    """In a fresh house: how many edits there are depends on what the platform's budget has left."""
    model = ScriptedModel()
    async with inhabited(tmp_path, model) as (house, _bot):
        model.enqueue(Reply([f"Word {number}. " for number in range(60)], delay=0.1))
        await ask(house, platform, "slowly, please")
        answer = await house.answer(platform, "Word 59.")
        assert answer.edits >= 3
        assert len(house.answers(platform)) == 1


async def test_sigterm_in_mid_stream_lets_the_answer_finish_and_exits_with_0(tmp_path: Path) -> None:
    hold = asyncio.Event()
    model = ScriptedModel()
    async with built(tmp_path, model) as house:
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", env=house.environment(), cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        assert bot.stdout is not None
        assert (await bot.stdout.readline()).startswith(b"ready Slack, Discord")
        model.enqueue(Reply(["Before the signal, there was a beginning. ", "And after it, an end."], hold=hold))
        await ask(house, "slack", "go on")
        await house.until("slack", lambda _view: any("Before the signal" in m.html for m in house.answers("slack")))
        bot.send_signal(signal.SIGTERM)
        hold.set()
        answer = await house.answer("slack", "And after it, an end.")
        assert "Before the signal" in answer.html
        assert await asyncio.wait_for(bot.wait(), 30) == 0
