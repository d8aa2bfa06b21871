"""Writing to Discord: messages with a nonce, edits, the interaction's own message."""

import asyncio
import io
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import discord
import structlog
from discord.http import Route, handle_message_parameters

from adapters.discord.buttons import view_of
from adapters.discord.client import NOBODY
from adapters.discord.errors import UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, Archived, translated
from adapters.discord.lookup import Lookup
from adapters.discord.places import Place, Ref
from adapters.discord.threads import Threads
from adapters.discord.tokens import Tokens
from bot.errors import Forbidden, Gone, PlatformError
from bot.relay.contract import Outbound, Posted

log = structlog.get_logger()

_QUIET = discord.MessageFlags(suppress_embeds=True)
_URL = re.compile(r"<?\b(https?://[^\s<>]+)>?")
_LOOK_AGAIN = 0.2
_LONGEST = 2_000
"""Characters of a message."""


class Writer:
    """Everything that the adapter sends."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]], patience: float) -> None:
        """Write through `client`; after `patience` seconds the outcome of a request counts as unknown."""
        self._client = client
        self._patience = patience
        self._threads = Threads(client)
        self._lookup = Lookup(client, self._threads)
        self.tokens = Tokens()

    async def post(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Create a message. The nonce makes a repeat within minutes give the same message.

        An answer to a command begins in the interaction's own message, which Discord has made already; posting it
        again is an edit. Later messages of the same answer are ordinary ones.
        """
        if not outbound.continuation and self.tokens.good(place):
            ref = Ref(channel=place.channel, message="", key=key)
            try:
                await self._edit_original(place, ref, outbound)
            except Gone:
                pass  # the token or the message is gone: the answer goes to the channel instead
            else:
                return Posted(ref=ref.model_dump())
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

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Replace text, buttons and files of a message."""
        if ref.original:
            if not self.tokens.good(place):
                raise Gone("The interaction's token has expired.")
            await self._edit_original(place, ref, outbound)
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
                    await message.edit(content=text, view=view, allowed_mentions=NOBODY, attachments=_files(outbound))
                else:
                    await message.edit(content=text, view=view, allowed_mentions=NOBODY)

    async def find(self, place: Place, key: str, since: float, known: Sequence[Ref]) -> Posted | None:
        """A message that a `post` may have created. For a command's own None is harmless: posting again is an edit."""
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

    async def _edit_original(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Edit the interaction's own message, which exists when the gateway's acknowledgement has come through.

        Raises:
            Gone: Discord refuses the token, or the message was deleted. Neither is tried again.
        """
        try:
            with translated():
                async with asyncio.timeout(self._patience):
                    await self._patch_acknowledged(place, ref, outbound)
        except Gone:
            self.tokens.refused(place)
            raise

    async def _patch_acknowledged(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Edit it as soon as it exists: the acknowledgement of a young interaction may still be on its way."""
        while True:
            try:
                await self._patch(place, ref, outbound)
                return
            except discord.NotFound as error:
                if error.code != UNKNOWN_WEBHOOK or not self.tokens.young(place):
                    raise
            await asyncio.sleep(_LOOK_AGAIN)

    async def _patch(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        # The plain request: discord.py's own has no way to keep link previews off.
        route = Route(
            "PATCH",
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            webhook_id=int(place.application),
            webhook_token=place.token,
        )
        http = (await self._client()).http
        with handle_message_parameters(
            text_of(place, outbound),
            flags=_QUIET,
            view=view_of(outbound.buttons, ref.key),
            allowed_mentions=NOBODY,
            attachments=_files(outbound) if outbound.files else discord.utils.MISSING,
        ) as message:
            if message.files:
                await http.request(route, form=message.multipart, files=message.files)
            else:
                await http.request(route, json=message.payload)


def text_of(place: Place, outbound: Outbound) -> str:
    """What is sent: the text with its small print, under the question when it answers a command.

    Of a command Discord itself shows only that it was used. Where there is no room for the question, or for the marks
    that make print small, they are left out.
    """
    shown = _fitting(f"{outbound.text}\n{_small(outbound.footer)}", f"{outbound.text}\n{outbound.footer}")
    text = shown if outbound.footer else outbound.text
    if not place.quote or outbound.continuation:
        return text
    quote = _URL.sub(r"<\1>", discord.utils.escape_markdown(place.quote))
    return _fitting(f"> {quote}\n{text}", text)


def _small(footer: str) -> str:
    return "\n".join(f"-# {line}" for line in footer.splitlines() if line.strip())


def _fitting(wanted: str, otherwise: str) -> str:
    return wanted if len(wanted.encode("utf-16-le")) // 2 <= _LONGEST else otherwise


def _notifies(place: Place, channel: int, outbound: Outbound) -> bool:
    """Whether a reply notifies the author of what it replies to: the asker, once; not where everybody reads along."""
    return not outbound.continuation and place.style != "channel" and str(channel) != place.parent


def _posted(place: Place, ref: Ref) -> Posted:
    """A message that is there, with the conversation of the replies to it."""
    follow_ups = place.followed_as(int(ref.channel), ref.message) if ref.message else None
    return Posted(ref=ref.model_dump(), conversation=follow_ups)


def _files(outbound: Outbound) -> list[discord.File]:
    return [discord.File(io.BytesIO(file.content), filename=file.name) for file in outbound.files]
