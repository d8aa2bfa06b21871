"""What people do with messages: say them, change them, take them back. Each is told once: the database is awaited."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

import discord
import structlog

from adapters.discord.handlers import Handlers
from adapters.discord.hint import Hint
from adapters.discord.keys import key_of, message_key
from adapters.discord.material import is_withheld, text_of
from adapters.discord.meant import Listener, is_mentioned, is_said
from adapters.discord.word_back import mark, not_taken, say
from bot.errors import StoreUnavailable
from bot.relay.contract import HELD_NOTE, Deleted, Edited, Reception, Verdict
from bot.relay.queues import Queues

log = structlog.get_logger()

_FIRST_PAUSE = 0.5
"""Seconds until something is offered to the database again; doubled each time."""
_SECOND_THOUGHT = timedelta(minutes=15)
"""Whoever mentions us by an edit within this time wants an answer; later it is history that is put right."""
_KEPT = 1_000
"""Messages of which is known when they were edited last."""


class Messages:
    """The messages that one client hears."""

    def __init__(
        self, client: discord.Client, reception: Reception, queues: Queues, patience: float, hint: Hint
    ) -> None:
        """Hand them to `reception`, in the order of each channel; it is waited for so many seconds."""
        self._client = client
        self._reception = reception
        self._listener = Listener(client, reception)
        self._queues = queues
        self._patience = patience
        self._hint = hint
        self._edited: OrderedDict[int, datetime] = OrderedDict()

    def follow(self, handlers: Handlers) -> None:
        """Hear what becomes of messages; the library keeps none, so these are its raw events."""

        async def on_raw_message_edit(event: discord.RawMessageUpdateEvent) -> None:
            with handlers.one():
                await self.changed(event)

        async def on_raw_message_delete(event: discord.RawMessageDeleteEvent) -> None:
            with handlers.one():
                await self.deleted(event.channel_id, (event.message_id,))

        async def on_raw_bulk_message_delete(event: discord.RawBulkMessageDeleteEvent) -> None:
            with handlers.one():
                await self.deleted(event.channel_id, event.message_ids)

        async def on_raw_thread_delete(event: discord.RawThreadDeleteEvent) -> None:
            with handlers.one():
                await self.thread_deleted(event)

        for handler in (on_raw_message_edit, on_raw_message_delete, on_raw_bulk_message_delete, on_raw_thread_delete):
            self._client.event(handler)

    async def said(self, message: discord.Message) -> None:
        """A message was said."""
        if not await self._in_turn(message.channel.id, message.id, lambda: self.accept(message)):
            meant = is_mentioned(message, self._listener.own_id) or message.guild is None
            await not_taken(message, told=meant)

    async def accept(self, message: discord.Message) -> bool:
        """Take a message now. Returns whether it was for us.

        Raises:
            StoreUnavailable: it was not taken.
        """
        inbound = await self._listener.understood(message)
        if inbound is None:
            await self._say_why(message)
            return False
        verdict = await self._reception.receive(inbound)
        if verdict in (Verdict.QUEUED, Verdict.HELD):
            await mark(message, "⏳")
        if verdict is Verdict.HELD:
            await say(message, HELD_NOTE)
        return verdict is not Verdict.IGNORED

    async def changed(self, event: discord.RawMessageUpdateEvent) -> None:
        """A message is not what it was: mostly because it got a preview, or a thread; an edit has a time of its own."""
        message = event.message
        if message.edited_at is None or not is_said(message) or self._edited.get(message.id) == message.edited_at:
            return
        if is_withheld(message) and not self._reads_everything:
            return  # nobody emptied it: its text is kept from us
        self._edited[message.id] = message.edited_at
        if len(self._edited) > _KEPT:
            self._edited.popitem(last=False)
        await self._in_turn(message.channel.id, message.id, lambda: self._edit(message))

    async def _edit(self, message: discord.Message) -> None:
        own_id = self._listener.own_id
        at = message.edited_at.timestamp() if message.edited_at else 0
        edited = Edited(key=message_key(message.id), text=text_of(message, own_id), at=at)
        if await self._reception.edited(edited):
            return
        at_once = message.edited_at is not None and message.edited_at - message.created_at < _SECOND_THOUGHT
        if at_once and is_mentioned(message, own_id):
            await self.accept(message)

    async def deleted(self, channel: int, messages: Iterable[int]) -> None:
        """Messages are gone."""
        keys = tuple(message_key(message) for message in sorted(messages))
        await self._in_turn(channel, max(messages, default=0), lambda: self._reception.deleted(Deleted(keys=keys)))

    async def thread_deleted(self, event: discord.RawThreadDeleteEvent) -> None:
        """A thread is gone with all that was said in it."""
        gone = Deleted(conversations=(key_of(event.guild_id, event.thread_id),))
        await self._in_turn(event.thread_id, 0, lambda: self._reception.deleted(gone))

    async def _say_why(self, message: discord.Message) -> None:
        """In a thread of ours, say once why what does not mention us is not heard."""
        if not self._reads_everything and is_said(message) and is_withheld(message):
            await self._hint.give(message, self._listener)

    @property
    def _reads_everything(self) -> bool:
        return self._client.intents.message_content

    async def _in_turn(self, channel: int, order: int, work: Callable[[], Awaitable[object]]) -> bool:
        """Do something in the order of its channel, waiting for the database. Returns False when it stays away."""
        until, pause = time.monotonic() + self._patience, _FIRST_PAUSE
        async with self._queues.of(str(channel), order):
            while True:
                try:
                    await work()
                    return True
                except StoreUnavailable as error:
                    if time.monotonic() + pause > until:
                        log.exception("message not accepted", message_id=order)
                        return False
                    log.warning("message waits for the database", message_id=order, error=str(error))
                await asyncio.sleep(pause)
                pause *= 2
