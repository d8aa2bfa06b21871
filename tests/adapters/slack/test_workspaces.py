"""One deployment, many workspaces: who is told what, with whose token, and what happens when one comes or goes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import pytest

from adapters.slack.attendance import Attendance
from adapters.slack.installed_workspaces import InstalledWorkspace, InstalledWorkspaces
from adapters.slack.places import Place
from bot.errors import Forbidden, OperatorError
from bot.playground.slack import SlackStandIn
from bot.playground.slack.premises import Premises
from bot.playground.view import Upload
from bot.ports import Store
from bot.relay.contract import Outbound
from tests.adapters.slack.installs import ACME, Deployment, Process, install
from tests.support.reception import RecordingReception

HOME = "T00PARLEY1"
BOLT = "T00PARLEY3"
ORG = "E00ORG"
OTHER_KEY = "z" * 42 + "o="


@pytest.fixture
def acme(slack: SlackStandIn) -> Premises:
    return slack.found("Acme")


@pytest.fixture
def deployment(slack: SlackStandIn, store: Store, acme: Premises) -> Deployment:
    del acme
    return Deployment(slack, store)


@pytest.fixture(params=["sockets", "http"])
async def process(
    request: pytest.FixtureRequest, deployment: Deployment, reception: RecordingReception
) -> AsyncGenerator[Process]:
    """A process that receives over sockets, or over HTTP; the app is installed in both workspaces."""
    async with deployment.process(reception, http=request.param == "http") as running:
        await install(running, HOME)
        await install(running, ACME)
        yield running


def address(team: str, channel: str) -> Place:
    return Place(team=team, channel=channel)


async def test_each_workspace_is_heard_and_answered_as_itself(
    slack: SlackStandIn, acme: Premises, process: Process, reception: RecordingReception
) -> None:
    """With its own conversation keys, its own people and its own bot."""
    await slack.speak("ada", "general", "@Parley one")
    acme.speak("ben", "general", "@Parley two")
    said = {one.event.text: one.event for one in await reception.messages(2)}
    assert said["one"].conversation.startswith(f"slack:{HOME}:C00GENERAL:")
    assert said["two"].conversation.startswith(f"slack:{ACME}:C10GENERAL:")
    assert said["two"].author.id == f"{ACME}:U100000BEN"
    assert said["two"].author.name == "Ben Okafor" or said["two"].author.name.startswith("Ben")
    for text, place in (("one", slack.messages), ("two", acme.messages)):
        await process.adapter.post(said[text].address, Outbound(text=f"Answer {text}"), f"key{text}")
        assert [one.text for one in place("general") if one.from_bot] == [f"Answer {text}"]
    assert acme.messages("general")[-1].user == "U00PARLEY2"
    assert not slack.faults_seen


async def test_files_are_fetched_with_the_token_of_their_workspace(
    acme: Premises, process: Process, reception: RecordingReception
) -> None:
    acme.acts.speak("ada", "general", "@Parley read this", None, (Upload(name="a.txt", content=b"content"),))
    (inbound,) = await reception.messages(1)
    (file,) = inbound.event.files
    assert b"".join([piece async for piece in process.adapter.download(file)]) == b"content"


async def test_commands_and_buttons_know_their_workspace(
    acme: Premises, process: Process, reception: RecordingReception
) -> None:
    assert "On it" in await acme.clicks.command("ada", "general", "ask", "what is up?")
    (inbound,) = await reception.messages(1)
    assert inbound.event.scope == f"slack:{ACME}"
    assert process.adapter.terms(inbound.event.address).bucket == f"slack:{ACME}"
    assert process.adapter.terms(address(HOME, "C00GENERAL").address()).bucket == f"slack:{HOME}"


async def test_a_workspace_without_the_app_is_acknowledged_and_logged_once(
    slack: SlackStandIn,
    acme: Premises,
    deployment: Deployment,
    reception: RecordingReception,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Slack knows of an installation that we have no token for."""
    async with deployment.process(reception) as process:
        await install(process, ACME)
        for number in range(3):
            await slack.speak("ada", "dm", str(number))
        acme.speak("ada", "dm", "installed")
        await reception.messages(1)
        await slack.wait_for(lambda: len(slack.sent) == 4)
    assert [one.event.text for one in reception.inbound] == ["installed"]
    assert {one.attempt for one in slack.sent} == {0}
    assert capfd.readouterr().out.count("slack app is not installed there") == 1


async def test_what_was_missed_is_read_in_every_workspace(
    slack: SlackStandIn, acme: Premises, deployment: Deployment, reception: RecordingReception
) -> None:
    async with deployment.process(reception) as process:
        await install(process, HOME)
        await install(process, ACME)
    slack.lose_next_events(1)
    acme.events.lost = 1
    await slack.speak("ada", "dm", "one")
    acme.speak("ben", "dm", "two")
    async with deployment.process(reception):
        said = {one.event.text: one.event.conversation for one in await reception.messages(2)}
    assert said["one"].startswith(f"slack:{HOME}:D")
    assert said["two"].startswith(f"slack:{ACME}:D")


async def test_what_was_said_before_the_app_was_installed_is_not_answered(
    acme: Premises, deployment: Deployment, reception: RecordingReception
) -> None:
    said = acme.world.message(acme.world.team.direct("ada"), acme.speak("ada", "dm", "long ago"))
    assert said is not None
    acme.world.remove(said)
    acme.world.put(replace(said, ts=f"{time.time() - 60:.6f}"))
    async with deployment.process(reception) as process:
        await install(process, ACME)
    acme.events.lost = 1
    acme.speak("ada", "dm", "now")
    async with deployment.process(reception):
        await reception.messages(1)
    assert [one.event.text for one in reception.inbound] == ["now"]


async def test_the_other_process_serves_a_workspace_as_soon_as_it_is_installed(
    acme: Premises, deployment: Deployment, process: Process
) -> None:
    """A worker that has been there all the time posts with the fresh token."""
    worker = deployment.adapter()
    try:
        await worker.connections()
        deployment.slack.uninstall(ACME)
        await install(process, ACME)
        await worker.post(address(ACME, "C10GENERAL").address(), Outbound(text="Hello"), "k1")
    finally:
        await worker.close()
    assert acme.messages("general")[-1].text == "Hello"


async def test_removing_the_app_ends_that_workspace_everywhere_and_no_other(
    slack: SlackStandIn, acme: Premises, deployment: Deployment, process: Process, reception: RecordingReception
) -> None:
    worker = deployment.adapter()
    try:
        await worker.post(address(ACME, "C10GENERAL").address(), Outbound(text="Hello"), "k1")
        slack.uninstall(ACME)
        await deployment.until({HOME})
        for adapter in (process.adapter, worker):
            with pytest.raises(Forbidden, match="not installed"):
                await adapter.post(address(ACME, "C10GENERAL").address(), Outbound(text="Late"), "k2")
            await adapter.post(address(HOME, "C00GENERAL").address(), Outbound(text="Still here"), "k3")
    finally:
        await worker.close()
    assert [one.text for one in acme.messages("general")] == ["Hello"]
    await slack.speak("ada", "dm", "and you?")
    await reception.until(lambda: [one.event.text for one in reception.inbound] == ["and you?"])


async def test_a_worker_alone_finds_out_that_the_app_was_removed(
    slack: SlackStandIn, deployment: Deployment, reception: RecordingReception
) -> None:
    """Nobody receives events: the refusal of its own call tells."""
    async with deployment.process(reception) as process:
        await install(process, ACME)
    slack.uninstall(ACME)
    worker = deployment.adapter()
    try:
        with pytest.raises(Forbidden, match="not installed"):
            await worker.post(address(ACME, "C10GENERAL").address(), Outbound(text="Hello"), "k1")
    finally:
        await worker.close()
    assert await deployment.tenants() == set()


async def test_a_workspace_may_go_while_it_is_caught_up_with(
    acme: Premises,
    deployment: Deployment,
    reception: RecordingReception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, asked, removed, left, go_on = (asyncio.Event() for _ in range(5))
    take_over, read_all = Attendance.take_over, InstalledWorkspaces.all

    async def slowly(attendance: Attendance) -> None:
        begun.set()
        await go_on.wait()
        await take_over(attendance)

    async def noticed(workspaces: InstalledWorkspaces) -> Sequence[InstalledWorkspace]:
        asked.set()
        await removed.wait()
        await workspaces.look(now=True)
        there = await read_all(workspaces)
        left.set()
        return there

    async def catch_up(process: Process) -> None:
        (name,) = await process.adapter.connections()
        async with process.adapter.connected(name, reception):
            pass

    async with deployment.process(reception, http=True) as process:
        await install(process, ACME)
        acme.speak("ada", "dm", "hello")
        await reception.messages(1)
        monkeypatch.setattr(Attendance, "take_over", slowly)
        monkeypatch.setattr(InstalledWorkspaces, "all", noticed)
        async with asyncio.timeout(10):
            await asked.wait()
            catching_up = asyncio.create_task(catch_up(process))
            await begun.wait()
            kept = await deployment.installed.read(ACME)
            assert kept is not None
            assert await deployment.installed.remove(kept)
            removed.set()
            await left.wait()
            go_on.set()
            await catching_up


async def test_an_unforeseen_error_does_not_end_looking_after_workspaces(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    del process
    looks, went_on = 0, asyncio.Event()

    async def unlucky(_: InstalledWorkspaces, *, now: bool = False) -> None:
        nonlocal looks
        del now
        looks += 1
        if looks == 1:
            raise LookupError("nobody thought of this")
        went_on.set()

    monkeypatch.setattr(InstalledWorkspaces, "look", unlucky)
    async with asyncio.timeout(10):
        await went_on.wait()


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
async def test_news_of_a_removal_that_is_none_removes_nothing(
    acme: Premises, deployment: Deployment, process: Process, slack: SlackStandIn, kind: str
) -> None:
    """It may be late news of an installation before this one: Slack is asked whether the token is good."""
    asked = len(slack.calls)
    acme.events.announce({"type": kind, "event_ts": "1.000001"})
    await slack.wait_for(lambda: [call for call in slack.calls[asked:] if call.method == "auth.test"])
    await process.adapter.post(address(ACME, "C10GENERAL").address(), Outbound(text="Hello"), "k1")
    assert await deployment.tenants() == {HOME, ACME}


async def test_late_news_of_the_old_installation_does_not_remove_the_new_one(
    slack: SlackStandIn, acme: Premises, deployment: Deployment, process: Process
) -> None:
    acme.events.lost = 2
    slack.uninstall(ACME)
    await install(process, ACME)
    acme.events.announce({"type": "app_uninstalled", "event_ts": "1.000001"})
    acme.events.announce({"type": "tokens_revoked", "tokens": {"bot": ["U00PARLEY2"]}, "event_ts": "1.000002"})
    await slack.wait_for(lambda: len(slack.sent) >= 2)
    await process.adapter.post(address(ACME, "C10GENERAL").address(), Outbound(text="Hello"), "k1")
    assert await deployment.tenants() == {HOME, ACME}


async def test_a_key_that_does_not_open_what_is_kept_stops_the_start(
    deployment: Deployment, reception: RecordingReception
) -> None:
    async with deployment.process(reception) as process:
        await install(process, ACME)
    other = Deployment(deployment.slack, deployment.store, key=OTHER_KEY)
    adapter = other.adapter()
    try:
        with pytest.raises(OperatorError, match="INSTALLATIONS_KEY does not open"):
            await adapter.connections()
    finally:
        await adapter.close()


async def test_a_new_key_in_front_takes_over_at_the_start(
    deployment: Deployment, reception: RecordingReception
) -> None:
    async with deployment.process(reception) as process:
        await install(process, ACME)
    for key in (f"{OTHER_KEY},{deployment.key}", OTHER_KEY):
        adapter = Deployment(deployment.slack, deployment.store, key=key).adapter()
        try:
            await adapter.connections()
            await adapter.post(address(ACME, "C10GENERAL").address(), Outbound(text="Hello"), "k1")
        finally:
            await adapter.close()


# --- organisations ------------------------------------------------------------------------------------------------


@pytest.fixture
def teams(slack: SlackStandIn, acme: Premises) -> list[Premises]:
    """Two workspaces of one organisation."""
    del acme
    return [slack.found("North", enterprise=ORG), slack.found("South", enterprise=ORG)]


async def test_one_installation_serves_an_organisation(
    teams: list[Premises], deployment: Deployment, reception: RecordingReception
) -> None:
    """The enterprise is in the conversation key, people belong to their own workspace."""
    async with deployment.process(reception) as process:
        await install(process, ORG)
        for team in teams:
            team.speak("ada", "general", f"@Parley {team.world.team.name}")
        said = {one.event.text: one.event for one in await reception.messages(2)}
        for team in teams:
            event = said[team.world.team.name]
            assert event.conversation.startswith(f"slack:{ORG}:C")
            assert event.author.id.startswith(f"{team.world.team.id}:")
            await process.adapter.post(event.address, Outbound(text="Yes"), f"k{team.world.team.number}")
            assert team.messages("general")[-1].text == "Yes"
    assert await deployment.tenants() == {ORG}


async def test_commands_in_an_organisation(
    teams: list[Premises], deployment: Deployment, reception: RecordingReception
) -> None:
    async with deployment.process(reception) as process:
        await install(process, ORG)
        await teams[1].clicks.command("ada", "general", "ask", "what is up?")
        (inbound,) = await reception.messages(1)
        await teams[1].clicks.command("ada", "general", "stop", "")
    assert inbound.event.scope == f"slack:{ORG}"
    assert reception.commands[0].moderator, "an administrator of one of its workspaces"


async def test_what_was_missed_is_read_in_all_workspaces_of_an_organisation(
    slack: SlackStandIn, teams: list[Premises], deployment: Deployment, reception: RecordingReception
) -> None:
    async with deployment.process(reception) as process:
        await install(process, ORG)
    for team in teams:
        team.events.lost = 1
        team.speak("ada", "dm", team.world.team.name)
    async with deployment.process(reception):
        await reception.messages(2)
    assert {one.event.text for one in reception.inbound} == {"North", "South"}
    assert "auth.teams.list" in {call.method for call in slack.calls}
    assert not [call for call in slack.calls if call.error == "missing_argument"]


async def test_an_organisations_removal_leaves_others_alone(
    slack: SlackStandIn, teams: list[Premises], deployment: Deployment, reception: RecordingReception
) -> None:
    del teams
    async with deployment.process(reception) as process:
        await install(process, ORG)
        await install(process, ACME)
        slack.uninstall(ORG)
        await deployment.until({ACME})
