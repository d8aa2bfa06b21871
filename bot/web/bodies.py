"""A request read to its end, within the bounds of its route."""

import asyncio
from collections.abc import Mapping

from aiohttp import ClientError, web
from aiohttp.web_protocol import PayloadAccessError

from bot.relay.contract import Route, WebReply, WebRequest

TOO_LARGE = WebReply(status=413, body="The request is too large.")
TOO_SLOW = WebReply(status=408, body="The request came too slowly.")
CUT_OFF = WebReply(status=400, body="The request broke off.")


async def read(request: web.BaseRequest, route: Route) -> WebRequest | WebReply:
    """The whole request, or why it is refused. Of a body that is too large no more is read than is allowed."""
    if (request.content_length or 0) > route.largest:
        return TOO_LARGE
    body = bytearray()
    try:
        async with asyncio.timeout(route.within):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > route.largest:
                    return TOO_LARGE
    except TimeoutError:
        return TOO_SLOW
    except (ClientError, PayloadAccessError, ConnectionError, web.RequestPayloadError):
        return CUT_OFF
    return WebRequest(
        method=request.method,
        path=_storable(request.path),
        query={_storable(name): _storable(request.query[name]) for name in request.query},
        headers=_joined(request.headers),
        body=bytes(body),
    )


def _joined(headers: "Mapping[str, str]") -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key, value = name.lower(), _storable(value)
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


def _storable(text: str) -> str:
    """Bytes that are no UTF-8 come as lone surrogates, which is no text for anybody else."""
    return text.encode(errors="replace").decode()
