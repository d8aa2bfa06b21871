"""The examination of the set-up: each fault is found, and the operator is told which switch it is."""

from collections.abc import Callable

import pytest

from adapters.discord import DiscordAdapter
from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.ports import Store
from bot.relay.contract import Finding
from tests.adapters.discord.conftest import Bench, adapter_of, opened

VIEW, ATTACH = 1 << 10, 1 << 15


async def examined(server: DiscordStandIn, store: Store, adapter: DiscordAdapter | None = None) -> dict[str, Finding]:
    """Everything that is not good, by what was looked at."""
    adapter = adapter or adapter_of(server, store)
    try:
        return {one.what: one for one in await adapter.check_up() if one.state != "good"}
    finally:
        await adapter.close()


async def test_with_everything_right_everything_is_good(bench: Bench) -> None:
    findings = await bench.adapter.check_up()
    assert {one.state for one in findings} == {"good"}
    assert [one.what for one in findings] == [
        "Discord: token",
        "Discord: message content",
        "Discord: interactions endpoint",
        "Discord: installation",
        "Discord: commands",
        "Discord: permissions in Playground server",
        "Discord: sessions",
    ]
    assert not [call for call in bench.server.calls if call.method in {"PATCH", "DELETE"}], "nothing is changed"


async def test_a_refused_token_is_named(sqlite_store: Store) -> None:
    async with opened() as server:
        found = await examined(server, sqlite_store, adapter_of(server, sqlite_store, token="wrong.token.x"))
    (finding,) = found.values()
    assert (finding.what, finding.state) == ("Discord: token", "bad")
    assert "DISCORD_TOKEN" in finding.fix


async def test_a_server_that_does_not_answer_is_a_finding(sqlite_store: Store) -> None:
    async with opened() as server:
        server.faults.add("GET /applications/@me", "503", 10)
        found = await examined(server, sqlite_store)
    assert found["Discord: reachable"].state == "bad"


async def test_before_the_first_start_the_commands_are_missing(sqlite_store: Store) -> None:
    async with opened() as server:
        found = await examined(server, sqlite_store)
    assert found["Discord: commands"].state == "warning"
    assert "ask" in found["Discord: commands"].detail
    assert "bot run" in found["Discord: commands"].fix


async def test_the_content_intent_that_was_not_granted_is_a_switch_on_the_bots_page(sqlite_store: Store) -> None:
    async with opened(DiscordRules(message_content=False)) as server:
        finding = (await examined(server, sqlite_store))["Discord: message content"]
        assert finding.state == "warning"
        assert f"{server.application_id}/bot" in finding.fix
        assert "Message Content Intent" in finding.fix
        config = adapter_of(server, sqlite_store)._config.model_copy(update={"message_content": False})
        wanted = DiscordAdapter(config, sqlite_store.notes)
        assert "Discord: message content" not in await examined(server, sqlite_store, wanted)


def _endpoint(server: DiscordStandIn) -> None:
    server.world.application.interactions_endpoint_url = "https://old.example/interactions"


def _code_grant(server: DiscordStandIn) -> None:
    server.world.application.code_grant = True


def _no_servers(server: DiscordStandIn) -> None:
    server.world.application.guild_install = False


def _nothing_visible(server: DiscordStandIn) -> None:
    server.world.withheld = VIEW


def _no_files(server: DiscordStandIn) -> None:
    server.world.withheld = ATTACH


@pytest.mark.parametrize(
    ("fault", "what", "state", "switch"),
    [
        (_endpoint, "interactions endpoint", "bad", "Interactions Endpoint URL: empty it"),
        (_code_grant, "installation", "bad", "Requires OAuth2 Code Grant: switch it off"),
        (_no_servers, "installation", "bad", "tick Guild Install"),
        (_nothing_visible, "permissions in Playground server", "bad", "Server Settings, Roles"),
        (_no_files, "permissions in Playground server", "warning", "permissions=309237763136"),
    ],
)
async def test_each_fault_is_found_with_its_switch(
    bench: Bench, fault: Callable[[DiscordStandIn], None], what: str, state: str, switch: str
) -> None:
    fault(bench.server)
    found = await examined(bench.server, bench.store)
    assert [(name, one.state) for name, one in found.items()] == [(f"Discord: {what}", state)]
    assert switch in found[f"Discord: {what}"].fix


async def test_missing_permissions_are_called_what_the_page_calls_them(bench: Bench) -> None:
    bench.server.world.withheld = VIEW | ATTACH
    (finding,) = (await examined(bench.server, bench.store)).values()
    assert finding.detail == "Missing: View Channels, Attach Files."


async def test_a_bot_that_is_in_no_server_gets_its_link(sqlite_store: Store) -> None:
    async with opened() as server:
        server.remove_bot()
        found = await examined(server, sqlite_store)
    assert f"client_id={server.application_id}" in found["Discord: servers"].fix
    assert found["Discord: DISCORD_GUILD_ID"].state == "bad"


async def test_a_foreign_server_for_the_commands_is_found(sqlite_store: Store) -> None:
    async with opened() as server:
        config = adapter_of(server, sqlite_store)._config.model_copy(update={"guild_id": 4242})
        found = await examined(server, sqlite_store, DiscordAdapter(config, sqlite_store.notes))
    assert "not in a server 4242" in found["Discord: DISCORD_GUILD_ID"].detail
    assert found["Discord: commands"].state == "bad"


async def test_few_sessions_left_are_a_warning(sqlite_store: Store) -> None:
    async with opened(DiscordRules(identifies_per_day=10)) as server:
        found = await examined(server, sqlite_store)
    assert "10 of 10" in found["Discord: sessions"].detail
