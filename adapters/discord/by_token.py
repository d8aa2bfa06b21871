"""What is written with an interaction's token: its own message, and further ones where no channel is ours."""

import asyncio
from collections.abc import Awaitable, Callable

import discord
from discord.http import Route, handle_message_parameters
from pydantic import ValidationError

from adapters.discord.buttons import view_of
from adapters.discord.client import NOBODY
from adapters.discord.errors import UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, translated
from adapters.discord.places import Place, Ref
from adapters.discord.shown import files_of, text_of
from adapters.discord.tokens import Tokens
from bot.domain.record import Record
from bot.errors import Gone, Unreachable
from bot.relay.contract import Outbound, Posted

_LOOK_AGAIN = 0.2
_WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
_ORIGINAL = f"{_WEBHOOK}/messages/@original"
_FURTHER = f"{_WEBHOOK}/messages/{{message_id}}"


class _Made(Record, extra="ignore"):
    id: str


class ByToken:
    """Writes through tokens for as long as they are good."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]], tokens: Tokens, patience: float) -> None:
        """Write through `client`; after `patience` seconds the outcome of a request counts as unknown."""
        self._client = client
        self._tokens = tokens
        self._patience = patience

    async def begin(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Put the beginning of an answer into the interaction's own message, which Discord has made already.

        In a plain channel people can reply to it, which goes on with its conversation.

        Raises:
            Gone: Discord refuses the token, or the message was deleted. Neither is tried again.
        """
        ref = Ref(channel=place.channel, message="", key=key)
        made = _made(await self._write(place, ref, outbound))
        follow_ups = place.followed_as(int(place.channel), made) if made and not place.audience else None
        return Posted(ref=ref.model_dump(), conversation=follow_ups)

    async def go_on(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """A further message. No nonce makes a repeat of it safe, so it is never repeated.

        Raises:
            Gone: Discord refuses the token, or lets the interaction have no more messages.
            Unreachable: it may or may not have been created, and nobody can look it up.
        """
        flags = discord.MessageFlags(suppress_embeds=True, ephemeral=place.audience == "asker")
        with translated():
            async with asyncio.timeout(self._patience):
                answered = await self._request(_route("POST", _WEBHOOK, place), place, outbound, key, flags)
        made = _made(answered)
        if not made:
            raise Unreachable("Discord did not say which message it made.")
        return Posted(ref=Ref(channel=place.channel, message=made, key=key, through="token").model_dump())

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Edit a message of an interaction; its own one as soon as the gateway's acknowledgement has come through.

        Raises:
            Gone: Discord refuses the token, or the message was deleted. Neither is tried again.
        """
        await self._write(place, ref, outbound)

    async def _write(self, place: Place, ref: Ref, outbound: Outbound) -> object:
        if not self._tokens.good(place):
            raise Gone("The interaction's token has expired.")
        try:
            with translated():
                async with asyncio.timeout(self._patience):
                    return await self._patch_acknowledged(place, ref, outbound)
        except Gone as error:
            if ref.original or not _is_unknown_message(error):
                self._tokens.refused(place)
            raise

    async def _patch_acknowledged(self, place: Place, ref: Ref, outbound: Outbound) -> object:
        """Edit it as soon as it exists: the acknowledgement of a young interaction may still be on its way."""
        route = _route("PATCH", _ORIGINAL if ref.original else _FURTHER, place, ref.message)
        quiet = discord.MessageFlags(suppress_embeds=True)
        while True:
            try:
                return await self._request(route, place, outbound, ref.key, quiet)
            except discord.NotFound as error:
                if error.code != UNKNOWN_WEBHOOK or not self._tokens.young(place):
                    raise
            await asyncio.sleep(_LOOK_AGAIN)

    async def _request(
        self, route: Route, place: Place, outbound: Outbound, key: str, flags: discord.MessageFlags
    ) -> object:
        # The plain request: discord.py's own has no way to keep link previews off.
        http = (await self._client()).http
        with handle_message_parameters(
            text_of(place, outbound),
            flags=flags,
            view=view_of(outbound.buttons, key),
            allowed_mentions=NOBODY,
            attachments=files_of(outbound) if outbound.files else discord.utils.MISSING,
        ) as message:
            query = {"wait": "true"} if route.method == "POST" else None
            if message.files:
                return await http.request(route, form=message.multipart, files=message.files, params=query)
            return await http.request(route, json=message.payload, params=query)


def _route(method: str, path: str, place: Place, message: str = "") -> Route:
    return Route(method, path, webhook_id=int(place.application), webhook_token=place.token, message_id=message)


def _made(answered: object) -> str:
    """Id of the message that was made or edited; empty when Discord does not say."""
    try:
        return _Made.model_validate(answered).id
    except ValidationError:
        return ""


def _is_unknown_message(error: Gone) -> bool:
    cause = error.__cause__
    return isinstance(cause, discord.HTTPException) and cause.code == UNKNOWN_MESSAGE
