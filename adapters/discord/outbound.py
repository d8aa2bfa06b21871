"""Writing to Discord: messages with a nonce, edits, the interaction's own message."""

import io
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import discord
import structlog
from discord.http import Route, handle_message_parameters

from adapters.discord.buttons import carries_key, view_of
from adapters.discord.client import NOBODY
from adapters.discord.errors import translated
from adapters.discord.places import Place, Ref
from adapters.discord.threads import Threads
from bot.errors import Gone, PlatformError
from bot.relay.contract import Outbound, Posted

log = structlog.get_logger()

_LOOK_BACK = 300
"""Messages read when looking for one that may have been created, oldest first; three of Discord's pages."""
_QUIET = discord.MessageFlags(suppress_embeds=True)
_URL = re.compile(r"<?\b(https?://[^\s<>]+)>?")


class Writer:
    """Everything that the adapter sends."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]], now: Callable[[], float]) -> None:
        """Write through `client`; `now` gives Unix seconds."""
        self._client = client
        self._now = now
        self._threads = Threads(client)

    async def post(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Create a message. The nonce makes a repeat within minutes give the same message.

        An answer to a command begins in the interaction's own message, which Discord has made already; posting it
        again is an edit. Later messages of the same answer are ordinary ones.
        """
        if place.token_lives(self._now()) and not outbound.continuation:
            ref = Ref(channel=place.channel, message="", key=key)
            try:
                await self._edit_original(place, ref, outbound)
            except Gone:
                pass  # the token or the message is gone: the answer goes to the channel instead
            else:
                return Posted(ref=ref.model_dump())
        channel = await self._threads.open(place)
        sent = await self._send(place, channel, outbound, key)
        return Posted(ref=Ref(channel=str(channel), message=str(sent.id), key=key).model_dump())

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Replace text, buttons and files of a message."""
        if ref.original:
            if not place.token_lives(self._now()):
                raise Gone("The interaction's token has expired.")
            await self._edit_original(place, ref, outbound)
            return
        channel = (await self._client()).get_partial_messageable(int(ref.channel))
        message = channel.get_partial_message(int(ref.message))
        with translated():
            view = view_of(outbound.buttons, ref.key)
            text = _text(place, outbound)
            if outbound.files:
                await message.edit(content=text, view=view, allowed_mentions=NOBODY, attachments=_files(outbound))
            else:
                await message.edit(content=text, view=view, allowed_mentions=NOBODY)

    async def find(self, place: Place, key: str, since: float) -> Posted | None:
        """A message of ours that carries the key, after what is answered, or else since then by our clock.

        For a command's own message None is harmless: posting that again is an edit.
        """
        after = place.asked or discord.utils.time_snowflake(datetime.fromtimestamp(since, UTC))
        channels = dict.fromkeys((await self._threads.open(place), int(place.channel)))
        for channel in channels:
            found = await self._find_in(channel, key, after)
            if found is not None:
                return Posted(ref=Ref(channel=str(channel), message=str(found.id), key=key).model_dump())
        return None

    async def typing(self, place: Place) -> None:
        """Show for ten seconds that somebody is typing. Best effort: a failure changes nothing."""
        try:
            client = await self._client()
            with translated():
                await client.http.send_typing(self._threads.where(place))
        except PlatformError as error:
            log.debug("discord typing not shown", error=str(error))

    async def _find_in(self, channel: int, key: str, after_id: int) -> discord.Message | None:
        client = await self._client()
        after = discord.Object(after_id)
        with translated():
            async for message in client.get_partial_messageable(channel).history(limit=_LOOK_BACK, after=after):
                if client.user and message.author.id == client.user.id and carries_key(message, key):
                    return message
        return None

    async def _send(self, place: Place, channel: int, outbound: Outbound, key: str) -> discord.Message:
        reference = None
        if place.message and str(channel) == place.channel:
            reference = discord.MessageReference(
                message_id=int(place.message), channel_id=channel, fail_if_not_exists=False
            )
        messageable = (await self._client()).get_partial_messageable(channel)
        send = cast("Callable[..., Awaitable[discord.Message]]", messageable.send)  # overloads refuse None
        with translated():
            return await send(
                _text(place, outbound),
                nonce=key,
                suppress_embeds=True,
                silent=outbound.continuation,
                allowed_mentions=NOBODY,
                view=view_of(outbound.buttons, key),
                reference=reference,
                mention_author=None if reference is None else not outbound.continuation,
            )

    async def _edit_original(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        # The plain request: discord.py's own has no way to keep link previews off.
        route = Route(
            "PATCH",
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            webhook_id=int(place.application),
            webhook_token=place.token,
        )
        http = (await self._client()).http
        with (
            translated(),
            handle_message_parameters(
                _text(place, outbound),
                flags=_QUIET,
                view=view_of(outbound.buttons, ref.key),
                allowed_mentions=NOBODY,
                attachments=_files(outbound) if outbound.files else discord.utils.MISSING,
            ) as message,
        ):
            if message.files:
                await http.request(route, form=message.multipart, files=message.files)
            else:
                await http.request(route, json=message.payload)


def _text(place: Place, outbound: Outbound) -> str:
    """The text, under the question when it answers a command: Discord itself shows only that /ask was used."""
    if not place.quote or outbound.continuation:
        return outbound.text
    quote = _URL.sub(r"<\1>", discord.utils.escape_markdown(place.quote))
    quoted = f"> {quote}\n{outbound.text}"
    return quoted if len(quoted.encode("utf-16-le")) // 2 <= 2000 else outbound.text


def _files(outbound: Outbound) -> list[discord.File]:
    return [discord.File(io.BytesIO(file.content), filename=file.name) for file in outbound.files]
