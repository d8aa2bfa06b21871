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
    url = _trusted(file.source.get("url", ""), api_url)
    if url is None:
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


def _trusted(text: str, api_url: str | None) -> yarl.URL | None:
    """The address when it is one of Discord's, or of the host that the operator named."""
    try:
        url = yarl.URL(text)
        own = yarl.URL(api_url) if api_url else None
        discords = (url.scheme, url.port) == ("https", 443) and url.host in _HOSTS
        operators = own is not None and (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)
    except ValueError:  # what is no address has no host either
        return None
    return url if discords or operators else None
