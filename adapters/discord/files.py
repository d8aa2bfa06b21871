"""Taking in files, from Discord's own hosts only."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from http import HTTPStatus

import aiohttp
import discord
import yarl

from adapters.discord.errors import translated
from bot.domain.deliveries import RemoteFile
from bot.errors import Forbidden, Gone, Refused, Unreachable

_HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
_PIECE = 64 * 1024
_EXPIRED = (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN)
"""What Discord answers when an address is older than a day."""
_GONE = "Discord does not give it out any more; please attach it again"


class Downloads:
    """Fetches files. An address that has expired is asked for anew, once, by the message that the file came with."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]], api_url: str | None) -> None:
        """Ask through `client`; the host of `api_url`, the configured REST API, is trusted too."""
        self._client = client
        self._api_url = api_url

    async def pieces(self, file: RemoteFile) -> AsyncGenerator[bytes]:
        """The file's bytes, as `material.file_of` described it.

        Raises:
            Refused: another host, or the file is gone; with a sentence for the person.
            Unreachable: the connection broke.
        """
        url = self._trusted(file.source.get("url", ""))
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60, sock_read=15)) as http:
                reply = await http.get(url, allow_redirects=False)
                if reply.status in _EXPIRED:
                    reply.release()
                    reply = await http.get(await self._renewed(file), allow_redirects=False)
                if reply.status != HTTPStatus.OK:
                    raise Refused(_GONE)
                async for piece in reply.content.iter_chunked(_PIECE):
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable("the download broke off") from error

    async def _renewed(self, file: RemoteFile) -> yarl.URL:
        """A fresh address of the same file.

        Raises:
            Refused: the message is gone, or no longer has it.
        """
        source = file.source
        if not (source.get("message", "").isdecimal() and source.get("channel", "").isdecimal()):
            raise Refused(_GONE)
        channel = (await self._client()).get_partial_messageable(int(source["channel"]))
        try:
            with translated():
                message = await channel.fetch_message(int(source["message"]))
        except (Forbidden, Gone) as error:
            raise Refused(_GONE) from error
        forwarded = (one for snapshot in message.message_snapshots for one in snapshot.attachments)
        urls = [one.url for one in (*message.attachments, *forwarded) if str(one.id) == source.get("id")]
        if not urls:
            raise Refused(_GONE)
        return self._trusted(urls[0])

    def _trusted(self, text: str) -> yarl.URL:
        """The address when it is one of Discord's, or of the host that the operator named.

        Raises:
            Refused: it is none.
        """
        try:
            url = yarl.URL(text)
            own = yarl.URL(self._api_url) if self._api_url else None
            discords = (url.scheme, url.port) == ("https", 443) and url.host in _HOSTS
            operators = own is not None and (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)
        except ValueError as error:  # what is no address has no host either
            raise Refused(_ELSEWHERE) from error
        if not (discords or operators):
            raise Refused(_ELSEWHERE)
        return url


_ELSEWHERE = "it does not lie on Discord's own servers"
