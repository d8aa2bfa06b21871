"""Files in both directions."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.slack import SlackAdapter, SlackConfig
from adapters.slack.places import Place
from bot.domain.deliveries import Address, RemoteFile
from bot.errors import RateLimited, Refused, Unreachable
from bot.playground.slack import SlackStandIn
from bot.playground.view import Upload
from bot.ports import Notes
from bot.relay.contract import Outbound, OutboundFile
from tests.adapters.slack.conftest import RULES, adapter_of
from tests.support.reception import RecordingReception

CHART = OutboundFile(name="chart.png", content=b"\x89PNG" * 100, media_type="image/png")
TABLE = OutboundFile(name="table.csv", content=b"a,b\n1,2\n", media_type="text/csv")


async def fetched(adapter: SlackAdapter, file: RemoteFile) -> bytes:
    return b"".join([piece async for piece in adapter.download(file)])


async def sent_file(slack: SlackStandIn, reception: RecordingReception, name: str, content: bytes) -> RemoteFile:
    await slack.speak("ada", "dm", "look at this", files=(Upload(name=name, content=content),))
    (inbound,) = await reception.messages(1)
    (file,) = inbound.event.files
    return file


async def test_an_attached_file_can_be_downloaded(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    content = b"a,b\n" * 50_000
    file = await sent_file(slack, reception, "table.csv", content)
    assert (file.name, file.size, file.refused) == ("table.csv", len(content), None)
    assert await fetched(adapter, file) == content


async def test_a_message_of_files_only_is_a_message(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Even with a bare mention it is no call for help."""
    await slack.speak("ada", "general", "@Parley", files=(Upload(name="a.txt", content=b"a"),))
    (inbound,) = await reception.messages(1)
    assert [file.name for file in inbound.event.files] == ["a.txt"]
    assert not reception.commands


@pytest.mark.parametrize(
    ("mode", "needs_info", "words"),
    [
        ("tombstone", False, "deleted"),
        ("external", False, "outside of Slack"),
        ("hosted", True, "another organisation"),
    ],
)
async def test_files_that_cannot_be_had_are_refused_with_a_sentence(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, mode: str, needs_info: bool, words: str
) -> None:
    slack.disguise_next_file(mode, needs_info=needs_info)  # type: ignore[arg-type]
    file = await sent_file(slack, reception, "plan.pdf", b"%PDF")
    assert words in (file.refused or "")
    with pytest.raises(Refused, match=words):
        await fetched(adapter, file)
    assert not [call for call in slack.calls if call.method == "download"]


async def test_a_login_page_is_not_the_file(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Without the scope Slack answers 200 with HTML."""
    slack.set_rules(RULES.model_copy(update={"scopes": tuple(s for s in RULES.scopes if s != "files:read")}))
    file = await sent_file(slack, reception, "table.csv", b"a,b\n")
    with pytest.raises(Refused, match="files:read"):
        await fetched(adapter, file)


async def test_a_login_page_is_not_an_html_file_either(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    page = b"<!doctype html><title>mine</title>"
    file = await sent_file(slack, reception, "page.html", page)
    assert await fetched(adapter, file) == page
    slack.set_rules(RULES.model_copy(update={"scopes": tuple(s for s in RULES.scopes if s != "files:read")}))
    with pytest.raises(Refused, match="files:read"):
        await fetched(adapter, file)


@pytest.mark.parametrize(("kind", "error"), [("429", RateLimited), ("500", Unreachable), ("cut_before", Unreachable)])
async def test_trouble_of_the_file_server_is_worth_another_attempt(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, kind: str, error: type[Exception]
) -> None:
    file = await sent_file(slack, reception, "table.csv", b"a,b\n")
    slack.faults.add("download", kind, 2)  # type: ignore[arg-type]  # aiohttp repeats a cut GET once by itself
    with pytest.raises(error):
        await fetched(adapter, file)


# --- a hostile file server ------------------------------------------------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncGenerator[str]:
    """Everything on a free loopback port goes to `handler`; the tokens it saw are in the request headers."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def talking_to(base: str, notes: Notes) -> AsyncGenerator[SlackAdapter]:
    tokens = {"bot_token": "xoxb-secret", "app_token": "xapp-secret"}
    adapter = SlackAdapter(SlackConfig.model_validate({**tokens, "api_url": f"{base}/api/"}), notes)
    try:
        yield adapter
    finally:
        await adapter.close()


async def test_a_redirect_elsewhere_is_not_followed(notes: Notes) -> None:
    """And the other host never hears of it, let alone of the token."""
    heard: list[str] = []

    async def inside(request: web.Request) -> web.StreamResponse:
        heard.append(request.headers.get("Authorization", ""))
        return web.Response(text="secret")

    async def outside(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": target})

    async with server(inside) as target, server(outside) as base, talking_to(base, notes) as adapter:
        with pytest.raises(Refused, match="outside of Slack"):
            await fetched(adapter, RemoteFile(name="x", source={"url": f"{base}/x"}))
    assert heard == []


async def test_a_redirect_on_the_same_host_goes_without_the_token(notes: Notes) -> None:
    heard: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        heard.append(request.headers.get("Authorization"))
        if request.path == "/x":
            return web.Response(status=302, headers={"Location": "/y"})
        return web.Response(body=b"bytes")

    async with server(handler) as base, talking_to(base, notes) as adapter:
        assert await fetched(adapter, RemoteFile(name="x", source={"url": f"{base}/x"})) == b"bytes"
    assert heard == ["Bearer xoxb-secret", None]


async def test_a_redirect_in_circles_ends(notes: Notes) -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/x"})

    async with server(handler) as base, talking_to(base, notes) as adapter:
        with pytest.raises(Refused, match="circles"):
            await fetched(adapter, RemoteFile(name="x", source={"url": f"{base}/x"}))


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example.org/x",
        "http://files.slack.com/x",
        "https://slack.com.example.org/x",
        "https://evilslack.com/x",
        "https://files.slack.com@example.org/x",
        "https://user@files.slack.com/x",
        "https://files.slack.com:8443/x",
        "https://example.org\\.slack.com/x",
        "https://example.org#.slack.com/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/x",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "",
    ],
)
async def test_the_token_goes_to_slack_only(slack: SlackStandIn, url: str, notes: Notes) -> None:
    async with talking_to(slack.api_url.removesuffix("/api/"), notes) as adapter:
        with pytest.raises(Refused, match="outside of Slack"):
            await fetched(adapter, RemoteFile(name="x", source={"url": url}))


# --- out ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def address(slack: SlackStandIn) -> Address:
    root = await slack.speak("ada", "general", "a question")
    return Place(team="T00PARLEY1", channel="C00GENERAL", thread=root).address()


def shared(slack: SlackStandIn) -> list[str]:
    return [file for message in slack.messages("general") for file in message.files]


def called(slack: SlackStandIn, method: str) -> int:
    return len([call for call in slack.calls if call.method == method])


async def test_files_come_with_the_last_edit(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    """In the thread, with their names and bytes."""
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    await adapter.edit(address, posted.ref, Outbound(text="Here.", files=(CHART, TABLE)))
    ids = await slack.wait_for(lambda: shared(slack))
    stored = [slack.file(file_id) for file_id in ids]
    assert [(item[0], item[2]) for item in stored if item] == [
        ("chart.png", CHART.content),
        ("table.csv", TABLE.content),
    ]
    assert slack.messages("general")[-1].thread_ts == address.place["thread"]


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"])
async def test_a_repeated_last_edit_attaches_files_once(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, method: str
) -> None:
    """Whichever step failed the first time, and also when nothing failed."""
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    final = Outbound(text="Here.", files=(CHART,))
    slack.faults.add(method, "503")
    with pytest.raises(Unreachable):
        await adapter.edit(address, posted.ref, final)
    await adapter.edit(address, posted.ref, final)
    await adapter.edit(address, posted.ref, final)
    await slack.wait_for(lambda: shared(slack))
    completed = [call for call in slack.calls if call.method == "files.completeUploadExternal" and call.ok]
    assert len(completed) == 1
    assert len([call for call in slack.calls if call.method == "upload" and call.ok]) == 1


@pytest.mark.parametrize("kind", ["cut_after", "500_after"])
async def test_files_whose_sharing_has_an_unknown_outcome_are_shared_once(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, kind: str
) -> None:
    """The same process tries again: it looks before it shares."""
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    final = Outbound(text="Here.", files=(CHART, TABLE))
    slack.faults.add("files.completeUploadExternal", kind)  # type: ignore[arg-type]
    with pytest.raises(Unreachable):
        await adapter.edit(address, posted.ref, final)
    await adapter.edit(address, posted.ref, final)
    assert len(shared(slack)) == 2
    assert called(slack, "files.completeUploadExternal") == 1


async def test_files_that_a_dead_process_has_shared_are_not_shared_again(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, notes: Notes
) -> None:
    """Killed exactly between sharing and recording it. Meanwhile somebody else sends a file of the same name."""
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    slack.faults.add("files.completeUploadExternal", "cut_after")
    final = Outbound(text="Here.", files=(CHART,))
    with pytest.raises(Unreachable):
        await adapter.edit(address, posted.ref, final)
    successor = adapter_of(slack, notes)
    try:
        await successor.edit(address, posted.ref, final)
        await successor.edit(address, posted.ref, final)
    finally:
        await successor.close()
    assert len(shared(slack)) == 1
    assert called(slack, "upload") == 1


async def test_files_that_a_dead_process_has_not_shared_are_shared(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, notes: Notes
) -> None:
    """A person's file, another name and another size are not ours."""
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    root = address.place["thread"]
    await slack.speak("ben", "general", "x", thread=root, files=(Upload(name="chart.png", content=CHART.content),))
    earlier = (CHART.model_copy(update={"content": b"x"}), CHART.model_copy(update={"name": "chart2.png"}))
    await adapter.edit(address, posted.ref, Outbound(text="Here.", files=earlier))
    successor = adapter_of(slack, notes)
    try:
        await successor.edit(address, posted.ref, Outbound(text="Here.", files=(CHART,)))
    finally:
        await successor.close()
    assert len(shared(slack)) == 4


async def test_the_answer_waits_until_its_files_are_seen(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address
) -> None:
    """And nobody else does."""
    slack.set_rules(RULES.model_copy(update={"share_seconds": 0.3}))
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    other = await adapter.post(address, Outbound(text="Other"), "key2")
    waiting = asyncio.create_task(adapter.edit(address, posted.ref, Outbound(text="Here.", files=(CHART,))))
    await slack.wait_for(lambda: called(slack, "files.info") == 1)
    await adapter.edit(address, other.ref, Outbound(text="Other, done.", final=True))
    assert not waiting.done()
    await waiting
    assert len(shared(slack)) == 1
    assert "does not show" not in slack.messages("general")[-1].text


async def test_files_that_slack_never_shows_are_linked_once(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, notes: Notes
) -> None:
    """Also when the process dies right after it has said so."""
    slack.withhold_shares(2)
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    final = Outbound(text="Here.", files=(CHART,))
    await adapter.edit(address, posted.ref, final)
    successor = adapter_of(slack, notes)
    try:
        await successor.edit(address, posted.ref, final)
    finally:
        await successor.close()
    (note,) = [message for message in slack.messages("general") if "does not show" in message.text]
    assert "chart.png" in note.text
    assert "/files/U00PARLEY1/" in note.text
    assert note.thread_ts == address.place["thread"]
    assert not slack.unfurls


async def test_a_link_whose_outcome_is_unknown_is_said_once(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address
) -> None:
    slack.withhold_shares(2)
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    final = Outbound(text="Here.", files=(CHART,))
    slack.faults.add("chat.postMessage", "cut_after")
    with pytest.raises(Unreachable):
        await adapter.edit(address, posted.ref, final)
    await adapter.edit(address, posted.ref, final)
    assert len([message for message in slack.messages("general") if "does not show" in message.text]) == 1


async def test_a_hostile_file_name_stays_inside_its_link(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address
) -> None:
    slack.withhold_shares(1)
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    hostile = CHART.model_copy(update={"name": "a> <!channel> <@U000000BEN>|b.png"})
    await adapter.edit(address, posted.ref, Outbound(text="Here.", files=(hostile,)))
    assert "does not show" in slack.messages("general")[-1].text
    assert slack.pings == []


async def test_without_the_scope_to_look_files_are_taken_as_shown(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address
) -> None:
    slack.set_rules(RULES.model_copy(update={"scopes": tuple(s for s in RULES.scopes if s != "files:read")}))
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    await adapter.edit(address, posted.ref, Outbound(text="Here.", files=(CHART,)))
    await slack.wait_for(lambda: shared(slack))
    assert called(slack, "chat.postMessage") == 1


@pytest.mark.parametrize(
    ("error", "advice"), [("missing_scope", "files:write"), ("not_in_channel", "invite"), ("file_type_blocked", "")]
)
async def test_files_that_slack_does_not_take_are_named(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, error: str, advice: str
) -> None:
    """The text stands, and the thread says what is missing and why."""
    posted = await adapter.post(address, Outbound(text="Working"), "key1")
    slack.faults.add("files.getUploadURLExternal", "error", error=error)
    await adapter.edit(address, posted.ref, Outbound(text="Here.", files=(CHART,)))
    answer, note = slack.messages("general")[-2:]
    assert answer.text == "Here."
    assert "chart.png" in note.text
    assert advice in note.text
    assert note.thread_ts == address.place["thread"]


async def test_an_address_that_is_none_is_refused(adapter: SlackAdapter) -> None:
    for url in ("http://[", "https://files.slack.com:99999/x", "https://[::1/x"):
        with pytest.raises(Refused):
            await fetched(adapter, RemoteFile(name="x", source={"url": url, "type": "text/plain"}))


async def test_a_redirect_to_no_address_is_refused(reception: RecordingReception, notes: Notes) -> None:
    async def lost(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://[bad"})

    application = web.Application()
    application.router.add_get("/x", lost)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    tokens = {"bot_token": "xoxb-1", "app_token": "xapp-1", "api_url": f"{base}/api/"}
    writer = SlackAdapter(SlackConfig.model_validate(tokens), notes)
    try:
        with pytest.raises(Refused):
            await fetched(writer, RemoteFile(name="x", source={"url": f"{base}/x", "type": "text/plain"}))
    finally:
        await writer.close()
        await runner.cleanup()
