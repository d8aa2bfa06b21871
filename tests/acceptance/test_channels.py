"""What `assistants.toml` says is what happens, on both platforms, and what `explain` says beforehand."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.view import MessageView, PlatformName
from tests.support.house import PATIENCE, House, built
from tests.support.model_server import Call, Reply, ScriptedModel

PLATFORMS: tuple[PlatformName, ...] = ("slack", "discord")
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("channels")]

FILE = """
[assistants.Desk]
instructions = "You are the front desk."
model = "gpt-4.1-mini"
tools = ["create_ticket", "list_tickets"]

[assistants.Poet]
instructions_file = "poet.txt"
tools = []

[[channels]]
match = ["slack:*:{slack}", "discord:*:{discord}"]
assistant = "Desk"
assistants = ["Poet"]
mentions = "required"
delivery = "status"
tools = ["list_tickets", "close_ticket"]
instructions = "Also: answer in French."
"""


@dataclass
class Ruled:
    """A running bot with rules for the channel `support`; `general` has none."""

    house: House
    model: ScriptedModel

    async def ask(self, platform: PlatformName, channel: str, text: str) -> str:
        """Ada mentions the assistant."""
        return await self.house.stage(platform).speak("ada", self.house.channel(platform, channel), f"@Parley {text}")

    async def explained(self, channel: str) -> str:
        """What the command line says about a channel, while the bot runs."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "explain", channel),
            env=self.house.environment(),
            cwd=self.house.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, err.decode()
        return out.decode()

    def key(self, platform: PlatformName, channel: str) -> str:
        """The key of a channel, as an operator would write it."""
        place = self.house.channel(platform, channel)
        return f"slack:T00PARLEY1:{place}" if platform == "slack" else f"discord:{self.house.discord.guild_id}:{place}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ruled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ruled]:
    """Both platforms, a scripted model, and the bot."""
    folder = tmp_path_factory.mktemp("ruled")
    model = ScriptedModel()
    async with built(folder, model) as house:
        places = {platform: house.channel(platform, "support") for platform in PLATFORMS}
        (folder / "assistants.toml").write_text(FILE.format(**places))
        (folder / "poet.txt").write_text("You answer in verse.")
        async with house.child() as bot:
            await bot.start()
            assert await bot.wait_for("running", "stopped") == "running", "\n".join(bot.view().last_lines)
            await house.until("discord", lambda view: view.commands)
            yield Ruled(house, model)


def shown_in(house: House, platform: PlatformName, channel: str) -> list[MessageView]:
    """What the bot wrote in a channel and its threads."""
    place = house.channel(platform, channel)
    channels = house.stage(platform).view().channels
    inside = {place, *(one.id for one in channels if one.parent == place)}
    return [message for message in house.answers(platform) if message.channel in inside]


@pytest.mark.parametrize("platform", PLATFORMS)
class TestRules:
    async def test_another_assistant_answers_there_with_its_instructions_its_model_and_its_tools(
        self, ruled: Ruled, platform: PlatformName
    ) -> None:
        ruled.model.enqueue(Reply(f"Bonjour from {platform}."))
        await ruled.ask(platform, "support", "hello")
        await ruled.house.answer(platform, f"Bonjour from {platform}.")
        request = ruled.model.requests[-1]
        assert request.instructions.startswith("You are the front desk.\n\nAlso: answer in French.")
        assert request.model == "gpt-4.1-mini"
        assert request.tools == ["list_tickets"]
        page = await ruled.explained(ruled.key(platform, "support"))
        for words in ("assistant     Desk", "gpt-4.1-mini", "tools         list_tickets\n", "Also: answer in French."):
            assert words in page

    async def test_elsewhere_the_assistant_of_the_settings_answers_with_the_workers_model_and_all_tools(
        self, ruled: Ruled, platform: PlatformName
    ) -> None:
        ruled.model.enqueue(Reply(f"General {platform}."))
        await ruled.ask(platform, "general", "hello")
        await ruled.house.answer(platform, f"General {platform}.")
        request = ruled.model.requests[-1]
        assert request.instructions.startswith("You are Parley")
        assert request.model == "gpt-5.4"
        assert {"close_ticket", "create_ticket", "list_tickets"} <= set(request.tools)
        page = await ruled.explained(ruled.key(platform, "general"))
        assert "assistant     Parley\n                (ASSISTANT_NAME)" in page
        assert "does not match" in page

    @pytest.mark.parametrize("tool", ["create_ticket", "close_ticket"])
    async def test_a_call_of_a_tool_that_the_channel_does_not_have_is_refused_like_one_that_does_not_exist(
        self, ruled: Ruled, platform: PlatformName, tool: str
    ) -> None:
        """One is the assistant's but not the channel's, the other the channel's but not the assistant's."""
        arguments = {"user_email": "ada@example.org", "issue_summary": "x", "priority": "high"}
        ruled.model.enqueue(
            Reply(calls=[Call(tool, arguments if tool == "create_ticket" else {"ticket": 1, "resolution": "x"})]),
            Reply(f"Cannot {tool} on {platform}."),
        )
        await ruled.ask(platform, "support", "do it all the same")
        await ruled.house.answer(platform, f"Cannot {tool} on {platform}.")
        refusal = f"There is no tool '{tool}'. The tools are: list_tickets."
        assert ruled.model.requests[-1].tool_outputs == [refusal]

    async def test_an_answer_that_comes_by_status_is_one_message_and_no_edit(
        self, ruled: Ruled, platform: PlatformName
    ) -> None:
        before = len(shown_in(ruled.house, platform, "support"))
        ruled.model.enqueue(Reply([f"Line {number} of {platform}.\n\n" for number in range(30)], delay=0.1))
        await ruled.ask(platform, "support", "slowly, please")
        answer = await ruled.house.answer(platform, f"Line 29 of {platform}.")
        assert f"Line 0 of {platform}." in answer.html
        assert answer.edits == 0
        assert len(shown_in(ruled.house, platform, "support")) == before + 1
        assert "delivery      status" in await ruled.explained(ruled.key(platform, "support"))

    async def test_where_a_mention_is_required_a_follow_up_without_one_is_not_answered(
        self, ruled: Ruled, platform: PlatformName
    ) -> None:
        house, stage = ruled.house, ruled.house.stage(platform)
        ruled.model.enqueue(Reply(f"Begun on {platform}."), Reply(f"Asked again on {platform}."))
        sent = await ruled.ask(platform, "support", "begin")
        first = await house.answer(platform, f"Begun on {platform}.")
        asked = len(ruled.model.requests)
        thread = {"thread": sent} if platform == "slack" else {}
        await stage.speak("ben", first.channel, "and then?", **thread)
        await stage.speak("ben", first.channel, "@Parley and then?", **thread)  # in order: it comes behind the other
        await house.answer(platform, f"Asked again on {platform}.")
        assert len(ruled.model.requests) == asked + 1
        assert "mentions      required" in await ruled.explained(ruled.key(platform, "support"))

    async def test_a_part_of_a_channels_key_is_enough_for_explain_once_something_was_said_there(
        self, ruled: Ruled, platform: PlatformName
    ) -> None:
        ruled.model.enqueue(Reply(f"Known on {platform}."))
        await ruled.ask(platform, "general", "here I am")
        await ruled.house.answer(platform, f"Known on {platform}.", PATIENCE)
        page = await ruled.explained(ruled.house.channel(platform, "general"))
        assert ruled.key(platform, "general") in page


async def test_a_direct_message_needs_no_mention(ruled: Ruled) -> None:
    ruled.model.enqueue(Reply("In private."))
    direct = next(channel.id for channel in ruled.house.slack.view().channels if channel.person == "chloe")
    await ruled.house.slack.speak("chloe", direct, "hi")
    await ruled.house.answer("slack", "In private.")


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_the_offline_provider_refuses_a_tool_that_the_channel_does_not_have(
    tmp_path: Path, platform: PlatformName
) -> None:
    async with built(tmp_path) as house:
        (tmp_path / "assistants.toml").write_text(f'[[channels]]\nmatch = "{platform}:*"\ntools = ["list_tickets"]\n')
        async with house.child() as bot:
            await bot.start()
            assert await bot.wait_for("running", "stopped") == "running", "\n".join(bot.view().last_lines)
            stage, channel = house.stage(platform), house.channel(platform)
            await stage.speak("ada", channel, "@Parley !tool close_ticket ticket=1 resolution=x")
            answer = await house.answer(platform, "close_ticket")
            assert "list_tickets" in answer.html
            assert "There is no ticket" not in answer.html, "it was not run"


async def test_every_mistake_in_the_file_stops_the_start_with_its_line(tmp_path: Path) -> None:
    async with built(tmp_path) as house:
        (tmp_path / "assistants.toml").write_text(
            '[defaults]\nassistant = "Nobody"\n\n[[channels]]\nmatch = "slack:*"\ntools = ["lst_tickets"]\n'
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env=house.environment(),
            cwd=tmp_path,
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "assistants.toml, line 2: assistant in [defaults]: there is no 'Nobody'" in err.decode()
    assert (
        "assistants.toml, line 6: tools in [[channels]]: there is no tool 'lst_tickets'; did you mean" in err.decode()
    )
    assert "Traceback" not in err.decode()
