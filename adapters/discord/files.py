"""Taking in files, from Discord's own hosts only."""

from collections.abc import AsyncIterator
from http import HTTPStatus

import aiohttp
import yarl

from bot.domain.deliveries import RemoteFile
from bot.errors import Refused, Unreachable

_HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
_PIECE = 64 * 1024


async def download(file: RemoteFile, api_url: str | None) -> AsyncIterator[bytes]:
    """The file's bytes.

    Args:
        file: what `inbound.file_of` made.
        api_url: the configured REST API, whose host is trusted too.

    Raises:
        Refused: another host, an expired link, or a refusal; with a sentence for the person.
        Unreachable: the connection broke.
    """
    url = yarl.URL(file.source.get("url", ""))
    own = yarl.URL(api_url) if api_url else None
    if not (
        (url.scheme == "https" and url.host in _HOSTS)
        or (own and (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port))
    ):
        raise Refused("it does not lie on Discord's own servers")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60, sock_read=15)) as http,
            http.get(url, allow_redirects=False) as reply,
        ):
            if reply.status != HTTPStatus.OK:
                raise Refused("Discord does not give it out any more; please attach it again")
            async for piece in reply.content.iter_chunked(_PIECE):
                yield piece
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable("the download broke off") from error
