"""The Web API methods that the adapter uses in a workspace: no repeated requests, typed replies."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# (the SDK's methods take untyped keyword arguments besides their own, and answer with untyped dictionaries)

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp
from pydantic import SecretStr, ValidationError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.errors import Failure, headers_of, retry_after, slack_errors, translate
from adapters.slack.payloads import Payload, cleaned
from adapters.slack.replies import (
    FileInfo,
    FileReply,
    History,
    Identity,
    Member,
    MemberReply,
    Memberships,
    Sent,
    Teams,
    UploadSlot,
)
from adapters.slack.web import Web
from bot.errors import Gone, Unauthorised, Unreachable

P = TypeVar("P", bound=Payload)


class SlackApi:
    """Slack's Web API, as one workspace sees it.

    All methods raise `bot.errors.PlatformError`. Nothing is retried here: after a lost connection nobody but the
    caller knows whether repeating does harm.
    """

    def __init__(self, web: Web, token: SecretStr) -> None:
        """Speak for the installation that the bot token belongs to."""
        self._web = web
        self.client = web.client(token)
        self.refused = asyncio.Event()
        """Set when Slack did not accept the bot token any more."""
        self._me: Identity | None = None
        self._token = token

    def use(self, token: SecretStr) -> None:
        """Speak with another token of the same installation from now on."""
        self._token = token
        self.client.token = token.get_secret_value()

    def renew_by(self, renew: Callable[[SecretStr], Awaitable[SecretStr | None]]) -> None:
        """Ask for another token when Slack says that ours has expired."""
        self.client.renew = renew

    @property
    def token(self) -> SecretStr:
        """With which we speak now."""
        return self._token

    def session(self) -> aiohttp.ClientSession:
        """The connection pool, opened at its first use."""
        self.client.session = self._web.session()
        return self.client.session

    def trusts(self, url: str) -> bool:
        """Whether the bot token may be sent there."""
        return self._web.trusts(url)

    @contextmanager
    def calling(self) -> Generator[None]:
        """Around every call with the bot token."""
        self.session()
        try:
            with slack_errors():
                yield
        except Unauthorised:
            self.refused.set()
            raise

    async def identity(self) -> Identity:
        """Who the bot token belongs to; also the proof that it is good."""
        with self.calling():
            reply = await self.client.auth_test()
            self._me = read(Identity, reply).model_copy(update={"at": _date(reply)})
        self.refused.clear()
        return self._me

    async def me(self) -> Identity:
        """Who we are, asked for once."""
        return self._me or await self.identity()

    async def post(self, message: Mapping[str, object]) -> Sent:
        """Create a message (`chat.postMessage`)."""
        with self.calling():
            return read(Sent, await self.client.api_call("chat.postMessage", json=dict(message)))

    async def update(self, message: Mapping[str, object]) -> None:
        """Replace a message (`chat.update`)."""
        with self.calling():
            await self.client.api_call("chat.update", json=dict(message))

    async def whisper(self, channel: str, user: str, text: str, thread: str | None) -> None:
        """Say something that only one person sees."""
        with self.calling():
            await self.client.chat_postEphemeral(channel=channel, user=user, text=text, thread_ts=thread)

    async def react(self, channel: str, ts: str, name: str) -> None:
        """Put an emoji on a message."""
        with self.calling():
            await self.client.reactions_add(channel=channel, timestamp=ts, name=name)

    async def member(self, user: str) -> Member:
        """A person's names and rank."""
        with self.calling():
            return read(MemberReply, await self.client.users_info(user=user)).user

    async def replies(self, channel: str, thread: str, oldest: str, cursor: str) -> History:
        """A page of a thread, with the metadata of its messages."""
        with self.calling():
            reply = await self.client.conversations_replies(
                channel=channel, ts=thread, oldest=oldest, cursor=cursor or None, limit=200, include_all_metadata=True
            )
            return read(History, reply)

    async def history(self, channel: str, oldest: str, cursor: str) -> History:
        """A page of a channel's top level, with the metadata of its messages."""
        with self.calling():
            reply = await self.client.conversations_history(
                channel=channel, oldest=oldest, cursor=cursor or None, limit=200, include_all_metadata=True
            )
            return read(History, reply)

    async def teams(self, cursor: str) -> Teams:
        """A page of the workspaces in which an organisation's installation may be used."""
        with self.calling():
            return read(Teams, await self.client.auth_teams_list(cursor=cursor or None, limit=100))

    async def memberships(self, kind: str, cursor: str, team: str = "") -> Memberships:
        """A page of the channels of a kind (`public_channel`, `private_channel`, `mpim`, `im`) that we are in.

        An organisation's installation has to name the workspace, `team`.
        """
        with self.calling():
            reply = await self.client.users_conversations(
                types=kind, exclude_archived=True, cursor=cursor or None, limit=200, team_id=team or None
            )
            return read(Memberships, reply)

    async def file(self, file_id: str) -> FileInfo:
        """What Slack knows of a file."""
        with self.calling():
            return read(FileReply, await self.client.files_info(file=file_id)).file

    async def upload_slot(self, name: str, length: int) -> UploadSlot:
        """Ask for an address to upload a file to."""
        with self.calling():
            return read(UploadSlot, await self.client.files_getUploadURLExternal(filename=name, length=length))

    async def share(self, files: Mapping[str, str], channel: str, thread: str | None) -> None:
        """Make uploaded files (id to title) visible in a channel or thread, some time later."""
        listed: list[dict[str, str | None]] = [{"id": file_id, "title": title} for file_id, title in files.items()]
        with self.calling():
            await self.client.files_completeUploadExternal(files=listed, channel_id=channel, thread_ts=thread)

    async def send_bytes(self, url: str, content: bytes) -> None:
        """Send a file's bytes to its upload address, without the token."""
        with slack_errors():
            async with self.session().post(url, data=content) as response:
                await _expect_success(response)

    async def respond(self, url: str, text: str, blocks: Sequence[Mapping[str, object]] = ()) -> None:
        """Answer the person of a command or a click, and nobody else, through its `response_url`.

        Raises:
            Gone: it has been used five times, or is older than half an hour, or is none of Slack's.
        """
        if not self.trusts(url):
            raise Gone("This address is none of Slack's.")
        answer = {"response_type": "ephemeral", "replace_original": False, "text": text}
        with slack_errors():
            async with self.session().post(url, json=answer | ({"blocks": blocks} if blocks else {})) as response:
                if response.status in (404, 410):
                    raise Gone("Slack takes no answer there any more.")
                await _expect_success(response)

    def bearer(self) -> dict[str, str]:
        """The header that opens private files. Only for hosts that `trusts` names."""
        return {"Authorization": f"Bearer {self._token.get_secret_value()}"}


def read(record: type[P], response: AsyncSlackResponse) -> P:
    """An answer as a record.

    Raises:
        Unreachable: it is none.
    """
    try:
        return record.model_validate(cleaned(response.data))
    except ValidationError as error:
        # A success without what a success says: some other server answered, so nothing is known about the call.
        raise Unreachable(f"Slack's answer makes no sense ({record.__name__}).") from error


def _date(response: AsyncSlackResponse) -> float:
    """Slack's time of an answer; ours when it does not tell."""
    try:
        return parsedate_to_datetime(headers_of(response).get("Date", "")).timestamp()
    except ValueError:
        return time.time()


async def _expect_success(response: aiohttp.ClientResponse) -> None:
    await response.read()
    if response.status != 200:
        code = "" if response.status >= 500 else f"http_{response.status}"
        raise translate(Failure(status=response.status, code=code, retry_after=retry_after(response.headers)))
