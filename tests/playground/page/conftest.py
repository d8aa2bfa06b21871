"""The page with two platforms in memory, and one Chromium for all its tests."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright

from bot.playground.child import BotChild
from bot.playground.page.server import PageServer
from tests.support.stage_double import StageDouble

SLEEPING_BOT = (sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)")
MODEL = "offline: no language model"
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Scene:
    """Everything behind the page."""

    slack: StageDouble
    discord: StageDouble
    bot: BotChild
    server: PageServer


@dataclass
class Window:
    """The page in a browser, with what went over the network and what the console said."""

    page: Page
    scene: Scene
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __call__(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def messages(self, platform: str = "slack") -> Locator:
        return self.page.locator(f'[data-testid="messages-{platform}"] [data-testid="message"]')

    async def say(self, text: str, platform: str = "slack") -> None:
        await self(f"composer-{platform}").fill(text)
        await self(f"composer-{platform}").press("Enter")


@pytest_asyncio.fixture(loop_scope="session")
async def scene() -> AsyncIterator[Scene]:
    async with (
        StageDouble("slack", pace=0.01) as slack,
        StageDouble("discord", pace=0.01) as discord,
        BotChild(SLEEPING_BOT, {}) as bot,
        PageServer(slack, discord, bot, model_label=MODEL, model_hint="Set OPENAI_API_KEY to connect one.") as server,
    ):
        await bot.start()
        await bot.wait_for("running")
        yield Scene(slack, discord, bot, server)


def chromium() -> str | None:
    """Where the browser is."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("there is no Chromium on this machine (set CHROMIUM to its path)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, scene: Scene) -> AsyncIterator[BrowserContext]:
    async with AsyncExitStack() as stack:
        made = await browser.new_context(viewport={"width": 1440, "height": 900}, base_url=scene.server.url)
        stack.push_async_callback(made.close)
        made.set_default_timeout(10_000)
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def window(context: BrowserContext, scene: Scene) -> AsyncIterator[Window]:
    """The page, loaded; afterwards the console must not have complained."""
    shown = Window(await context.new_page(), scene)
    shown.page.on("request", lambda request: shown.requests.append(request.url))
    shown.page.on("websocket", lambda socket: shown.requests.append(socket.url))
    shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    shown.page.on("console", lambda line: shown.complaints.append(line.text) if line.type == "error" else None)
    await shown.page.goto("/")
    await shown("composer-slack").wait_for()
    yield shown
    assert [line for line in shown.complaints if "ERR_CONNECTION_REFUSED" not in line] == []
