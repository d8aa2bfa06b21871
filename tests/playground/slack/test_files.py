"""Files go both ways as Slack handles them."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import BOT_SCOPES, SlackStandIn
from bot.playground.view import Upload
from tests.playground.slack.conftest import QUICK

GENERAL = "C00GENERAL"
CSV = Upload(name="sales report.csv", content=b"a,b\n1,2\n")


async def uploaded(slack: SlackStandIn) -> str:
    """Let Ada upload a file; its id."""
    await slack.speak("ada", "general", "look", files=(CSV,))
    return slack.messages("general")[-1].files[0]


async def test_download_with_token(slack: SlackStandIn, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
    """The bot gets the bytes of a person's file with its token."""
    file = (await client.files_info(file=await uploaded(slack)))["file"]
    assert (file["name"], file["size"], file["filetype"]) == (CSV.name, len(CSV.content), "csv")
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with session.get(file["url_private_download"], headers=headers) as answer:
        assert (await answer.read(), answer.content_type) == (CSV.content, "text/csv")


async def test_login_page_without_token_or_scope(
    slack: SlackStandIn, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    """Without a valid token or the scope the answer is 200 with HTML."""
    url = (await client.files_info(file=await uploaded(slack)))["file"]["url_private_download"]
    async with session.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
    slack.set_rules(QUICK.model_copy(update={"scopes": tuple(set(BOT_SCOPES) - {"files:read"})}))
    async with session.get(url, headers={"Authorization": f"Bearer {slack.bot_token}"}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")


async def test_upload_by_the_bot(slack: SlackStandIn, client: AsyncWebClient) -> None:
    """The SDK's three-step upload ends in a message in the thread; the share comes later than the answer."""
    root = await slack.speak("ada", "general", "chart please")
    answer = await client.files_upload_v2(
        channel=GENERAL, thread_ts=root, content="hello", filename="a.md", initial_comment="here"
    )
    assert answer["file"]["shares"] == {}
    await slack.wait_for(lambda: len(slack.messages("general")) == 2)
    message = slack.messages("general", thread=root)[1]
    assert (message.text, message.thread_ts, message.from_bot) == ("here", root, True)
    assert slack.file(message.files[0]) == ("a.md", "text/markdown", b"hello")
    shares = (await client.files_info(file=message.files[0]))["file"]["shares"]
    assert shares["public"][GENERAL][0]["ts"] == message.ts
    assert slack.view().messages[-1].files[0].url == f"/files/slack/{message.files[0]}"


async def test_share_that_never_comes(slack: SlackStandIn, client: AsyncWebClient) -> None:
    """On demand an upload answers ok and is never shared; completing it again shares it."""
    slack.withhold_shares(1)
    file = (await client.files_upload_v2(channel=GENERAL, content="hello", filename="a.txt"))["file"]["id"]
    assert (await client.files_info(file=file))["file"]["shares"] == {}
    await client.files_completeUploadExternal(files=[{"id": file, "title": "a"}], channel_id=GENERAL)
    await slack.wait_for(lambda: slack.messages("general"))


async def test_upload_address_works_once(
    slack: SlackStandIn, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    """The upload address takes the announced length, once, and answers in plain text."""
    answer = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    results: list[tuple[int, str]] = []
    for content in (b"abcd", b"abc", b"abc"):
        async with session.post(str(answer["upload_url"]), data=content) as reply:
            results.append((reply.status, await reply.text() if reply.status == 200 else ""))
    assert results == [(400, ""), (200, "OK - 3"), (404, "")]


async def test_completion_needs_the_bytes(client: AsyncWebClient) -> None:
    """A file that was announced but never uploaded cannot be completed."""
    file = str((await client.files_getUploadURLExternal(filename="a.txt", length=3))["file_id"])
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[{"id": file, "title": "a"}])


async def test_update_attaches_files(slack: SlackStandIn, client: AsyncWebClient) -> None:
    """chat.update with file_ids shows uploaded files on an existing message."""
    slack.withhold_shares(1)
    file = str((await client.files_upload_v2(content="hello", filename="a.txt"))["file"]["id"])
    ts = (await client.chat_postMessage(channel=GENERAL, text="x"))["ts"]
    await client.chat_update(channel=GENERAL, ts=ts, text="x", blocks=[], file_ids=[file])
    assert [view.name for view in slack.view().messages[0].files] == ["a.txt"]


async def test_disguises(slack: SlackStandIn, client: AsyncWebClient) -> None:
    """Deleted, external and Slack Connect files look as they do in Slack."""
    slack.disguise_next_file("tombstone")
    slack.disguise_next_file("external")
    slack.disguise_next_file(needs_info=True)
    for _ in range(3):
        await uploaded(slack)
    history = (await client.conversations_history(channel=GENERAL))["messages"]
    connect, external, tombstone = (message["files"][0] for message in history)
    assert tombstone["mode"] == "tombstone"
    assert external["is_external"]
    assert not external["url_private"].startswith("http://127.0.0.1")
    assert connect["file_access"] == "check_file_info"
    assert (await client.files_info(file=connect["id"]))["file"]["name"] == CSV.name
