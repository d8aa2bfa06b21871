"""One browser's WebSocket: a snapshot, then changes, and an answer to every action."""

import asyncio
from collections.abc import Mapping
from typing import assert_never

import structlog
from aiohttp import ClientConnectionResetError, WSMsgType, web
from pydantic import ValidationError

from bot.playground.child import BotChild
from bot.playground.page.feed import Feed
from bot.playground.page.outbox import Outbox
from bot.playground.page.uploads import Uploads
from bot.playground.page.wire import (
    Action,
    Amend,
    Choose,
    Command,
    Complete,
    DropConnection,
    Json,
    KillBot,
    LimitRate,
    Press,
    Retract,
    Speak,
    StartBot,
    Submit,
    Visit,
    parse_action,
)
from bot.playground.view import NotPossible, PlatformName, Stage

log = structlog.get_logger()


class Conversation:
    """Talks to one browser until it leaves."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        feed: Feed,
        stages: Mapping[PlatformName, Stage],
        bot: BotChild,
        uploads: Uploads,
    ) -> None:
        self._socket = socket
        self._feed = feed
        self._stages = stages
        self._bot = bot
        self._uploads = uploads

    async def run(self) -> None:
        """Serve the browser; returns when its socket is closed."""
        snapshot, outbox = self._feed.join()
        try:
            await self._send(snapshot)
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(self._tell(outbox))
                await self._listen(tasks)
                telling.cancel()
        finally:
            self._feed.leave(outbox)

    async def _tell(self, outbox: Outbox) -> None:
        while True:
            await self._send({"type": "changes", "changes": await outbox.next_batch()})

    async def _listen(self, tasks: asyncio.TaskGroup) -> None:
        """Start every action at once: a slow answer of the platform does not hold up the next action."""
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                action = parse_action(message.data)
            except ValidationError:  # not from our page; it gets no answer because it has no id
                log.warning("unreadable action from the page")
                continue
            tasks.create_task(self._answer(action))

    async def _answer(self, action: Action) -> None:
        try:
            said = await self._do(action)
        except NotPossible as refusal:
            await self._send({"type": "result", "id": action.id, "error": str(refusal)})
        except Exception:  # process boundary: one action that broke must not end the browser's socket
            log.exception("action failed", action=action.action)
            await self._send({"type": "result", "id": action.id, "error": "The playground could not do this."})
        else:
            await self._send({"type": "result", "id": action.id, "ok": True, "message": said})

    async def _do(self, action: Action) -> str | list[str] | None:
        """Carry it out. Returns the id of the message when something was said, and what was suggested."""
        match action:
            case Speak():
                files = self._uploads.find(action.files)
                stage = self._stages[action.platform]
                said = await stage.speak(action.person, action.channel, action.text, thread=action.thread, files=files)
                self._uploads.forget(action.files)
                return said
            case Command():
                files = self._uploads.find(action.files)
                stage = self._stages[action.platform]
                await stage.command(action.person, action.channel, action.name, action.options, files)
                self._uploads.forget(action.files)
            case Press():
                stage = self._stages[action.platform]
                await stage.press(action.person, action.channel, action.message, action.button)
            case Choose() | Submit() | Complete() | Amend() | Retract() | Visit():
                return await self._do_more(action)
            case LimitRate():
                self._stages[action.platform].limit_rate(action.seconds)
            case DropConnection():
                self._stages[action.platform].drop_connection()
            case KillBot():
                await self._bot.kill()
            case StartBot():
                await self._bot.start()
            case _:
                assert_never(action)
        return None

    async def _do_more(self, action: Choose | Submit | Complete | Amend | Retract | Visit) -> str | list[str] | None:
        """What people do with menus, forms and messages that are there."""
        stage, person = self._stages[action.platform], action.person
        match action:
            case Choose():
                return await stage.choose(person, action.channel, action.message, action.menu)
            case Submit():
                await stage.submit(person, action.form, action.values)
            case Complete():
                return list(await stage.complete(person, action.channel, action.command, action.option, action.typed))
            case Amend():
                await stage.amend(person, action.channel, action.message, action.text)
            case Retract():
                await stage.retract(person, action.channel, action.message)
            case Visit():
                await stage.visit(person, action.place)
        return None

    async def _send(self, told: Json) -> None:
        try:
            await self._socket.send_json(told)
        except ClientConnectionResetError:  # the browser left; `_listen` notices it by itself
            log.debug("page is gone")
