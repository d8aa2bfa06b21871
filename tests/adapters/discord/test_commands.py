"""Commands: what is registered and when, whose assistant answers, and what is suggested."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.discord.commands import named, suggestions
from bot.playground.view import NotPossible
from bot.ports import Store
from bot.relay.contract import COMMANDS, Outbound
from tests.adapters.discord.conftest import Bench, adapter_of, keeping, opened
from tests.contract.adapter import connected as all_connected
from tests.support.reception import RecordingReception

EVERYWHERE = "PUT /applications/{application_id}/commands"
OVERWRITE = "PUT /applications/{application_id}/guilds/{guild_id}/commands"
TEAM = ("Parley", "Legal", "Support Lead", "Sales", "legal eagle")


async def test_ask_offers_its_options(bench: Bench) -> None:
    (ask,) = [command for command in bench.server.view().commands if command.name == "ask"]
    assert [(o.name, o.type, o.required, o.completes) for o in ask.options] == [
        ("question", "text", True, False),
        ("file", "file", False, False),
        ("private", "boolean", False, False),
        ("assistant", "text", False, True),
    ]


async def test_messages_have_three_entries_in_their_menu(bench: Bench) -> None:
    assert [menu.label for menu in bench.server.view().menus] == ["Ask about this", "Ask privately", "Summarise thread"]


async def test_every_command_answers_the_person_alone(bench: Bench) -> None:
    for name in COMMANDS:
        bench.reception.reply = f"about {name}"
        assert await bench.server.command("ada", bench.channel("general"), name, {}) == f"about {name}"
    assert [command.name for command in bench.reception.commands] == list(COMMANDS)
    assert {message.only_for for message in bench.server.view().messages} == {"ada"}


async def test_people_who_installed_the_bot_find_nothing_unless_a_setting_says_so(sqlite_store: Store) -> None:
    """Members of its servers find everything, also in direct messages."""
    async with opened() as server:
        group = server.found_group("ada", "ben")
        adapter = adapter_of(server, sqlite_store, everywhere=True, user_installs=False)
        async with all_connected(adapter, reception := RecordingReception()):
            await server.wait_for(lambda: server.view().commands)
            said = await server.speak("ada", group, "Between you and me")
            for name in ("ask", *COMMANDS):
                with pytest.raises(NotPossible, match="no command"):
                    await server.command("ada", group, name, {})
            for entry in server.view().menus:
                with pytest.raises(NotPossible, match="no such entry"):
                    await server.choose("ada", group, said, entry.id)
            await server.command("ada", server.dm_id("ada"), "ask", {"question": "x"})
            await server.command("ada", server.channel_id("general"), "ask", {"question": "y"})
            await reception.messages(2)
        await adapter.close()


async def test_a_command_names_the_channel_whose_rules_hold(bench: Bench) -> None:
    """By it /model says who answers there; in a thread that is the channel that it is in."""
    general = bench.channel("general")
    await bench.server.speak("ada", general, "@Parley hello")
    (inbound,) = await bench.reception.messages(1)
    posted = await bench.adapter.post(inbound.event.address, Outbound(text="hi"), "k1")
    for channel in (general, posted.ref["channel"]):
        await bench.server.command("ada", channel, "model", {})
    ruled = f"discord:{bench.server.guild_id}:{general}"
    assert [command.channel for command in bench.reception.commands] == [ruled, ruled]


class TestAssistants:
    async def test_they_are_suggested_while_a_person_types(self, bench: Bench) -> None:
        bench.reception.offered = TEAM
        general = bench.channel("general")
        complete = bench.server.complete
        containing = ("Legal", "legal eagle", "Parley", "Support Lead", "Sales")
        assert await complete("ada", general, "ask", "assistant", "") == TEAM
        assert await complete("ada", general, "ask", "assistant", "lE") == containing

    async def test_suggestions_need_no_store(self, bench: Bench) -> None:
        bench.reception.open.clear()
        assert await bench.server.complete("ada", bench.channel("general"), "ask", "assistant", "") == ("Parley",)

    async def test_the_chosen_one_is_named_as_it_is_called(self, bench: Bench) -> None:
        bench.reception.offered = TEAM
        await bench.server.command("ada", bench.channel("general"), "ask", {"question": "x", "assistant": " sales "})
        (inbound,) = await bench.reception.messages(1)
        assert inbound.event.assistant == "Sales"

    async def test_an_unknown_one_is_refused_to_the_person(self, bench: Bench) -> None:
        bench.reception.offered = TEAM
        options = {"question": "x", "assistant": "**Nobody**"}
        said = await bench.server.command("ada", bench.channel("general"), "ask", options)
        assert "no assistant called \\*\\*Nobody" in said
        assert "Sales" in said
        assert not bench.reception.deliveries

    async def test_in_a_thread_those_of_its_channel_are_offered(self, bench: Bench) -> None:
        await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
        (inbound,) = await bench.reception.messages(1)
        posted = await bench.adapter.post(inbound.event.address, Outbound(text="hi"), "k1")
        asked_for: list[str] = []
        offered = bench.reception.assistants

        def assistants(channel: str) -> tuple[str, ...]:
            asked_for.append(channel)
            return offered(channel)

        bench.reception.assistants = assistants  # type: ignore[method-assign]
        await bench.server.complete("ada", posted.ref["channel"], "ask", "assistant", "")
        assert asked_for == [f"discord:{bench.server.guild_id}:{bench.channel('general')}"]


@given(st.text(max_size=8), st.lists(st.text(max_size=120), max_size=60))
def test_suggestions_always_fit(typed: str, names: Sequence[str]) -> None:
    """At most 25, of 1 to 100 characters, each containing what was typed, those that begin with it in front."""
    found = suggestions(typed, names)
    wanted = typed.strip().casefold()
    assert len(found) <= 25
    assert all(1 <= len(name) <= 100 and wanted in name.casefold() for name in found)
    beginning = [name.casefold().startswith(wanted) for name in found]
    assert beginning == sorted(beginning, reverse=True)


def test_the_exact_name_goes_before_one_in_other_letters() -> None:
    assert named("legal", ("Legal", "legal")) == "legal"
    assert named("LEGAL", ("Legal", "legal")) == "Legal"
    assert named("law", ("Legal",)) is None


class TestRegistration:
    async def test_it_happens_only_when_something_has_changed(self, sqlite_store: Store) -> None:
        """A process that finds its description registered asks nothing."""
        async with opened() as server:
            for _ in range(2):
                async with keeping(server, sqlite_store, reception := RecordingReception()):
                    await server.speak("ada", server.channel_id("general"), "@Parley hello")
                    await reception.messages(1)
            assert [call.route for call in server.calls if call.method == "PUT"] == [OVERWRITE]

    async def test_each_target_is_registered_by_itself(self, sqlite_store: Store) -> None:
        async with opened() as server:
            for everywhere in (False, True):
                async with keeping(server, sqlite_store, RecordingReception(), everywhere=everywhere):
                    puts = 1 + everywhere
                    await server.wait_for(lambda: sum(c.method == "PUT" for c in server.calls) == puts)  # noqa: B023
            assert [call.route for call in server.calls if call.method == "PUT"] == [OVERWRITE, EVERYWHERE]

    async def test_a_failure_says_what_to_do_and_the_next_connection_tries_again(self, sqlite_store: Store) -> None:
        async with opened() as server:
            server.faults.add(OVERWRITE, "403")
            with capture_logs() as logs:
                async with keeping(server, sqlite_store, reception := RecordingReception()):
                    await server.wait_for(lambda: any(call.status == 403 for call in server.calls))
                    await server.speak("ada", server.channel_id("general"), "@Parley hello")
                    await reception.messages(1)
            (failure,) = [entry for entry in logs if entry["event"] == "discord commands not registered"]
            assert "applications.commands" in failure["todo"]
            assert failure["target"] == server.guild_id
            async with keeping(server, sqlite_store, RecordingReception()):
                await server.wait_for(lambda: server.view().commands)


async def test_an_unknown_command_is_not_possible(bench: Bench) -> None:
    with pytest.raises(NotPossible):
        await bench.server.command("ada", bench.channel("general"), "dance", {})
