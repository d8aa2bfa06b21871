"""The menu of a message: asking about it, and having its thread summarised."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import discord
import pytest

from adapters.discord.menus import Targets
from bot.domain.deliveries import Heard
from bot.domain.messages import Author
from bot.playground.discord import DiscordRules
from bot.playground.view import FormShown, FormView, NotPossible, Upload
from bot.ports import Store
from bot.relay.contract import Outbound
from tests.adapters.discord.conftest import Bench, adapter_of, connected, keeping, opened
from tests.support.reception import RecordingReception

READ_HISTORY = 1 << 16
QUESTION = {"question": "What does it mean?"}


def watch(bench: Bench) -> list[FormView]:
    forms: list[FormView] = []
    bench.server.watch(lambda change: forms.append(change.form) if isinstance(change, FormShown) else None)
    return forms


def menu(bench: Bench, label: str) -> str:
    return next(entry.id for entry in bench.server.view().menus if entry.label == label)


async def opened_form(bench: Bench, message: str, label: str, channel: str = "") -> FormView:
    """Ben takes an entry of a message's menu, which opens a form for him."""
    forms = watch(bench)
    await bench.server.choose("ben", channel or bench.channel("general"), message, menu(bench, label))
    return forms[-1]


async def test_asking_about_a_message_brings_it_along(bench: Bench) -> None:
    """Author, text and files: what is pointed at is material, what is typed is the question."""
    files = (Upload(name="a.csv", content=b"a,b"),)
    said = await bench.server.speak("ada", bench.channel("general"), "**Ship** it on Friday", files=files)
    form = await opened_form(bench, said, "Ask about this")
    assert (form.title, [field.label for field in form.fields]) == ("Ask about this", ["Your question"])
    await bench.server.submit("ben", form.id, QUESTION)
    (inbound,) = await bench.reception.messages(1)
    (target,) = inbound.event.pointed_at
    assert (target.author.name, target.text) == ("Ada Moreno", "**Ship** it on Friday")
    assert [file.name for file in target.files] == ["a.csv"]
    assert target.key == f"discord:message:{said}"
    assert (inbound.event.text, inbound.event.author.name) == (QUESTION["question"], "Ben Okafor")
    assert not inbound.event.address.private
    await bench.adapter.post(inbound.event.address, Outbound(text="That it ships.", final=True), "k-0")
    answer = bench.server.view().messages[-1]
    assert "What does it mean?" in answer.html
    assert "That it ships." in answer.html
    assert answer.note == "Ben used Ask about this"


async def test_asking_privately_is_answered_privately(bench: Bench) -> None:
    said = await bench.server.speak("ada", bench.channel("general"), "Ship it")
    form = await opened_form(bench, said, "Ask privately")
    await bench.server.submit("ben", form.id, QUESTION)
    (inbound,) = await bench.reception.messages(1)
    assert inbound.event.address.private
    await bench.adapter.post(inbound.event.address, Outbound(text="secret", final=True), "k-0")
    assert bench.server.view().messages[-1].only_for == "ben"


async def test_without_the_message_content_intent_the_message_comes_along(sqlite_store: Store) -> None:
    async with connected(sqlite_store, DiscordRules(message_content=False)) as bench:
        await bench.server.wait_for(lambda: bench.server.view().menus)
        said = await bench.server.speak("ada", bench.channel("general"), "Ship it")
        form = await opened_form(bench, said, "Ask about this")
        await bench.server.submit("ben", form.id, QUESTION)
        (inbound,) = await bench.reception.messages(1)
        assert [heard.text for heard in inbound.event.pointed_at] == ["Ship it"]


async def test_where_the_bot_is_no_member_the_message_comes_along(sqlite_store: Store) -> None:
    """But there is nothing that it could summarise: it cannot read there."""
    async with connected(sqlite_store, everywhere=True) as bench:
        group = bench.server.found_group("ada", "ben")
        said = await bench.server.speak("ada", group, "Between you and me")
        form = await opened_form(bench, said, "Ask about this", group)
        await bench.server.submit("ben", form.id, QUESTION)
        (inbound,) = await bench.reception.messages(1)
        assert [heard.text for heard in inbound.event.pointed_at] == ["Between you and me"]
        with pytest.raises(NotPossible, match="no such entry"):
            await bench.server.choose("ben", group, said, menu(bench, "Summarise thread"))


async def test_a_form_is_opened_whatever_the_store_does(bench: Bench) -> None:
    """It is the first answer, and nothing is asked before it."""
    bench.reception.open.clear()
    said = await bench.server.speak("ada", bench.channel("general"), "Ship it")
    assert await opened_form(bench, said, "Ask about this")


async def test_a_question_that_was_refused_can_be_sent_again(bench: Bench) -> None:
    said = await bench.server.speak("ada", bench.channel("general"), "Ship it")
    form = await opened_form(bench, said, "Ask about this")
    bench.reception.unavailable = 1
    await bench.server.submit("ben", form.id, QUESTION)
    refusal = bench.server.view().messages[-1]
    assert "nothing was stored" in refusal.html
    assert refusal.only_for == "ben"


async def test_a_form_from_before_a_restart_gives_the_question_back(sqlite_store: Store) -> None:
    """Which message was meant is remembered by the process; the words of the person are not lost."""
    async with opened() as server:
        first, second = RecordingReception(), RecordingReception()
        async with keeping(server, sqlite_store, first) as adapter:
            await server.wait_for(lambda: server.view().menus)
            bench = Bench(server, adapter, first, sqlite_store)
            said = await server.speak("ada", server.channel_id("general"), "Ship it")
            form = await opened_form(bench, said, "Ask about this")
        async with keeping(server, sqlite_store, second):
            await server.submit("ben", form.id, QUESTION)
        told = server.view().messages[-1]
        assert told.only_for == "ben"
        assert "What does it mean?" in told.html
        assert not second.deliveries


class TestWhoseForm:
    """A form's identity is text that a client sends: it opens nothing that somebody else chose."""

    async def test_somebody_elses_is_not_understood(self, bench: Bench) -> None:
        said = await bench.server.speak("ada", bench.channel("general"), "Ship it")
        bens = await opened_form(bench, said, "Ask about this")
        forms = watch(bench)
        await bench.server.choose("chloe", bench.channel("general"), said, menu(bench, "Ask about this"))
        pretend(bench, forms[-1], bens)
        await bench.server.submit("chloe", forms[-1].id, QUESTION)
        told = bench.server.view().messages[-1]
        assert told.only_for == "chloe"
        assert "do not know" in told.html
        assert not bench.reception.deliveries

    async def test_in_another_channel_it_is_not_understood(self, bench: Bench) -> None:
        said = await bench.server.speak("ada", bench.channel("general"), "Ship it")
        here = await opened_form(bench, said, "Ask about this")
        support = bench.channel("support")
        other = await bench.server.speak("ada", support, "Something else")
        there = await opened_form(bench, other, "Ask about this", support)
        pretend(bench, there, here)
        await bench.server.submit("ben", there.id, QUESTION)
        assert "do not know" in bench.server.view().messages[-1].html

    def test_whoever_opens_many_loses_their_own(self) -> None:
        targets, message = Targets(), Heard(key="m", author=Author(platform="discord", id="1", name="Ada"), text="x")
        targets.keep(used(person=1, number=1), message)
        for number in range(2, 1_000):
            targets.keep(used(person=2, number=number), message)
        assert targets.of(used(person=1, number=5_000), 1) == message
        assert targets.of(used(person=2, number=5_000), 2) is None
        assert targets.of(used(person=2, number=5_000), 999) == message


def pretend(bench: Bench, shown: FormView, other: FormView) -> None:
    """Let what is submitted with one form have the identity of another, as a client of one's own can."""
    forms = bench.server._using._forms  # the stand-in has no word for this: Discord's own clients do not do it
    interaction, form = forms[shown.id]
    forms[shown.id] = interaction, replace(form, custom_id=f"about:0:{other.id}")


def used(*, person: int, number: int) -> discord.Interaction:
    return cast("discord.Interaction", SimpleNamespace(id=number, channel_id=1, user=SimpleNamespace(id=person)))


async def test_a_message_without_anything_to_read_is_said_to_be_so(bench: Bench) -> None:
    message = await bench.server.speak("ada", bench.channel("general"), "x")
    stored = bench.server.world.message(message)
    assert stored is not None
    stored.content = ""
    said = await bench.server.choose("ben", bench.channel("general"), message, menu(bench, "Ask about this"))
    assert "nothing in this message" in said


class TestSummary:
    async def test_it_is_private_and_belongs_to_no_conversation(self, bench: Bench) -> None:
        """What was said before is read anew each time."""
        said = await bench.server.speak("ada", bench.channel("general"), "Ship it")
        for _ in range(2):
            await bench.server.choose("ben", bench.channel("general"), said, menu(bench, "Summarise thread"))
        one, two = await bench.reception.messages(2)
        assert one.event.address.private
        assert one.event.conversation != two.event.conversation
        assert "Summarise" in one.event.text
        thinking = bench.server.view().messages[-1]
        assert (thinking.state, thinking.only_for) == ("thinking", "ben")

    async def test_in_a_plain_channel_the_channel_is_read(self, bench: Bench) -> None:
        """Whoever opened the menu there reads it as well."""
        general = bench.channel("general")
        await bench.server.speak("ada", general, "The colour is blue")
        said = await bench.server.speak("chloe", general, "Agreed")
        await bench.server.choose("ben", general, said, menu(bench, "Summarise thread"))
        (summary,) = await bench.reception.messages(1)
        before = await bench.adapter.context(summary.event.address, 10)
        assert [(heard.author.name, heard.text) for heard in before] == [
            ("Ada Moreno", "The colour is blue"),
            ("Chloe Lindqvist", "Agreed"),
        ]

    async def test_who_may_not_read_the_history_is_told_so(self, sqlite_store: Store) -> None:
        async with connected(sqlite_store, withheld=READ_HISTORY) as bench:
            general = bench.channel("general")
            await bench.server.wait_for(lambda: bench.server.view().menus)
            said = await bench.server.speak("ada", general, "Ship it")
            told = await bench.server.choose("ben", general, said, menu(bench, "Summarise thread"))
            assert told == "You may not read this channel's history, so I cannot sum it up for you."
            assert not bench.reception.deliveries
            await bench.server.choose("ada", general, said, menu(bench, "Summarise thread"))
            (summary,) = await bench.reception.messages(1)
            assert len(await bench.adapter.context(summary.event.address, 10)) == 1

    async def test_of_a_message_that_has_a_thread_the_thread_is_read(self, bench: Bench) -> None:
        said = await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
        (mention,) = await bench.reception.messages(1)
        await bench.adapter.post(mention.event.address, Outbound(text="hi"), "k1")
        await bench.server.choose("ben", bench.channel("general"), said, menu(bench, "Summarise thread"))
        _, summary = await bench.reception.messages(2)
        assert summary.event.address.place["channel"] == said
        await bench.adapter.post(summary.event.address, Outbound(text="hello and hi", final=True), "k-0")
        answer = bench.server.view().messages[-1]
        assert (answer.only_for, answer.channel) == ("ben", bench.channel("general"))


async def test_another_process_writes_the_answer_to_a_form(bench: Bench) -> None:
    said = await bench.server.speak("ada", bench.channel("general"), "Ship it")
    form = await opened_form(bench, said, "Ask privately")
    await bench.server.submit("ben", form.id, QUESTION)
    (inbound,) = await bench.reception.messages(1)
    worker = adapter_of(bench.server, bench.store)
    await worker.post(inbound.event.address, Outbound(text="secret"), "k-0")
    posted = await worker.post(inbound.event.address, Outbound(text="more", continuation=True), "k-1")
    await worker.close()
    assert posted.ref["through"] == "token"
    assert [m.only_for for m in bench.server.view().messages if m.author == "bot"] == ["ben", "ben"]
