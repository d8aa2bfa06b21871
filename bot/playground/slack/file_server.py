"""Addresses of bytes: where the bot uploads, and where it downloads with its token."""

from dataclasses import replace

from aiohttp import web

from bot.playground.slack.gate import Gate, Reply
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.webapi.door import Tokens, bearer
from bot.playground.slack.wire import JsonObject
from bot.playground.slack.world import World

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to this workspace</body></html>"


class FileServer:
    """Answers `/upload/…` and `/files-pri/…`."""

    def __init__(self, rules: SlackRules, world: World, tokens: Tokens, gate: Gate) -> None:
        self.rules = rules
        self._world = world
        self._tokens = tokens
        self._gate = gate

    async def upload(self, request: web.Request) -> web.Response:
        """Take the raw bytes of an announced file, once."""
        content = await _body(request)
        file_id, key = request.match_info["file"], request.match_info["key"]
        parameters: JsonObject = {"file": file_id, "length": len(content)}

        async def work() -> Reply:
            upload = self._world.uploads.get(file_id)
            if upload is None or upload.key != key or upload.content is not None:
                return Reply("no such upload", status=404, error="no_such_upload")
            if len(content) != upload.length:
                return Reply("length differs from what was announced", status=400, error="wrong_length")
            self._world.uploads[file_id] = replace(upload, content=content)
            return Reply(f"OK - {len(content)}")

        return await self._gate.pass_through("upload", request, parameters, work)

    async def download(self, request: web.Request) -> web.Response:
        """Give a file's bytes to the bot; anybody else gets a login page with status 200, as from Slack."""
        file_id = request.match_info["file"]

        async def work() -> Reply:
            file = self._world.files.get(file_id)
            if bearer(request) != self._tokens.bot or "files:read" not in self.rules.scopes:
                return Reply(_LOGIN_PAGE, content_type="text/html", error="login_page")
            if file is None or file.mode in {"tombstone", "external"}:
                return Reply("no such file", status=404, error="file_not_found")
            return Reply(file.content, content_type=file.media_type)

        return await self._gate.pass_through("download", request, {"file": file_id}, work)


async def _body(request: web.Request) -> bytes:
    """The raw body, or the first file of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    form = await request.post()
    field = next((value for value in form.values() if isinstance(value, web.FileField)), None)
    return field.file.read() if field else b""
