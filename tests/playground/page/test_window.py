"""The page as a whole: panes, threads, people, themes, trouble, and a server that goes away, in Chromium."""

import sys
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from bot.playground.child import BotChild
from bot.playground.page.server import PageServer
from bot.playground.view import ChannelView
from tests.playground.page.conftest import Scene, Window
from tests.support.stage_double import StageDouble, chart_png

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]

LOW_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (element.closest(':disabled, option, noscript')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(rgba(style.color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) found.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""

NAMELESS = """() => [...document.querySelectorAll('button, select, textarea, input, a, summary')].filter(element =>
  !element.innerText.trim() && !element.getAttribute('aria-label')
  && !element.closest('label')?.innerText.trim() && !element.closest('[hidden]')).map(element => element.outerHTML)"""


async def fill_with_everything(scene: Scene) -> None:
    """One of each thing that can be on the page."""
    for stage, channel in ((scene.slack, "S1"), (scene.discord, "D1")):
        stage.say(
            "ben",
            channel,
            "Hello @Parley `code` [link](https://example.org)\n\n> quote\n\n```py\nx\n```\n\n|a|\n|-|\n|1|",
        )
        files = (stage.attach("sales.png", chart_png()), stage.attach("a.csv", b"1"))
        message = stage.say("bot", channel, "answer")
        stage.change(
            message.id,
            files=files,
            edits=3,
            first_edit=1,
            last_edit=2,
            reactions=("✅",),
            pings=("everyone",),
            replies=2,
        )
        stage.change(stage.say("bot", channel, "secret").id, only_for="ada", note="Ada Moreno used /ask")
        stage.status(channel, "Parley is searching")


class TestThreads:
    async def test_slack(self, window: Window) -> None:
        """The thread of one's own question opens, takes replies, and closes to a counted link."""
        await window.say("@Parley how many days?")
        panel = window("thread-panel")
        await expect(panel.get_by_test_id("button-Regenerate")).to_be_visible()
        await window("composer-slack-thread").fill("and then?")
        await window("send-slack-thread").click()
        await expect(panel.get_by_test_id("message").nth(2)).to_contain_text("and then?")
        await expect(panel.get_by_test_id("message")).to_have_count(4)
        await window("thread-close").click()
        await expect(panel).to_be_hidden()
        await window("thread-open").click()
        await expect(panel.get_by_test_id("message")).to_have_count(4)
        await expect(window("composer-slack-thread")).to_be_focused()

    async def test_other_peoples(self, window: Window) -> None:
        """Other people's threads do not open by themselves."""
        root = window.scene.slack.say("ben", "S1", "hello")
        window.scene.slack.say("bot", "S1", "answer", thread=root.id)
        await expect(window("thread-open")).to_have_text("1 reply")
        await expect(window("thread-panel")).to_be_hidden()

    @pytest.mark.parametrize("width", [390, 1440, 2560])
    async def test_connection(self, window: Window, width: int) -> None:
        """With a thread open, whether the bot is connected is said once, wherever there is room."""
        await window.page.set_viewport_size({"width": width, "height": 844})
        await window.say("@Parley hello")
        await expect(window("thread-panel")).to_be_visible()
        states = window("pane-slack").locator(".connection:visible")
        await expect(states).to_have_count(1)
        await expect(states).to_have_text("connected")
        window.scene.slack.drop_connection()
        await expect(states).to_have_text("not connected")

    async def test_while_writing(self, window: Window) -> None:
        """Somebody who writes on is not taken away from the text."""
        window.scene.slack.pace = 0.05
        await window.say("@Parley one")
        await window("composer-slack").fill("@Parley two")
        await expect(window("thread-open")).to_be_visible()
        await expect(window("thread-panel")).to_be_hidden()

    async def test_command_in_thread(self, window: Window) -> None:
        """Slack takes no commands in threads, and says so."""
        await window.say("@Parley hello")
        await window("composer-slack-thread").fill("/ask hello")
        await window("composer-slack-thread").press("Enter")
        await expect(window("send-error-slack-thread")).to_contain_text("slash commands in threads")

    async def test_discord(self, window: Window) -> None:
        """A Discord thread stands under its channel, opens for who asked, and leads back."""
        await window.say("@Parley chart please", "discord")
        await expect(window("channel-discord-chart please")).to_have_attribute("aria-current", "page")
        await expect(window.messages("discord")).to_have_count(2)
        await expect(window.messages("discord").first).to_contain_text("chart please")
        await window("thread-back").click()
        await expect(window.messages("discord")).to_have_count(1)
        await window("thread-open").click()
        await expect(window.messages("discord")).to_have_count(2)

    async def test_discord_starter(self, window: Window) -> None:
        """What a Discord thread repeats of the message that opened it is shown once."""
        discord = window.scene.discord
        root = discord.say("ada", "D1", "hello there")
        thread = discord.open_thread(root, "hello there")
        discord.say("ada", thread.id, "hello there")
        discord.say("bot", thread.id, "answer")
        await window("thread-open").click()
        await expect(window.messages("discord")).to_have_count(2)
        discord.say("ada", thread.id, "hello there")
        await expect(window.messages("discord")).to_have_count(3)

    async def test_reply_action(self, window: Window) -> None:
        """Any message of a Slack channel can become a thread, by keyboard too."""
        window.scene.slack.say("ben", "S1", "hello")
        await window("thread-reply").focus()
        await window.page.keyboard.press("Enter")
        root = window("thread-panel").get_by_test_id("message")
        await expect(root).to_have_attribute("data-replies", "No replies yet")
        await window.page.keyboard.press("Escape")
        await expect(window("thread-panel")).to_be_hidden()


class TestPlaces:
    async def test_channels(self, window: Window) -> None:
        """Each channel shows its own messages; news elsewhere are marked until they are read."""
        await window.say("in general")
        window.scene.slack.say("ben", "S2", "in support")
        await expect(window("channel-slack-support")).to_have_attribute("data-unread", "true")
        await window("channel-slack-support").click()
        await expect(window.messages()).to_have_count(1)
        await expect(window("channel-slack-support")).to_have_attribute("data-unread", "false")

    async def test_direct_messages(self, window: Window) -> None:
        """Everybody has their own conversation with the bot, and no mention is needed there."""
        await window("channel-slack-Parley").click()
        await window.say("hello")
        await expect(window.messages().last).to_contain_text("handbook")
        await window("person-select").select_option("ben")
        await expect(window.messages()).to_have_count(0)
        await window("person-select").select_option("ada")
        await expect(window("channel-slack-Parley")).to_have_attribute("aria-current", "page")
        await expect(window.messages()).to_have_count(2)

    async def test_hostile_channel(self, window: Window) -> None:
        """A thread's name is text, whatever it contains."""
        root = window.scene.discord.say("ben", "D1", "x")
        window.scene.discord.open_thread(root, "<b>bold</b>")
        await expect(window("thread-open")).to_have_text("<b>bold</b>")
        assert isinstance(window.scene.discord.view().channels[-1], ChannelView)

    async def test_members(self, window: Window) -> None:
        """Discord's member list is there when it is wanted."""
        await expect(window("members")).to_be_hidden()
        await window("members-toggle").click()
        await expect(window("members")).to_contain_text("Chloe Lindqvist")


class TestTrouble:
    async def test_kill_and_start(self, window: Window) -> None:
        """The button kills the bot's process, both panes say so even in a thread, and it can be started again."""
        await window.say("@Parley hello")
        await expect(window("thread-panel")).to_be_visible()
        pid = window.scene.bot.pid
        await expect(window("bot-state")).to_have_text("Running")
        await window("kill-bot").click()
        await expect(window("bot-state")).to_have_text("Killed")
        await expect(window("banner-slack")).to_contain_text("was killed")
        await expect(window("banner-discord")).to_contain_text("was killed")
        await expect(window("banner-slack")).to_be_in_viewport()
        assert window.scene.bot.pid is None
        await window("start-bot").click()
        await expect(window("bot-state")).to_have_text("Running")
        await expect(window("banner-slack")).to_be_hidden()
        assert window.scene.bot.pid not in {pid, None}

    async def test_start_does_not_kill(self, window: Window) -> None:
        """The kill button that comes under a resting pointer has no tooltip, and takes no second click."""
        page, clock = window.page, window.page.clock
        await clock.install(time=0)
        await clock.pause_at(1_000)
        await window("kill-bot").click()
        await expect(window("start-bot")).to_be_visible()
        box = await window("start-bot").bounding_box()
        assert box is not None
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await page.mouse.click(*middle)
        await expect(window("bot-state")).to_have_text("Running")
        await expect(window("kill-bot")).to_be_enabled()
        await expect(page.get_by_role("tooltip")).to_be_hidden()
        await page.mouse.move(middle[0] + 8, middle[1])
        await expect(page.get_by_role("tooltip")).to_contain_text("SIGKILL")
        pid = window.scene.bot.pid
        await page.mouse.click(*middle)
        await window.say("still there?")
        await expect(window.messages()).to_have_count(1)
        assert window.scene.bot.pid == pid
        await clock.run_for(600)
        await page.mouse.click(*middle)
        await expect(window("bot-state")).to_have_text("Killed")

    async def test_does_not_start(self, context: BrowserContext) -> None:
        """A bot that stops by itself shows its last words."""
        command = (sys.executable, "-c", "import sys; sys.exit('DATABASE_URL is wrong')")
        async with (
            StageDouble("slack") as slack,
            StageDouble("discord") as discord,
            BotChild(command, {}) as bot,
            PageServer(slack, discord, bot) as server,
        ):
            await bot.start()
            await bot.wait_for("stopped")
            window = Window(await context.new_page(), Scene(slack, discord, bot, server))
            await window.page.goto(server.url)
            await window("banner-slack").get_by_text("Its last words").click()
            await expect(window("banner-slack")).to_contain_text("DATABASE_URL is wrong")
            await expect(window("start-bot")).to_be_visible()

    async def test_menu(self, window: Window) -> None:
        """Rate limits and dropped connections are made per platform, and the page says what it did."""
        await window("trouble-menu").click()
        await window("limit-rate-discord").click()
        await expect(window("toast")).to_contain_text("429")
        await window("trouble-menu").click()
        await window("drop-connection-slack").click()
        await expect(window("connection-slack")).to_have_attribute("data-connected", "false")
        await expect(window("banner-slack")).to_contain_text("lost its connection")
        await expect(window("banner-discord")).to_be_hidden()
        assert (window.scene.discord.limits, window.scene.slack.drops) == ([10], 1)

    async def test_server_gone(self, window: Window) -> None:
        """When the server goes, the page says so, keeps what is sent, and comes back by itself."""
        old, scene = window.scene.server, window.scene
        await old.__aexit__(None, None, None)
        await expect(window("server-gone")).to_be_visible()
        await window.say("are you there?")
        await expect(window("send-error-slack")).to_contain_text("not answering")
        scene.slack.say("ben", "S1", "welcome back")
        async with PageServer(scene.slack, scene.discord, scene.bot, port=old.port):
            await expect(window.messages().last).to_contain_text("welcome back")
            await expect(window("server-gone")).to_be_hidden()
            await window.say("again")
            await expect(window.messages().last).to_contain_text("again")


class TestLook:
    async def test_theme(self, window: Window) -> None:
        """Light, dark and automatic; a choice stays."""
        page = window.page
        colour = "getComputedStyle(document.querySelector('[data-testid=pane-slack]')).backgroundColor"
        await page.emulate_media(color_scheme="dark")
        dark = await page.evaluate(colour)
        await window("theme-select").select_option("light")
        light = await page.evaluate(colour)
        assert light != dark
        await page.reload()
        await expect(window("theme-select")).to_have_value("light")
        assert await page.evaluate(colour) == light
        await window("theme-select").select_option("auto")
        assert await page.evaluate(colour) == dark

    @pytest.mark.parametrize("theme", ["light", "dark"])
    async def test_contrast(self, window: Window, theme: str) -> None:
        """Every text has a contrast of at least 4.5 to what is behind it."""
        await window.page.emulate_media(reduced_motion="reduce")  # no colour is measured on its way
        await window("theme-select").select_option(theme)
        assert await window.page.evaluate(LOW_CONTRAST) == []
        await fill_with_everything(window.scene)
        window.scene.slack.refusal = "No."
        await window.say("x")
        await window("composer-discord").press_sequentially("/")
        await window("kill-bot").click()
        await expect(window("banner-slack")).to_be_visible()
        await expect(window("pane-discord").get_by_test_id("pings")).to_be_visible()
        await expect(window("send-error-slack")).to_be_visible()
        assert await window.page.evaluate(LOW_CONTRAST) == []

    @pytest.mark.parametrize("width", [390, 700, 1024, 1440, 2560])
    async def test_widths(self, window: Window, width: int) -> None:
        """At every width both platforms can be used and nothing sticks out."""
        await fill_with_everything(window.scene)
        await window.page.set_viewport_size({"width": width, "height": 844})
        for platform in ("slack", "discord"):
            if width < 1000:
                await window(f"tab-{platform}").click()
            if await window(f"channels-{platform}").is_visible():  # a narrow pane has its channels in a drawer
                await window(f"channels-{platform}").click()
            await window(f"channel-{platform}-support").click()
            await window.say("hello", platform)
            await expect(window.messages(platform).last).to_be_in_viewport()
        for box in await window.page.locator("button:visible, label:visible").all():
            area = await box.bounding_box()
            assert area is not None
            assert area["x"] >= 0
            assert area["x"] + area["width"] <= width
        assert await window.page.evaluate("document.documentElement.scrollWidth") <= width

    async def test_touch_targets(self, window: Window) -> None:
        """On a phone every button is at least 32 px high."""
        await fill_with_everything(window.scene)
        await window.page.set_viewport_size({"width": 390, "height": 844})
        await (
            window("attach-slack")
            .locator("input")
            .set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"x"})
        )
        await expect(window("chip")).to_be_visible()
        await expect(window("thread-open").first).to_be_visible()
        small = await window.page.evaluate(
            """() => [...document.querySelectorAll('button, summary, label.tool')].filter(one => one.checkVisibility()
              && !one.closest('.away') && one.getBoundingClientRect().height < 32).map(one => one.outerHTML)"""
        )
        assert small == []

    async def test_long_code(self, window: Window) -> None:
        """A long line of code is there to be read and copied whole: it wraps."""
        window.scene.slack.say("bot", "S1", "```\n" + "!tool create_ticket issue_summary=x " * 12 + "y" * 300 + "\n```")
        code = window("pane-slack").locator(".code pre")
        await expect(code).to_be_visible()
        assert await code.evaluate("pre => pre.scrollWidth - pre.clientWidth") == 0

    async def test_names(self, window: Window) -> None:
        """Every control has a name, and the page its landmarks."""
        await fill_with_everything(window.scene)
        await expect(window("pings")).to_have_count(2)
        nameless = await window.page.evaluate(NAMELESS)
        assert nameless == []
        for role in ("main", "banner"):
            assert await window.page.get_by_role(role).count() >= 1
        for name in ("Slack", "Discord"):
            await expect(window.page.get_by_role("region", name=name, exact=True)).to_be_visible()

    async def test_no_motion(self, window: Window) -> None:
        """Nothing moves for somebody who asked for that."""
        await window.page.emulate_media(reduced_motion="reduce")
        window.scene.slack.status("S1", "Parley is searching")
        await expect(window("status-slack")).to_have_class("status busy")
        moving = "document.getAnimations().filter(animation => animation.playState === 'running').length"
        assert await window.page.evaluate(moving) == 0

    async def test_loading(self, browser: Browser, scene: Scene) -> None:
        """Before its scripts run, the page says that it is opening."""
        context = await browser.new_context(java_script_enabled=False, base_url=scene.server.url)
        page = await context.new_page()
        await page.goto("/")
        await expect(page.get_by_test_id("loading")).to_contain_text("Opening the playground")
        await context.close()

    async def test_model(self, window: Window) -> None:
        """The badge names the model, and its tip how to connect one."""
        await expect(window("model-badge")).to_have_text("offline: no language model")
        await window("model-badge").focus()
        await window.page.keyboard.press("Shift+Tab")
        await window.page.keyboard.press("Tab")
        await expect(window.page.get_by_role("tooltip")).to_have_text("Set OPENAI_API_KEY to connect one.")

    async def test_model_on_phone(self, window: Window, browser: Browser) -> None:
        """On a phone the badge is short and whole, and a tap explains it."""
        context = await browser.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, base_url=window.scene.server.url
        )
        page = await context.new_page()
        await page.goto("/")
        badge = page.get_by_test_id("model-badge")
        shown = "badge => [getComputedStyle(badge, '::before').content, badge.scrollWidth <= badge.clientWidth]"
        await badge.wait_for()
        assert await badge.evaluate(shown) == ['"no model"', True]
        await badge.tap()
        await expect(page.get_by_role("tooltip")).to_have_text("Set OPENAI_API_KEY to connect one.")
        await page.get_by_test_id("composer-slack").tap()
        await expect(page.get_by_role("tooltip")).to_be_hidden()
        await context.close()


async def test_stays_at_home(window: Window) -> None:
    """Whatever happens on the page, no request leaves 127.0.0.1."""
    message = window.scene.slack.say("bot", "S1", "![x](http://evil.example/a.png) [y](http://evil.example)")
    window.scene.slack.change(
        message.id, html='<img src="http://evil.example/b.png"><p>https://evil.example</p>', edits=1
    )
    await fill_with_everything(window.scene)
    await window.say("@Parley chart please", "discord")
    await expect(window("button-Regenerate")).to_be_visible()
    assert {urlsplit(url).hostname for url in window.requests} == {"127.0.0.1"}
