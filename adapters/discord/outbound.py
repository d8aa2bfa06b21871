"""Writing to Discord: messages with a nonce, edits, the interaction's own message."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import discord
import structlog

from adapters.discord.buttons import view_of
from adapters.discord.by_token import ByToken
from adapters.discord.client import NOBODY
from adapters.discord.directs import Directs
from adapters.discord.errors import UNKNOWN_MESSAGE, Archived, translated
from adapters.discord.lookup import Lookup
from adapters.discord.places import Place, Ref
from adapters.discord.shown import files_of, text_of
from adapters.discord.threads import Threads
from adapters.discord.tokens import Tokens
from bot.errors import Forbidden, Gone, PlatformError
from bot.relay.contract import Outbound, Posted

log = structlog.get_logger()


class Writer:
    """Everything that the adapter sends."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]], patience: float) -> None:
        """Write through `client`; after `patience` seconds the outcome of a request counts as unknown."""
        self._client = client
        self._patience = patience
        self._threads = Threads(client)
        self._lookup = Lookup(client, self._threads)
        self._directs = Directs(client, patience)
        self.tokens = Tokens()
        self._by_token = ByToken(client, self.tokens, patience)

    async def post(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Create a message. The nonce makes a repeat within minutes give the same message.

        An answer to a command begins in the interaction's own message, which Discord has made already; posting it
        again is an edit. Later messages of the same answer are ordinary ones, where everybody may see them.
        """
        if self.tokens.good(place) and (place.audience or not outbound.continuation):
            write = self._by_token.go_on if outbound.continuation else self._by_token.begin
            try:
                return await write(place, outbound, key)
            except Gone:
                pass  # the token or the message is gone: the answer goes to a channel instead
        if place.audience:
            return await self._post_to_asker(place, outbound, key)
        channel = await self._threads.open(place)
        try:
            sent = await self._send(place, channel, outbound, key)
        except (Forbidden, Gone) as error:
            refuge = self._threads.refuge(place, channel)
            log.info("discord channel closed to us", channel=channel, refuge=refuge, reason=str(error))
            if refuge is None:
                raise
            channel, sent = refuge, await self._send(place, refuge, outbound, key)
        return _posted(place, Ref(channel=str(channel), message=str(sent.id), key=key))

    async def _post_to_asker(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Write a direct message, because nobody else may see it or we cannot write where it was asked."""
        channel = await self._directs.with_asker(place)
        log.info("answer goes on in a direct message", interaction_id=place.interaction)
        sent = await self._send(place, channel, outbound, key)
        return Posted(ref=Ref(channel=str(channel), message=str(sent.id), key=key).model_dump())

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Replace text, buttons and files of a message."""
        if ref.original or ref.through:
            await self._by_token.edit(place, ref, outbound)
            return
        try:
            await self._edit(place, ref, outbound)
        except Archived:
            if not await self._threads.reopen(int(ref.channel)):
                raise
            await self._edit(place, ref, outbound)

    async def _edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        channel = (await self._client()).get_partial_messageable(int(ref.channel))
        message = channel.get_partial_message(int(ref.message))
        with translated():
            view = view_of(outbound.buttons, ref.key)
            text = text_of(place, outbound)
            async with asyncio.timeout(self._patience):
                if outbound.files:
                    await message.edit(content=text, view=view, allowed_mentions=NOBODY, attachments=files_of(outbound))
                else:
                    await message.edit(content=text, view=view, allowed_mentions=NOBODY)

    async def find(self, place: Place, key: str, since: float, known: Sequence[Ref]) -> Posted | None:
        """A message that a `post` may have created. For a command's own None is harmless: posting again is an edit."""
        if place.audience:
            if self.tokens.good(place):
                return None  # nobody can look for what was written through a token
            direct = str(await self._directs.with_asker(place))
            place = place.model_copy(update={"channel": direct, "guild": "", "parent": ""})
        found = await self._lookup.find(place, key, since, known)
        return None if found is None else _posted(place, found)

    async def typing(self, place: Place) -> None:
        """Show for ten seconds that somebody is typing. Best effort: a failure changes nothing."""
        try:
            client = await self._client()
            with translated():
                await client.http.send_typing(self._threads.where(place))
        except PlatformError as error:
            log.debug("discord typing not shown", error=str(error))

    async def _send(self, place: Place, channel: int, outbound: Outbound, key: str) -> discord.Message:
        answered = await self._answered(place, channel)
        with translated():
            try:
                return await self._create(place, channel, outbound, key, key, answered)
            except discord.NotFound as error:
                if error.code != UNKNOWN_MESSAGE:
                    raise
            # Created before and deleted by somebody: Discord remembers the nonce and creates nothing for it.
            return await self._create(place, channel, outbound, key, key[::-1], answered)

    async def _answered(self, place: Place, channel: int) -> int | None:
        """The message that the answer is a reply to, in the same channel; every part of it is, so that it is known."""
        if place.audience:
            return None
        if place.parent and str(channel) == place.parent:  # the thread, or rather the message that it began from
            return int(place.channel)
        if place.interaction:
            return await self._lookup.original(place)
        return int(place.message) if place.message and str(channel) == place.channel else None

    async def _create(
        self, place: Place, channel: int, outbound: Outbound, key: str, nonce: str, answered: int | None
    ) -> discord.Message:
        reference = None
        if answered is not None:
            reference = discord.MessageReference(message_id=answered, channel_id=channel, fail_if_not_exists=False)
        messageable = (await self._client()).get_partial_messageable(channel)
        send = cast("Callable[..., Awaitable[discord.Message]]", messageable.send)  # overloads refuse None
        async with asyncio.timeout(self._patience):
            return await send(
                text_of(place, outbound),
                nonce=nonce,
                suppress_embeds=True,
                silent=outbound.continuation,
                allowed_mentions=NOBODY,
                view=view_of(outbound.buttons, key),
                reference=reference,
                mention_author=None if reference is None else _notifies(place, channel, outbound),
            )


def _notifies(place: Place, channel: int, outbound: Outbound) -> bool:
    """Whether a reply notifies the author of what it replies to: the asker, once; not where everybody reads along."""
    return not outbound.continuation and place.style != "channel" and str(channel) != place.parent


def _posted(place: Place, ref: Ref) -> Posted:
    """A message that is there, with the conversation of the replies to it."""
    follow_ups = place.followed_as(int(ref.channel), ref.message) if ref.message else None
    return Posted(ref=ref.model_dump(), conversation=follow_ups)
