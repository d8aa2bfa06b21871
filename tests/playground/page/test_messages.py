"""What messages look like and how they change, in Chromium."""

import pytest
from playwright.async_api import BrowserContext, expect

from bot.playground.view import ButtonView
from tests.playground.page.conftest import Scene, Window
from tests.support.stage_double import chart_png

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


class TestText:
    async def test_stream(self, window: Window) -> None:
        """An answer grows in one message that keeps its place, and counts its edits."""
        message = window.scene.slack.say("bot", "S1", "one")
        shown = window.messages().last
        await shown.evaluate("element => { element.sameElement = true }")
        for number in range(1, 31):
            text = "<p>" + "one " * number + "</p>"
            window.scene.slack.change(
                message.id, html=text, edits=number, first_edit=message.at, last_edit=message.at + 9
            )
        await expect(shown).to_have_attribute("data-edits", "30")
        await expect(shown.get_by_test_id("message-edits")).to_have_text("edited 30×")
        await expect(shown.get_by_test_id("message-body")).to_have_text(("one " * 30).strip())
        assert await shown.evaluate("element => element.sameElement")
        assert await window.messages().count() == 1

    async def test_edit_times(self, window: Window) -> None:
        """Hovering over the count shows the first and the last time."""
        message = window.scene.slack.say("bot", "S1", "one")
        window.scene.slack.change(message.id, edits=2, first_edit=0, last_edit=61)
        await window("message-edits").hover()
        await expect(window.page.get_by_role("tooltip")).to_contain_text("First edit")
        await expect(window.page.get_by_role("tooltip")).to_contain_text(":01:01")

    async def test_code(self, window: Window, context: BrowserContext) -> None:
        """A code block says its language and is copied as it was written."""
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        window.scene.slack.say("bot", "S1", "```python\nif a < b:\n    print('&amp;')\n```")
        await expect(window.messages().last.locator(".code-head")).to_contain_text("python")
        await window("code-copy").click()
        await expect(window("code-copy")).to_have_text("Copied")
        assert await window.page.evaluate("navigator.clipboard.readText()") == "if a < b:\n    print('&amp;')"

    async def test_blocks(self, window: Window) -> None:
        """Tables with aligned cells, lists and quotes are what they are."""
        window.scene.discord.say("bot", "D1", "|a|b|\n|-|-:|\n|1|2|\n\n- x\n- y\n\n> q")
        body = window.messages("discord").last.get_by_test_id("message-body")
        await expect(body.locator("td").last).to_have_css("text-align", "right")
        await expect(body.locator("li")).to_have_text(["x", "y"])
        await expect(body.locator("blockquote")).to_have_text("q")

    async def test_hostile_text(self, window: Window) -> None:
        """Markup that a person writes stays text."""
        await window.say('<img src=x onerror="alert(1)"><script>alert(2)</script>')
        body = window.messages().last.get_by_test_id("message-body")
        await expect(body).to_have_text('<img src=x onerror="alert(1)"><script>alert(2)</script>')
        assert await body.locator("img, script").count() == 0

    async def test_hostile_html(self, window: Window) -> None:
        """Even a server that is wrong gets no image, script, frame, handler or script address onto the page."""
        message = window.scene.slack.say("bot", "S1", "x")
        html = (
            '<p onclick="alert(1)">kept<img src="http://evil.example/x.png" onerror="alert(1)"></p>'
            "<script>alert(2)</script>"
            "<iframe src='http://evil.example'></iframe><svg><a href='javascript:1'>s</a></svg>"
            '<a href="javascript:alert(3)">link</a><form action="http://evil.example"><button>b</button></form>'
        )
        window.scene.slack.change(message.id, html=html)
        body = window.messages().last.get_by_test_id("message-body")
        await expect(body).to_have_text("keptlink")
        assert await body.locator("img, script, iframe, svg, form, button, [onclick], [href]").count() == 0
        assert not [url for url in window.requests if "evil" in url]
        assert all("Content Security Policy" in line for line in window.complaints)  # the browser refused it too
        window.complaints.clear()

    async def test_links(self, window: Window) -> None:
        """A link opens elsewhere and tells nothing about this page."""
        window.scene.slack.say("bot", "S1", "[handbook](https://example.org/a)")
        link = window.messages().last.locator("a")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        await expect(link).to_have_attribute("target", "_blank")

    async def test_selection_survives(self, window: Window) -> None:
        """What somebody has selected stays selected while the answer goes on."""
        message = window.scene.slack.say("bot", "S1", "first\n\nsecond")
        await window.messages().last.locator("p").first.select_text()
        window.scene.slack.change(
            message.id, html="<p>first</p>\n<p>second and more</p>\n", edits=1, first_edit=1, last_edit=1
        )
        await expect(window("message-body")).to_contain_text("and more")
        assert await window.page.evaluate("getSelection().toString()") == "first"


class TestParts:
    async def test_file(self, window: Window) -> None:
        """A file is a card with name and size, and comes down as it was sent."""
        file = window.scene.slack.attach("totals.csv", b"month,total\n" * 200)
        message = window.scene.slack.say("bot", "S1", "here")
        window.scene.slack.change(message.id, files=(file,))
        await expect(window("file-card")).to_contain_text("totals.csv")
        await expect(window("file-card")).to_contain_text("2.4 kB")
        async with window.page.expect_download() as download:
            await window("file-card").get_by_role("link", name="Download totals.csv").click()
        assert (await download.value).suggested_filename == "totals.csv"

    async def test_image(self, window: Window) -> None:
        """An image is shown and opens in full size; Escape closes it."""
        file = window.scene.slack.attach("sales.png", chart_png())
        window.scene.slack.change(window.scene.slack.say("bot", "S1", "here").id, files=(file,))
        assert (
            await window("file-card")
            .locator("img")
            .evaluate("async image => (await image.decode(), image.naturalWidth)")
            == 480
        )
        await window("image-open").click()
        await expect(window("lightbox").locator("img")).to_be_visible()
        await window.page.keyboard.press("Escape")
        await expect(window("lightbox")).to_be_hidden()
        await expect(window("image-open")).to_be_focused()

    async def test_button(self, window: Window) -> None:
        """A button reaches the platform as the person one speaks as; a refusal is shown."""
        slack = window.scene.slack
        buttons = (
            ButtonView(id="go", label="Go"),
            ButtonView(id="bad", label="Bad"),
            ButtonView(id="no", label="No", disabled=True),
        )
        message = slack.say("bot", "S1", "choose")
        slack.change(message.id, buttons=buttons)
        await window("button-Go").click()
        await window("button-Bad").click()
        await expect(window("toast")).to_contain_text("did not respond in time")
        await expect(window("button-No")).to_be_disabled()
        assert slack.pressed == [(message.id, "go"), (message.id, "bad")]

    async def test_only_you(self, window: Window) -> None:
        """An ephemeral message is marked, and others do not see it."""
        window.scene.slack.change(window.scene.slack.say("bot", "S1", "secret").id, only_for="ada")
        await window.page.reload()
        await expect(window("only-you")).to_have_text("Only you see this")
        await window("person-select").select_option("ben")
        await expect(window.messages()).to_have_count(0)

    async def test_pings(self, window: Window) -> None:
        """A ping of the bot that got through is shown in red."""
        window.scene.slack.change(window.scene.slack.say("bot", "S1", "hey").id, pings=("everyone",))
        await expect(window("pings")).to_have_text("Pinged everyone")

    async def test_reactions_and_notes(self, window: Window) -> None:
        """Reactions, the line under the author and a waiting interaction are shown."""
        message = window.scene.discord.say("bot", "D1", "")
        window.scene.discord.change(
            message.id, html="", state="thinking", note="Ada Moreno used /ask", reactions=("👀",)
        )
        shown = window.messages("discord").last
        await expect(shown).to_contain_text("Ada Moreno used /ask")
        await expect(shown).to_contain_text("Parley is thinking")
        await expect(shown.get_by_test_id("reaction")).to_have_text("👀")

    async def test_status(self, window: Window) -> None:
        """What the assistant is doing is said above the message box, and taken away."""
        window.scene.slack.status("S1", "Parley is searching")
        await expect(window("status-slack")).to_have_text("Parley is searching")
        window.scene.slack.status("S1", "")
        await expect(window("status-slack")).to_be_empty()

    async def test_removed(self, window: Window) -> None:
        """A deleted message goes."""
        message = window.scene.slack.say("ben", "S1", "oops")
        await expect(window.messages()).to_have_count(1)
        window.scene.slack.remove(message.id)
        await expect(window.messages()).to_have_count(0)
        await expect(window("empty-slack")).to_be_visible()

    async def test_read_aloud(self, window: Window) -> None:
        """A finished answer reaches screen readers once, without every edit in between."""
        message = window.scene.slack.say("bot", "S1", "one")
        live = window("pane-slack").locator("[aria-live=polite]")
        await expect(live).to_have_text("Parley answers")
        window.scene.slack.change(message.id, html="<p>one <b>two</b></p>", edits=1, first_edit=1, last_edit=1)
        await expect(live).to_have_text("Parley: one two")


class TestPlace:
    async def test_follows(self, window: Window) -> None:
        """The list stays at its newest message while messages and edits arrive."""
        last = [window.scene.slack.say("ben", "S1", f"message {n}\n\nmore") for n in range(60)][-1]
        await expect(window.messages().last).to_be_in_viewport()
        window.scene.slack.change(last.id, html="<p>grown</p>" * 30)
        await expect(window.messages().last).to_contain_text("grown")
        distance = "list => list.scrollHeight - list.scrollTop - list.clientHeight"
        await expect(window.messages().last.locator("p").last).to_be_in_viewport()
        assert await window("messages-slack").evaluate(distance) < 2

    async def test_scrolled_up(self, window: Window) -> None:
        """Somebody who reads older messages is not moved; a pill counts what is new and leads there."""
        for number in range(60):
            window.scene.slack.say("ben", "S1", f"message {number}")
        await expect(window.messages().last).to_be_in_viewport()
        await window("messages-slack").hover()
        await window.page.mouse.wheel(0, -800)
        await expect(window.messages().last).not_to_be_in_viewport()
        read = window.messages().filter(has_text="message 25")
        await expect(read).to_be_in_viewport()
        before = await read.bounding_box()
        for number in range(3):
            window.scene.slack.say("chloe", "S1", f"new {number}")
        await expect(window.page.locator('[data-testid="new-messages"]:visible')).to_have_text("3 new ↓")
        assert await read.bounding_box() == before
        await window.page.locator('[data-testid="new-messages"]:visible').click()
        await expect(window.messages().last).to_be_in_viewport()
        await expect(window.page.locator('[data-testid="new-messages"]:visible')).to_have_count(0)

    async def test_two_thousand(self, context: BrowserContext, scene: Scene) -> None:
        """With 2,000 messages the page opens, and no edit of a stream holds the browser up for half a second."""
        for number in range(2000):
            scene.slack.say(("ada", "ben", "chloe")[number % 3], "S1", f"message **{number}**\n\n```\ncode\n```")
        answer = scene.slack.say("bot", "S1", "start")
        window = Window(await context.new_page(), scene)
        await window.page.goto("/")
        await expect(window.messages()).to_have_count(2001)
        await expect(window.messages().last).to_be_in_viewport()
        await window.page.evaluate(
            "window.slow = [];"
            "new PerformanceObserver(list => window.slow.push(...list.getEntries().map(entry => entry.duration)))"
            ".observe({type: 'longtask'})"
        )
        for number in range(1, 51):
            scene.slack.change(answer.id, html=f"<p>{'word ' * number}</p>", edits=number, first_edit=1, last_edit=1)
            await expect(window.messages().last).to_have_attribute("data-edits", str(number))
        slow = await window.page.evaluate("window.slow")
        assert max(slow, default=0) < 500, slow
