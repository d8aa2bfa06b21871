"""Addresses of bytes: where the bot uploads, and where it downloads with its token."""

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from bot.playground.slack.gate import Gate, Reply
from bot.playground.slack.installs import Installs
from bot.playground.slack.premises import Premises
from bot.playground.slack.webapi.door import bearer
from bot.playground.slack.wire import JsonObject

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to this workspace</body></html>"


class FileServer:
    """Answers `/upload/…` and `/files-pri/…`."""

    def __init__(self, premises: Sequence[Premises], installs: Installs, gate: Gate) -> None:
        self._premises = premises
        self._installs = installs
        self._gate = gate

    async def upload(self, request: web.Request) -> web.Response:
        """Take the raw bytes of an announced file, once."""
        content = await _body(request)
        file_id, key = request.match_info["file"], request.match_info["key"]
        parameters: JsonObject = {"file": file_id, "length": len(content)}

        async def work() -> Reply:
            world = next((one.world for one in self._premises if file_id in one.world.uploads), None)
            upload = world.uploads[file_id] if world else None
            if world is None or upload is None or upload.key != key or upload.content is not None:
                return Reply("no such upload", status=404, error="no_such_upload")
            if len(content) != upload.length:
                return Reply("length differs from what was announced", status=400, error="wrong_length")
            world.uploads[file_id] = replace(upload, content=content)
            return Reply(f"OK - {len(content)}")

        return await self._gate.pass_through("upload", request, parameters, work)

    async def download(self, request: web.Request) -> web.Response:
        """Give a file's bytes to the bot; anybody else gets a login page with status 200, as from Slack."""
        file_id = request.match_info["file"]

        async def work() -> Reply:
            place = next((one for one in self._premises if one.world.team.id == request.match_info["team"]), None)
            file = place.world.files.get(file_id) if place else None
            if place is None or not self._may_read(place, bearer(request)):
                return Reply(_LOGIN_PAGE, content_type="text/html", error="login_page")
            if file is None or file.mode in {"tombstone", "external"}:
                return Reply("no such file", status=404, error="file_not_found")
            return Reply(file.content, content_type=file.media_type)

        return await self._gate.pass_through("download", request, {"file": file_id}, work)

    def _may_read(self, place: Premises, token: str) -> bool:
        grant = self._installs.grant_of(token)
        if isinstance(grant, str) or place.world.team not in grant.teams:
            return False
        return "files:read" in place.desk.scopes


async def _body(request: web.Request) -> bytes:
    """The raw body, or the first file of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    form = await request.post()
    field = next((value for value in form.values() if isinstance(value, web.FileField)), None)
    return field.file.read() if field else b""
