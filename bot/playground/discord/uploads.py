"""Request bodies: JSON, or multipart with `payload_json` and `files[n]`."""

import json
import re

from aiohttp import BodyPartReader, web

from bot.playground.discord.refusals import refusal
from bot.playground.discord.rules import DiscordRules
from bot.playground.discord.wire import UploadedFile

_FILE_PART = re.compile(r"files\[(\d+)\]")


async def read_body(request: web.Request, rules: DiscordRules) -> tuple[object, dict[int, UploadedFile]]:
    """The JSON of a request and its files.

    Raises:
        Refusal: 50109 for broken JSON, 40005 when it is too large; what is too large is read and thrown away, so that
            the sender sees the answer.
    """
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request, rules)
    raw = await request.read()
    return _json(raw) if raw else None, {}


async def _read_multipart(request: web.Request, rules: DiscordRules) -> tuple[object, dict[int, UploadedFile]]:
    body: object = None
    files: dict[int, UploadedFile] = {}
    total = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        content = bytearray()
        while chunk := await part.read_chunk(64 * 1024):
            total += len(chunk)
            if total <= rules.request_limit:
                content += chunk
        found = _FILE_PART.fullmatch(part.name or "")
        if found:
            files[int(found[1])] = UploadedFile(part.filename or "unknown", bytes(content))
        elif part.name == "payload_json":
            body = _json(bytes(content))
    if total > rules.request_limit:
        raise refusal(40005)
    return body, files


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise refusal(50109) from error
