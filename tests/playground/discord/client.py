"""A bot on the real discord.py that does what a test tells it and remembers what it saw."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

import discord as sdk
from discord import app_commands

from bot.playground.discord import DiscordStandIn

T = TypeVar("T")


def least_intents(*, content: bool = True) -> sdk.Intents:
    """What the adapter asks for, with or without MESSAGE_CONTENT."""
    intents = sdk.Intents(guilds=True, guild_messages=True, dm_messages=True)
    intents.message_content = content
    return intents


class Bot(sdk.Client):
    """Keeps messages and interactions in the order in which they came."""

    def __init__(self, *, content: bool = True) -> None:
        allowed = sdk.AllowedMentions(everyone=False, roles=False, users=False, replied_user=True)
        super().__init__(
            intents=least_intents(content=content),
            allowed_mentions=allowed,
            guild_ready_timeout=0.05,
            max_messages=None,
        )
        self.tree = app_commands.CommandTree(self)
        self.heard: asyncio.Queue[sdk.Message] = asyncio.Queue()
        self.interactions: asyncio.Queue[sdk.Interaction] = asyncio.Queue()
        self.updates: asyncio.Queue[sdk.RawMessageUpdateEvent] = asyncio.Queue()
        self.deleted: asyncio.Queue[sdk.RawMessageDeleteEvent] = asyncio.Queue()
        self.purged: asyncio.Queue[sdk.RawBulkMessageDeleteEvent] = asyncio.Queue()
        self.gone: asyncio.Queue[sdk.RawThreadDeleteEvent] = asyncio.Queue()
        self.threads: asyncio.Queue[sdk.Thread] = asyncio.Queue()
        self.resumes = asyncio.Event()
        self.running: asyncio.Task[None] | None = None

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Without the library's five seconds before a second IDENTIFY."""

    async def on_message(self, message: sdk.Message) -> None:
        if message.author.id != self.user.id:  # type: ignore[union-attr]
            self.heard.put_nowait(message)

    async def on_raw_message_edit(self, event: sdk.RawMessageUpdateEvent) -> None:
        self.updates.put_nowait(event)

    async def on_raw_message_delete(self, event: sdk.RawMessageDeleteEvent) -> None:
        self.deleted.put_nowait(event)

    async def on_raw_bulk_message_delete(self, event: sdk.RawBulkMessageDeleteEvent) -> None:
        self.purged.put_nowait(event)

    async def on_raw_thread_delete(self, event: sdk.RawThreadDeleteEvent) -> None:
        self.gone.put_nowait(event)

    async def on_thread_create(self, thread: sdk.Thread) -> None:
        self.threads.put_nowait(thread)

    async def on_interaction(self, interaction: sdk.Interaction) -> None:
        self.interactions.put_nowait(interaction)

    async def on_resumed(self) -> None:
        self.resumes.set()

    async def next_message(self) -> sdk.Message:
        """The next message of somebody else."""
        return await soon(self.heard.get())

    async def next_interaction(self) -> sdk.Interaction:
        """The next interaction."""
        return await soon(self.interactions.get())


async def soon(what: Awaitable[T], seconds: float = 10.0) -> T:
    """Something that must happen within a short time."""
    return await asyncio.wait_for(what, seconds)


@asynccontextmanager
async def connected(standin: DiscordStandIn, *, content: bool = True) -> AsyncIterator[Bot]:
    """The library, logged in and ready; an exception that ends its connection fails the test."""
    async with Bot(content=content) as client:
        running = asyncio.create_task(client.start(standin.token))
        ready = asyncio.create_task(client.wait_until_ready())
        await soon(asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED))
        if running.done():
            ready.cancel()
            await running
        client.running = running
        yield client
        await client.close()
        await soon(running)
