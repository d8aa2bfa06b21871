"""The page as a person uses it: `python -m bot demo`, Chromium, the real bot in its own process, a scripted model."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, async_playwright, expect

from tests.playground.page.conftest import ARGUMENTS, chromium
from tests.support.house import ROOT
from tests.support.model_server import Call, Reply, ScriptedModel

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
    pytest.mark.xdist_group("page"),
]

expect.set_options(timeout=30_000)


@dataclass
class Demo:
    """The running playground in a browser."""

    page: Page
    model: ScriptedModel
    requests: list[str]

    def pane(self, platform: str) -> Locator:
        return self.page.get_by_test_id(f"pane-{platform}")

    def answer(self, platform: str, words: str) -> Locator:
        """A message of the bot that contains these words."""
        return self.pane(platform).locator('[data-testid="message"][data-author="bot"]').filter(has_text=words).last

    async def say(self, platform: str, text: str) -> None:
        """Type into the channel's composer and press Enter."""
        await self.page.get_by_test_id(f"channel-{platform}-general").click()
        await self.page.get_by_test_id(f"composer-{platform}").fill(text)
        await self.page.get_by_test_id(f"composer-{platform}").press("Enter")

    async def edits(self, message: Locator) -> int:
        """How often a message was edited."""
        return int(await message.get_attribute("data-edits") or 0)


@asynccontextmanager
async def process(model: ScriptedModel, folder: Path) -> AsyncIterator[str]:
    """`python -m bot demo` until the block is left; gives the page's address."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "TOOLS_DIR": str(ROOT / "tools"),
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_MODEL": "scripted",
    }
    command = [sys.executable, "-m", "bot", "demo", "--no-open", "--port", "0", "--data", str(folder / "data")]
    with (folder / "demo.log").open("wb") as log:
        demo = await asyncio.create_subprocess_exec(
            *command, env=environment, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=log
        )
    assert demo.stdout is not None
    try:
        line = (await asyncio.wait_for(demo.stdout.readline(), 60)).decode().strip()
        assert line.startswith("ready http://127.0.0.1:"), (folder / "demo.log").read_text()
        yield line.removeprefix("ready ")
    finally:
        demo.terminate()
        assert await asyncio.wait_for(demo.wait(), 30) == 0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    async with ScriptedModel() as model, process(model, folder) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await page.goto(address)
        await expect(page.get_by_test_id("bot-state")).to_have_attribute("data-state", "running")
        yield Demo(page, model, requests)
        await browser.close()


async def test_a_mention_in_slack_grows_by_visible_edits_until_it_is_complete(demo: Demo) -> None:
    demo.model.enqueue(Reply([f"Slack word {number}. " for number in range(60)], delay=0.1))
    await demo.say("slack", "@Parley tell me something")
    growing = demo.answer("slack", "Slack word 0.")
    await expect(growing).to_be_visible()
    seen: set[str] = set()
    while "Slack word 59." not in (text := await growing.inner_text()):
        seen.add(text)
        await demo.page.wait_for_function(
            "([element, before]) => element.innerText !== before", arg=[await growing.element_handle(), text]
        )
    assert len(seen) >= 3
    await expect(growing.get_by_test_id("button-Stop")).to_have_count(0)


async def test_ask_in_discord_thinks_then_grows_until_it_is_complete(demo: Demo) -> None:
    hold = asyncio.Event()
    demo.model.enqueue(Reply([f"Discord word {n}. " for n in range(60)], delay=0.1, hold=hold, hold_after=0))
    await demo.page.get_by_test_id("channel-discord-general").click()
    composer = demo.page.get_by_test_id("composer-discord")
    await composer.press_sequentially("/ask")
    await demo.page.get_by_test_id("command-option").filter(has_text="ask").first.click()
    await demo.page.get_by_test_id("command-field-question").fill("what is new?")
    await demo.page.get_by_test_id("command-field-question").press("Enter")
    await expect(demo.pane("discord").locator('[data-testid="message"][data-state="thinking"]').last).to_be_visible()
    hold.set()
    answer = demo.answer("discord", "Discord word 59.")
    await expect(answer).to_be_visible()
    assert await demo.edits(answer) >= 3


@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_two_tools_in_parallel_and_both_results_in_the_answer(demo: Demo, platform: str) -> None:
    ticket = {"user_email": "ada@example.org", "issue_summary": "No coffee", "priority": "urgent"}
    demo.model.enqueue(
        Reply(calls=[Call("create_ticket", ticket, "c1"), Call("list_tickets", {"state": "closed"}, "c2")])
    )
    demo.model.rule = lambda request: Reply(f"{platform} results: " + " and ".join(request.tool_outputs))
    await demo.say(platform, "@Parley open a ticket and list the closed ones")
    answer = demo.answer(platform, f"{platform} results:")
    await expect(answer).to_contain_text('"priority":"urgent"')
    await expect(answer).to_contain_text("and []")
    demo.model.rule = None


@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_an_attached_file_reaches_the_model(demo: Demo, platform: str) -> None:
    demo.model.rule = lambda request: Reply(f"{platform} saw it: {'bolt,4' in request.last_user_text}")
    await demo.page.get_by_test_id(f"channel-{platform}-general").click()
    attach = demo.page.get_by_test_id(f"attach-{platform}").locator("input[type=file]")
    await attach.set_input_files({"name": "prices.csv", "mimeType": "text/csv", "buffer": b"item,price\nbolt,4\n"})
    await expect(demo.page.get_by_test_id("chip")).to_be_visible()
    await demo.page.get_by_test_id(f"composer-{platform}").fill("@Parley what does a bolt cost?")
    await demo.page.get_by_test_id(f"composer-{platform}").press("Enter")
    await expect(demo.answer(platform, f"{platform} saw it: True")).to_be_visible()
    demo.model.rule = None


@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_stop_ends_the_stream_with_what_was_there(demo: Demo, platform: str) -> None:
    hold = asyncio.Event()
    demo.model.enqueue(
        Reply([f"{platform} line {number} of a long story. " for number in range(20)], hold=hold, hold_after=10)
    )
    await demo.say(platform, "@Parley tell a long story")
    growing = demo.answer(platform, f"{platform} line 9 of")
    await growing.get_by_test_id("button-Stop").click()
    await expect(growing).to_contain_text("Stopped")
    await expect(growing).to_contain_text(f"{platform} line 0 of")
    assert f"{platform} line 15" not in await growing.inner_text()
    hold.set()


@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_the_bot_is_killed_in_mid_answer_and_finishes_the_same_message(demo: Demo, platform: str) -> None:
    hold = asyncio.Event()
    pieces = [f"{platform} part {number} of it. " for number in range(12)]
    demo.model.rule = lambda _request: Reply(pieces, hold=hold, hold_after=6)
    await demo.say(platform, "@Parley now watch this")
    growing = demo.answer(platform, f"{platform} part 5 of")
    await expect(growing).to_be_visible()
    identity = await growing.get_attribute("data-id")
    await demo.page.get_by_test_id("kill-bot").click()
    await expect(demo.page.get_by_test_id("bot-state")).to_have_attribute("data-state", re.compile("killed|stopped"))
    hold.set()
    await demo.page.get_by_test_id("start-bot").first.click()
    finished = demo.answer(platform, f"{platform} part 11 of")
    await expect(finished).to_be_visible()
    await expect(finished.get_by_test_id("button-Stop")).to_have_count(0)
    assert await finished.get_attribute("data-id") == identity
    assert await demo.pane(platform).get_by_text(f"{platform} part 11 of").count() == 1
    demo.model.rule = None


async def test_no_request_leaves_this_machine(demo: Demo) -> None:
    assert demo.requests
    assert all(re.match(r"(http|ws|blob:http|data)s?:?(//)?127\.0\.0\.1|^data:|^blob:", url) for url in demo.requests)
