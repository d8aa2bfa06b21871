"""Writing, attaching, mentioning and commanding, in Chromium."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, expect

from bot.playground.page.server import PageServer
from tests.playground.page.conftest import Scene, Window

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]

GIVE_FILES = """(element, [kind, names]) => {
  const transfer = new DataTransfer();
  for (const name of names) transfer.items.add(new File(['x'], name, {type: name.endsWith('png') ? 'image/png' : ''}));
  const facts = {bubbles: true, cancelable: true};
  element.dispatchEvent(kind === 'paste'
    ? new ClipboardEvent('paste', {...facts, clipboardData: transfer})
    : new DragEvent(kind, {...facts, dataTransfer: transfer}));
}"""


class TestText:
    async def test_keyboard_only(self, window: Window) -> None:
        """From the top of the page to a sent message without a mouse."""
        keyboard = window.page.keyboard
        await keyboard.press("Tab")
        await keyboard.press("Enter")
        await expect(window("composer-slack")).to_be_focused()
        await keyboard.type("first")
        await keyboard.press("Shift+Enter")
        await keyboard.type("second")
        await keyboard.press("Enter")
        await expect(window.messages().last).to_contain_text("first second", use_inner_text=False)
        await expect(window("composer-slack")).to_have_value("")

    async def test_nothing(self, window: Window) -> None:
        """Blank text is not sent."""
        await window.say("  ")
        await window.say("something")
        await expect(window.messages()).to_have_count(1)

    async def test_send_button(self, window: Window) -> None:
        """The button sends too, and each pane sends to its own platform."""
        await window("composer-discord").fill("over here")
        await window("send-discord").click()
        await expect(window.messages("discord").last).to_contain_text("over here")
        await expect(window.messages("slack")).to_have_count(0)

    async def test_speaks_as(self, window: Window) -> None:
        """A message comes from the person that was chosen."""
        await window("person-select").select_option("chloe")
        await window.say("hello")
        await expect(window.messages().last).to_have_attribute("data-author", "chloe")

    async def test_refused(self, window: Window) -> None:
        """A refused message says why, is kept, and goes out with Retry."""
        window.scene.slack.refusal = "The channel is archived."
        await window.say("important")
        await expect(window("send-error-slack")).to_contain_text("The channel is archived.")
        await expect(window("send-error-slack")).to_contain_text("important")
        await window("retry-slack").click()
        await expect(window.messages().last).to_contain_text("important")
        await expect(window("send-error-slack")).to_have_count(0)

    async def test_refused_and_edited(self, window: Window) -> None:
        """A refused message can be changed before it is sent again."""
        window.scene.slack.refusal = "No."
        await window.say("important")
        await window("send-error-slack").get_by_role("button", name="Edit").click()
        await expect(window("composer-slack")).to_have_value("important")
        await expect(window("send-error-slack")).to_have_count(0)


class TestPickers:
    async def test_mention(self, window: Window) -> None:
        """After @ people and the bot are offered; a choice becomes a mention."""
        await window("composer-slack").press_sequentially("hey @")
        await expect(window("mention-option")).to_have_count(3)
        await window("composer-slack").press_sequentially("lind")
        await expect(window("mention-option")).to_have_count(1)
        await window("composer-slack").press("Enter")
        await expect(window("composer-slack")).to_have_value("hey @Chloe Lindqvist ")
        await expect(window("mention-picker")).to_be_hidden()

    async def test_keys(self, window: Window) -> None:
        """Arrows choose, Escape closes, and the chosen one is announced."""
        box = window("composer-slack")
        await box.press_sequentially("@")
        await box.press("ArrowDown")
        active = await box.get_attribute("aria-activedescendant")
        await expect(window.page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
        await box.press("Escape")
        await expect(window("mention-picker")).to_be_hidden()
        await expect(box).to_have_value("@")

    async def test_slack_command(self, window: Window) -> None:
        """In Slack everything behind the command is its text."""
        await window("composer-slack").press_sequentially("/")
        await expect(window("command-option")).to_contain_text("Ask the assistant")
        await window("composer-slack").press("Tab")
        await window("composer-slack").press_sequentially("why is that?")
        await window("composer-slack").press("Enter")
        await expect(window("composer-slack")).to_have_value("")
        await expect(window.messages().last).to_contain_text("used /ask")
        assert window.scene.slack.commands_used == [("ask", {"text": "why is that?"}, ())]

    async def test_unknown_slack_command(self, window: Window) -> None:
        """Slack does not know every command, and the text is not lost."""
        await window.say("/nonsense here")
        await expect(window("send-error-slack")).to_contain_text("/nonsense is not a valid command")

    async def test_discord_command(self, window: Window) -> None:
        """In Discord a command asks for its options, insists on required ones, and takes a file."""
        await window("composer-discord").press_sequentially("/as")
        await expect(window("command-picker")).to_contain_text("question What you want to know")
        await window("command-option").click()
        await expect(window("command-field-question")).to_be_focused()
        form = window("command-form-discord")
        heights = await form.locator(".field, .command-name").evaluate_all("all => all.map(one => one.offsetHeight)")
        assert set(heights) == {32}
        tops = await form.locator(".command-name, [data-testid=command-cancel]").evaluate_all(
            "all => all.map(one => one.offsetTop)"
        )
        assert len(set(tops)) == 1
        await window.page.keyboard.press("Enter")
        await expect(window("command-field-question")).to_have_attribute("aria-invalid", "true")
        await window("command-field-question").fill("why?")
        await window("command-field-private").check()
        content = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"x"}
        await window("command-field-file").set_input_files(content)
        await window("command-field-question").press("Enter")
        await expect(window.messages("discord").last).to_contain_text("used /ask")
        await expect(window("command-form-discord")).to_be_hidden()
        assert window.scene.discord.commands_used == [("ask", {"question": "why?", "private": "true"}, ("a.csv",))]

    async def test_discord_command_left(self, window: Window) -> None:
        """Escape leaves a command without sending it."""
        await window("composer-discord").press_sequentially("/ask")
        await window("composer-discord").press("Enter")
        await window("command-field-question").press("Escape")
        await expect(window("composer-discord")).to_be_focused()
        assert window.scene.discord.commands_used == []

    async def test_typed_discord_command(self, window: Window) -> None:
        """A command that is typed out works too, with or without the names of its options."""
        await window.say("/ask what now", "discord")
        await window.say("/ask question:what then private:true", "discord")
        await expect(window.messages("discord")).to_have_count(2)
        used = [options for _, options, _ in window.scene.discord.commands_used]
        assert used == [{"question": "what now"}, {"question": "what then", "private": "true"}]


class TestFiles:
    async def test_attach(self, window: Window, tmp_path: Path) -> None:
        """The paperclip takes files; a chip each until they are sent."""
        (tmp_path / "a.csv").write_text("a")
        (tmp_path / "b.txt").write_text("b")
        await window("attach-slack").set_input_files([tmp_path / "a.csv", tmp_path / "b.txt"])
        await expect(window("chip")).to_have_count(2)
        await window("chip-remove").first.click()
        await window.say("with a file")
        await expect(window("chip")).to_have_count(0)
        await expect(window("file-card")).to_have_attribute("data-name", "b.txt")

    @pytest.mark.parametrize("kind", ["drop", "paste"])
    async def test_drop_and_paste(self, window: Window, kind: str) -> None:
        """Files are dropped on a pane and pasted into the message box; a file alone can be sent."""
        await window("composer-discord").evaluate(GIVE_FILES, [kind, ["photo.png"]])
        await expect(window("chip")).to_contain_text("photo.png")
        await window("send-discord").click()
        await expect(window("file-card")).to_have_attribute("data-name", "photo.png")

    async def test_drop_hint(self, window: Window) -> None:
        """While files are over a pane, it says so."""
        await window("composer-slack").evaluate(GIVE_FILES, ["dragover", ["a.txt"]])
        await expect(window("pane-slack")).to_have_class("pane slack dropping")

    async def test_too_large(self, window: Window) -> None:
        """A file over the limit is not taken, and the reason is said."""
        big = "input => { const t = new DataTransfer(); t.items.add(new File([new Uint8Array(26214401)], 'big.bin'));"
        big += " input.files = t.files; input.dispatchEvent(new Event('change', {bubbles: true})); }"
        await window("attach-slack").locator("input").evaluate(big)
        await expect(window("toast")).to_contain_text("big.bin is larger than 25 MB")
        await expect(window("chip")).to_have_count(0)

    async def test_retry_with_file(self, window: Window) -> None:
        """Files of a refused message go out with it when it is sent again."""
        await window("attach-slack").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"x"})
        window.scene.slack.refusal = "Not now."
        await window.say("look")
        await window("retry-slack").click()
        await expect(window("file-card")).to_have_attribute("data-name", "a.csv")


class TestIdeas:
    async def test_four(self, window: Window) -> None:
        """An empty channel offers four things; one click does one, and the answer's thread opens."""
        empty = window("empty-slack")
        await expect(empty.get_by_test_id("suggestion")).to_have_count(4)
        await empty.get_by_test_id("suggestion").first.click()
        await expect(window("thread-panel")).to_be_visible()
        await expect(window("thread-panel").get_by_test_id("message-body").last).to_contain_text("handbook")

    async def test_offline(self, window: Window) -> None:
        """Without a model the first ideas are those that work without one, and the question says what it is for."""
        for platform in ("slack", "discord"):
            ideas = window(f"empty-{platform}").get_by_test_id("suggestion")
            names = [await one.get_attribute("data-name") for one in await ideas.all()]
            assert names[:2] == ["two-tools", "ticket"]
        asking = window("empty-slack").locator('[data-name="ask"]')
        await expect(asking).to_contain_text("See what works without a model")

    async def test_with_model(self, context: BrowserContext, scene: Scene) -> None:
        """With a model a question comes first."""
        async with PageServer(scene.slack, scene.discord, scene.bot, model_label="gpt-4o") as server:
            window = Window(await context.new_page(), scene)
            await window.page.goto(server.url)
            first = window("empty-slack").get_by_test_id("suggestion").first
            await expect(first).to_contain_text("Ask a question")
            await expect(window("empty-discord").get_by_test_id("suggestion").first).to_contain_text("Use /ask")

    async def test_more(self, window: Window) -> None:
        """They can be called up later; what was used makes room for others."""
        await window("empty-discord").get_by_test_id("suggestion").first.click()
        await expect(window("empty-discord")).to_be_hidden()
        await window("ideas-discord").click()
        visible = window("pane-discord").locator('[data-testid="suggestion"]:visible')
        names = [await one.get_attribute("data-name") for one in await visible.all()]
        assert "two-tools" not in names
        assert len(names) == 4

    async def test_chart(self, window: Window) -> None:
        """One of them brings its own file."""
        await window("empty-discord").locator('[data-name="file"]').click()
        await expect(window("file-card").first).to_have_attribute("data-name", "sales.csv")

    async def test_kill_in_mid_answer(self, window: Window) -> None:
        """One of them asks for a long answer and points at the button."""
        window.scene.slack.pace = 0.1
        await window("empty-slack").locator('[data-name="count"]').click()
        await expect(window("coach")).to_contain_text("Kill it now")
        await window("kill-bot").click()
        await expect(window("bot-state")).to_have_attribute("data-state", "killed")
        await expect(window("coach")).to_be_hidden()
