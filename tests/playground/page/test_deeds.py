"""Menus, forms, suggestions while one types, edits and deletions, steps, small print and the app's own pages."""

import pytest
from playwright.async_api import expect

from bot.playground.view import HomeView, PromptView, StepView
from tests.playground.page.conftest import Window
from tests.support.stage_double import FORM

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


class TestMenu:
    async def test_the_menu_has_the_entries_of_the_app(self, window: Window) -> None:
        message = window.scene.slack.say("ben", "S1", "The invoice is late.")
        await window.messages().last.hover()
        await window("message-menu").last.click()
        await expect(window.page.get_by_role("menuitem")).to_have_text(
            ["Ask about this", "Summarise thread", "Delete message"]
        )
        await window("menu-sum").click()
        await expect(window("toast")).to_contain_text("only you will see the answer")
        assert window.scene.slack.chosen == [(message.id, "sum")]
        await expect(window.page.get_by_role("menuitem")).to_have_count(0)

    async def test_it_works_by_keyboard_and_gives_the_focus_back(self, window: Window) -> None:
        window.scene.discord.say("ben", "D1", "hello")
        button = window.messages("discord").last.get_by_test_id("message-menu")
        await button.focus()
        await button.press("Enter")
        await expect(window("menu-about").last).to_be_focused()
        await window.page.keyboard.press("ArrowDown")
        await expect(window("menu-sum").last).to_be_focused()
        await window.page.keyboard.press("Escape")
        await expect(button).to_be_focused()

    async def test_an_entry_can_open_a_form_which_is_sent_with_its_values(self, window: Window) -> None:
        window.scene.slack.say("ben", "S1", "The invoice is late.")
        await window.messages().last.hover()
        await window("message-menu").last.click()
        await window("menu-about").click()
        await expect(window("form-field-question")).to_have_value("What does it mean?")
        await window("form-field-tone").fill("dry")
        await window("form-submit").click()
        await expect(window("form-dialog")).to_be_hidden()
        assert window.scene.slack.submitted == [("form 1", {"question": "What does it mean?", "tone": "dry"})]

    async def test_a_refused_form_stays_open_and_says_why(self, window: Window) -> None:
        window.scene.slack.open_form("ada", FORM)
        window.scene.slack.refusal = "This form is too old."
        await window("form-submit").click()
        await expect(window("form").get_by_role("alert")).to_have_text("This form is too old.")
        await window("form-cancel").click()
        await expect(window("form-dialog")).to_be_hidden()

    async def test_somebody_elses_form_is_not_shown(self, window: Window) -> None:
        window.scene.slack.open_form("ben", FORM)
        window.scene.slack.say("ben", "S1", "after it")
        await expect(window.messages().last).to_contain_text("after it")
        await expect(window("form-dialog")).to_be_hidden()


class TestOwnMessages:
    async def test_a_message_is_edited_in_its_place(self, window: Window) -> None:
        window.scene.slack.say("ada", "S1", "The invoise is late.")
        await window.messages().last.hover()
        await window("message-menu").last.click()
        await window("menu-edit").click()
        await window("message-edit").fill("The invoice is late.")
        await window("message-edit").press("Enter")
        await expect(window.messages().last.get_by_test_id("message-body")).to_have_text("The invoice is late.")
        await expect(window("message-edit")).to_have_count(0)
        await expect(window.messages().last.get_by_test_id("message-edits")).to_have_text("edited 1×")

    async def test_a_deleted_message_is_gone(self, window: Window) -> None:
        window.scene.slack.say("ada", "S1", "Forget this.")
        await window.messages().last.hover()
        await window("message-menu").last.click()
        await window("menu-delete").click()
        await expect(window.messages()).to_have_count(0)

    async def test_others_may_not_edit_or_delete_it(self, window: Window) -> None:
        await window("person-select").select_option("ben")
        window.scene.slack.say("ada", "S1", "Mine.")
        await window.messages().last.hover()
        await window("message-menu").last.click()
        await expect(window.page.get_by_role("menuitem")).to_have_text(["Ask about this", "Summarise thread"])


class TestAnswers:
    async def test_steps_stand_above_the_text_with_their_state(self, window: Window) -> None:
        message = window.scene.slack.say("bot", "S1", "Looking.")
        running = StepView(id="1", title="list_tickets", state="running")
        window.scene.slack.change(message.id, steps=(running,))
        await expect(window("step")).to_have_attribute("data-state", "running")
        done = running.model_copy(update={"state": "done", "output": "3 tickets"})
        window.scene.slack.change(message.id, steps=(done,))
        await expect(window("step")).to_have_text("list_tickets3 tickets")
        await expect(window("step")).to_have_attribute("data-state", "done")

    async def test_small_print_is_shown_below_and_cannot_hold_anything_active(self, window: Window) -> None:
        message = window.scene.discord.say("bot", "D1", "28 days.")
        hostile = "[1] handbook.md<script>alert(1)</script>"
        window.scene.discord.change(message.id, footer=hostile)
        await expect(window("message-footer").last).to_have_text("[1] handbook.md")
        assert await window("message-footer").last.locator("script").count() == 0

    async def test_a_stream_shows_that_its_end_is_open(self, window: Window) -> None:
        message = window.scene.slack.say("bot", "S1", "Once upon")
        window.scene.slack.change(message.id, streaming=True)
        await expect(window.messages().last).to_have_attribute("data-streaming", "true")
        window.scene.slack.change(message.id, streaming=False)
        await expect(window.messages().last).not_to_have_attribute("data-streaming", "true")


class TestPages:
    async def test_prompts_of_the_app_are_one_click_away(self, window: Window) -> None:
        window.scene.slack.prompts = {"SDada": (PromptView(title="Plan", text="Plan my week."),)}
        window.scene.slack.dress()
        await window("channel-slack-Parley").click()
        await window("prompt").click()
        await expect(window.messages().first).to_contain_text("Plan my week.")
        assert window.scene.slack.visits[0] == ("ada", "messages")

    async def test_the_home_page_is_what_the_app_published_for_the_person(self, window: Window) -> None:
        await window("channel-slack-Parley").click()
        await window("page-home").click()
        await expect(window("home")).to_contain_text("no home page yet")
        window.scene.slack.homes = (
            HomeView(person="ben", html="<p>For Ben</p>"),
            HomeView(person="ada", html="<h2>Good morning, Ada</h2>"),
        )
        window.scene.slack.dress()
        await expect(window("home")).to_have_text("Good morning, Ada")
        assert ("ada", "home") in window.scene.slack.visits
        await window("page-messages").click()
        await expect(window("home")).to_be_hidden()

    async def test_a_thread_has_the_title_that_the_app_gave_it(self, window: Window) -> None:
        await window("channel-slack-Parley").click()
        message = window.scene.slack.say("ada", "SDada", "When is the fair?")
        window.scene.slack.titles = {f"SDada {message.id}": "The fair in May"}
        window.scene.slack.dress()
        await window.messages().last.hover()
        await window("thread-reply").last.click()
        await expect(window("thread-panel").get_by_role("heading")).to_contain_text("The fair in May")


class TestSuggestionsWhileTyping:
    async def test_the_app_completes_an_option(self, window: Window) -> None:
        await window("composer-discord").press("/")
        await window("command-option").first.click()
        await window("command-field-question").fill("Hello?")
        await window("command-field-assistant").fill("s")
        await expect(window("completion-option")).to_have_text(["Support", "Sales"])
        await window("command-field-assistant").press("ArrowDown")
        await window("command-field-assistant").press("Enter")
        await expect(window("command-field-assistant")).to_have_value("Sales")
        await window("command-field-assistant").press("Enter")
        await expect(window.messages("discord").last).to_contain_text("handbook")
        assert window.scene.discord.commands_used[0][1] == {"question": "Hello?", "assistant": "Sales"}

    async def test_a_command_without_options_is_sent_at_once(self, window: Window) -> None:
        await window("composer-discord").press_sequentially("/forget")
        await window("composer-discord").press("Enter")
        await expect(window.messages("discord").last).to_contain_text("used /forget")
        assert window.scene.discord.commands_used == [("forget", {}, ())]
