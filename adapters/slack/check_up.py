"""Examining the set-up at Slack, for `python -m bot doctor`. Nothing there is changed."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# (the SDK's methods take untyped keyword arguments besides their own, and answer with untyped dictionaries)

import re
import time
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from typing import Literal

from adapters.slack.api import SlackApi
from adapters.slack.errors import headers_of, slack_errors
from adapters.slack.payloads import Payload
from adapters.slack.scopes import WITHOUT
from adapters.slack.settings import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackConfig
from adapters.slack.signatures import WINDOW
from adapters.slack.socket import socket_url
from adapters.slack.web import Web
from adapters.slack.workspaces import Workspaces
from bot.errors import OperatorError, PlatformError, StoreUnavailable, Unreachable
from bot.relay.contract import Finding

_APP = "api.slack.com/apps → your app"
_BOTS = ("xoxb-", "xoxe.xoxb-")
"""How bot tokens begin, plain and rotating ones."""
_SECRET = re.compile(r"[0-9a-f]{32}")
_KINDS = "public_channel,private_channel"
_SKEW = 30.0
"""Seconds that a clock may be off without a word."""
_MOST = 20
"""Workspaces that are looked at."""

_State = Literal["good", "warning", "bad"]


class _Self(Payload):
    """What `auth.test` says, to somebody who does not know yet what kind of token he has."""

    team: str = ""
    user: str = ""
    bot_id: str | None = None


class _Channels(Payload):
    channels: tuple[object, ...] = ()


async def check_up(
    web: Web, workspaces: Workspaces, config: SlackConfig, now: Callable[[], float] = time.time
) -> tuple[Finding, ...]:
    """Everything that can be told from here, in the order in which it is to be mended; `now` is our clock."""
    found = [finding async for finding in _installations(workspaces, config, now)]
    found.append(await _receiving(web, config))
    if config.signing_secret is not None:
        found.append(_secret(config.signing_secret.get_secret_value()))
    return tuple(found)


async def _installations(
    workspaces: Workspaces, config: SlackConfig, now: Callable[[], float]
) -> AsyncIterator[Finding]:
    try:
        there = await workspaces.all()
    except (OperatorError, PlatformError, StoreUnavailable) as error:
        yield _finding("workspaces", "bad", str(error), "Mend what this says, then look again.")
        return
    if not there:
        yield _finding("workspaces", "warning", "no workspace has installed the app", "Open /slack/install.")
    for workspace in there[:_MOST]:
        async for finding in _installation(workspace.api, config, now):
            yield finding


async def _installation(api: SlackApi, config: SlackConfig, now: Callable[[], float]) -> AsyncIterator[Finding]:
    """One workspace: its token, what that may do, the clock, and whether it is in any channel."""
    api.session()
    try:
        with slack_errors():
            reply = await api.client.auth_test()
    except PlatformError as error:
        yield _refused(BOT_TOKEN, "bot token", error, "Install App → Bot User OAuth Token")
        return
    headers, us = headers_of(reply), _Self.model_validate(reply.data)
    if us.bot_id is None or not api.token.get_secret_value().startswith(_BOTS):
        fix = f"{_APP} → Install App: copy the Bot User OAuth Token (xoxb-…) into {BOT_TOKEN}."
        yield _finding("bot token", "bad", "it is not a bot's token", fix)
    else:
        yield _finding("bot token", "good", f"{us.user} in {us.team}")
    yield _scopes(headers.get("X-OAuth-Scopes", ""))
    if (moment := headers.get("Date")) is not None:
        yield _clock(moment, now(), signed=config.signing_secret is not None)
    yield await _membership(api)


def _scopes(header: str) -> Finding:
    given = {scope.strip() for scope in header.split(",")}
    missing = [scope for scope in WITHOUT if scope not in given]
    if not missing:
        return _finding("bot scopes", "good", f"all {len(WITHOUT)} of the manifest")
    state: _State = "bad" if any(WITHOUT[scope].vital for scope in missing) else "warning"
    detail = "; ".join(f"without {scope} {WITHOUT[scope].what}" for scope in missing)
    fix = f"{_APP} → OAuth & Permissions → Bot Token Scopes: add {', '.join(missing)}, then reinstall the app."
    return _finding("bot scopes", state, detail, fix)


def _clock(moment: str, ours: float, *, signed: bool) -> Finding:
    try:
        off = ours - parsedate_to_datetime(moment).timestamp()
    except ValueError:
        return _finding("clock", "warning", "Slack's answer has no time", "Look again later.")
    if abs(off) <= _SKEW:
        return _finding("clock", "good")
    state: _State = "bad" if signed and abs(off) > WINDOW / 2 else "warning"
    why = f"; over HTTP everything is refused that is {WINDOW} s off" if signed else ""
    return _finding(
        "clock", state, f"this machine is {off:+.0f} s from Slack's time{why}", "Switch time syncing on (NTP)."
    )


async def _membership(api: SlackApi) -> Finding:
    try:
        with slack_errors():
            reply = await api.client.users_conversations(types=_KINDS, exclude_archived=True, limit=1)
    except PlatformError as error:
        return _finding("channels", "warning", f"not known: {error}", "See bot scopes.")
    if _Channels.model_validate(reply.data).channels:
        return _finding("channels", "good", "the bot is in at least one")
    return _finding("channels", "warning", "the bot is in no channel", "In a channel, type /invite and the bot's name.")


async def _receiving(web: Web, config: SlackConfig) -> Finding:
    """The app token, by asking for a ticket, which is never used. Of a request URL the Web API tells nothing."""
    if config.signing_secret is not None:
        detail = "over HTTP; Slack checks the request URL when it is saved"
        return _finding("receiving", "good", detail)
    if config.app_token is None:
        fix = f"{_APP} → Basic Information → App-Level Tokens: generate one with connections:write for {APP_TOKEN}."
        return _finding("app token", "bad", f"{APP_TOKEN} is not set", fix)
    try:
        await socket_url(web, config.app_token.get_secret_value())
    except PlatformError as error:
        where = "Basic Information → App-Level Tokens, with the scope connections:write, and Socket Mode → Enable"
        return _refused(APP_TOKEN, "app token", error, where)
    return _finding("app token", "good", "Slack gives it a socket")


def _secret(secret: str) -> Finding:
    if _SECRET.fullmatch(secret):
        return _finding("signing secret", "good", "of the right form")
    fix = f"{_APP} → Basic Information → App Credentials: copy the Signing Secret into {SIGNING_SECRET}."
    return _finding("signing secret", "bad", "it is not 32 digits and letters from a to f", fix)


def _refused(variable: str, what: str, error: PlatformError, where: str) -> Finding:
    if isinstance(error, Unreachable):
        return _finding(
            what, "bad", str(error), "Look at this machine's connection to slack.com, and at slack-status.com."
        )
    return _finding(what, "bad", str(error), f"{_APP} → {where}: copy it into {variable} again.")


def _finding(what: str, state: _State, detail: str = "", fix: str = "") -> Finding:
    return Finding(what=f"Slack: {what}", state=state, detail=detail, fix=fix)
