"""Writing to Discord: messages with a nonce, edits, the interaction's own message, threads."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import cast

import discord
import structlog

from adapters.discord.buttons import carries_key, view_of
from adapters.discord.client import NOBODY
from adapters.discord.errors import translated
from adapters.discord.places import Place, Ref
from bot.errors import Gone, Unreachable
from bot.relay.contract import Outbound, Posted

log = structlog.get_logger()

THREAD_EXISTS = 160004
_THREAD_PATIENCE = 3.0
"""Seconds for opening a thread; a person who waits longer gets the answer in the channel."""
_SKEW = 5.0
"""Seconds by which our clock may be ahead of Discord's."""
_LOOK_BACK = 100
"""Messages read when looking for one that may have been created; Discord's largest page."""


class Writer:
    """Everything that the adapter sends."""

    def __init__(self, client: Callable[[], discord.Client], now: Callable[[], float]) -> None:
        """Write through the current client; `now` gives Unix seconds."""
        self._client = client
        self._now = now
        self._threads: dict[int, int] = {}

    async def post(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Create a message. The nonce makes a repeat within minutes give the same message."""
        if place.token_lives(self._now()) and not outbound.silent:
            ref = Ref(channel=place.channel, message="", key=key)
            try:
                await self._edit_original(place, ref, outbound)
            except Gone:
                pass  # the token or the message is gone: the answer goes to the channel instead
            else:
                return Posted(ref=ref.model_dump())
        channel = await self.target(place)
        sent = await self._send(place, channel, outbound, key)
        return Posted(ref=Ref(channel=str(channel), message=str(sent.id), key=key).model_dump())

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Replace text, buttons and files of a message."""
        if ref.original:
            if not place.token_lives(self._now()):
                raise Gone("The interaction's token has expired.")
            await self._edit_original(place, ref, outbound)
            return
        message = self._channel(int(ref.channel)).get_partial_message(int(ref.message))
        with translated():
            view = view_of(outbound.buttons, ref.key)
            text = _text(place, outbound)
            if outbound.files:
                await message.edit(content=text, view=view, allowed_mentions=NOBODY, attachments=_files(outbound))
            else:
                await message.edit(content=text, view=view, allowed_mentions=NOBODY)

    async def find(self, place: Place, key: str, since: float) -> Posted | None:
        """A message of ours that carries the key, among those posted since then."""
        if place.token_lives(self._now()):
            return None  # editing the interaction's own message again is harmless
        channel = await self.target(place)
        after = discord.Object(discord.utils.time_snowflake(datetime.fromtimestamp(since - _SKEW, UTC)))
        own = self._client().user
        with translated():
            async for message in self._channel(channel).history(limit=_LOOK_BACK, after=after):
                if own and message.author.id == own.id and carries_key(message, key):
                    return Posted(ref=Ref(channel=str(channel), message=str(message.id), key=key).model_dump())
        return None

    async def target(self, place: Place) -> int:
        """The channel that the answer goes to; opens the thread when there should be one.

        A thread made from a message has the message's id, so "already created" is success. When it cannot be had, the
        answer is a reply in the channel.
        """
        if not place.thread_name:
            return place.target
        known = self._threads.get(place.target)
        if known is None:
            known = self._threads[place.target] = await self._open_thread(place)
        return known

    async def typing(self, place: Place) -> None:
        """Show for ten seconds that somebody is typing."""
        channel = await self.target(place)
        with translated():
            await self._client().http.send_typing(channel)

    async def _open_thread(self, place: Place) -> int:
        # The plain request: a Thread object needs the server in the cache, which a process without a gateway lacks.
        start = self._client().http.start_thread_with_message
        try:
            with translated():
                try:
                    async with asyncio.timeout(_THREAD_PATIENCE):
                        await start(
                            int(place.channel), int(place.message), name=place.thread_name, auto_archive_duration=1440
                        )
                except discord.HTTPException as error:
                    if error.code == THREAD_EXISTS:
                        return place.target
                    if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
                        return int(place.channel)
                    raise
        except Unreachable:
            log.warning("thread not opened", channel=place.channel)
            return int(place.channel)
        return place.target

    async def _send(self, place: Place, channel: int, outbound: Outbound, key: str) -> discord.Message:
        reference = None
        if place.message and str(channel) == place.channel:
            reference = discord.MessageReference(
                message_id=int(place.message), channel_id=channel, fail_if_not_exists=False
            )
        send = cast("Callable[..., Awaitable[discord.Message]]", self._channel(channel).send)  # overloads refuse None
        with translated():
            return await send(
                _text(place, outbound),
                nonce=key,
                suppress_embeds=True,
                silent=outbound.silent,
                allowed_mentions=NOBODY,
                files=_files(outbound),
                view=view_of(outbound.buttons, key),
                reference=reference,
                mention_author=None if reference is None else not outbound.silent,
            )

    async def _edit_original(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        webhook = discord.Webhook.partial(int(place.application), place.token, client=self._client())
        with translated():
            view = view_of(outbound.buttons, ref.key)
            text = _text(place, outbound)
            original: int = "@original"  # pyright: ignore[reportAssignmentType] - Discord's own name for it
            if outbound.files:
                await webhook.edit_message(
                    original, content=text, view=view, allowed_mentions=NOBODY, attachments=_files(outbound)
                )
            else:
                await webhook.edit_message(original, content=text, view=view, allowed_mentions=NOBODY)

    def _channel(self, channel: int) -> discord.PartialMessageable:
        return self._client().get_partial_messageable(channel)


def _text(place: Place, outbound: Outbound) -> str:
    """The text, under the question when it answers a command: Discord itself shows only that /ask was used."""
    if not place.quote or outbound.silent:
        return outbound.text
    quoted = f"> {discord.utils.escape_markdown(place.quote)}\n{outbound.text}"
    return quoted if len(quoted.encode("utf-16-le")) // 2 <= 2000 else outbound.text


def _files(outbound: Outbound) -> list[discord.File]:
    return [discord.File(io.BytesIO(file.content), filename=file.name) for file in outbound.files]
