"""The page's server without a browser: who may talk to it, and what it says."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, ClientWebSocketResponse, FormData, WSMsgType, WSServerHandshakeError

from bot.errors import OperatorError
from bot.playground.child import BotChild
from bot.playground.page.server import PageServer
from bot.playground.page.uploads import KEPT, SIZE_LIMIT, Uploads
from bot.playground.view import NotPossible
from tests.playground.page.conftest import SLEEPING_BOT, Scene
from tests.support.stage_double import StageDouble, chart_png

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Browser:
    """What the page does, by hand."""

    def __init__(self, session: ClientSession, url: str, token: str) -> None:
        self.session, self.url, self.token = session, url, token
        self.origin = {"Origin": url}

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientWebSocketResponse]:
        async with self.session.ws_connect(f"{self.url}/ws?token={self.token}", headers=self.origin) as socket:
            yield socket

    async def upload(self, name: str, content: bytes) -> str:
        headers = self.origin | {"X-Playground-Token": self.token}
        address = f"{self.url}/upload"
        async with self.session.post(address, params={"name": name}, data=content, headers=headers) as answer:
            assert answer.status == 200
            return (await answer.json())["id"]


@pytest_asyncio.fixture(loop_scope="session")
async def browser(scene: Scene) -> AsyncIterator[Browser]:
    async with ClientSession() as session, session.get(scene.server.url) as answer:
        found = re.search(r'name="playground-token" content="([^"]+)"', await answer.text())
        assert found is not None
        yield Browser(session, scene.server.url, found[1])


async def until(socket: ClientWebSocketResponse, kind: str, **facts: object) -> dict[str, Any]:
    """The next thing of a kind that the server says, whatever comes before it."""
    while True:
        told = await socket.receive_json(timeout=5)
        things = told["changes"] if told["type"] == "changes" else [told]
        for thing in things:
            if thing.get("kind", thing.get("type")) == kind and facts.items() <= thing.items():
                return thing


async def ask(socket: ClientWebSocketResponse, **action: object) -> dict[str, Any]:
    """Do something and return the answer."""
    await socket.send_json(action | {"id": "1"})
    return await until(socket, "result")


def speak(text: str, **more: object) -> dict[str, Any]:
    return {"action": "speak", "platform": "slack", "person": "ada", "channel": "S1", "text": text} | more


class TestDoor:
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "localhost"])
    async def test_other_hosts(self, browser: Browser, host: str) -> None:
        """Only the two names of loopback, with the port, are answered."""
        async with browser.session.get(browser.url, headers={"Host": host}) as answer:
            assert answer.status == 403

    async def test_localhost(self, browser: Browser) -> None:
        """The page works under the name localhost too."""
        port = browser.url.rpartition(":")[2]
        async with browser.session.get(browser.url, headers={"Host": f"localhost:{port}"}) as answer:
            assert answer.status == 200

    @pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
    async def test_other_origins(self, browser: Browser, headers: dict[str, str]) -> None:
        """A socket from another page is refused, even with the token."""
        with pytest.raises(WSServerHandshakeError, match="403"):
            await browser.session.ws_connect(f"{browser.url}/ws?token={browser.token}", headers=headers)

    async def test_wrong_token(self, browser: Browser) -> None:
        """A page of an earlier process is told to load again by the close code."""
        async with browser.session.ws_connect(f"{browser.url}/ws?token=other", headers=browser.origin) as socket:
            assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
            assert socket.close_code == 4401

    @pytest.mark.parametrize("missing", ["Origin", "X-Playground-Token"])
    async def test_foreign_upload(self, browser: Browser, missing: str) -> None:
        """An upload needs the page's origin and its token."""
        headers = browser.origin | {"X-Playground-Token": browser.token}
        del headers[missing]
        async with browser.session.post(f"{browser.url}/upload", data=b"x", headers=headers) as answer:
            assert answer.status == 403

    async def test_policy(self, browser: Browser) -> None:
        """The page may load from its own server only, and no script or style may stand in it."""
        async with browser.session.get(browser.url) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async def test_port_in_use(self, scene: Scene) -> None:
        """A port in use is one sentence for the operator."""
        page = PageServer(scene.slack, scene.discord, scene.bot, port=scene.server.port)
        with pytest.raises(OperatorError, match=rf"Port {scene.server.port} .*--port"):
            await page.__aenter__()

    async def test_nothing_outside_static(self, browser: Browser) -> None:
        """Static files end at their folder."""
        async with browser.session.get(f"{browser.url}/static/..%2fserver.py") as answer:
            assert answer.status in {403, 404}


class TestSocket:
    async def test_snapshot(self, browser: Browser, scene: Scene) -> None:
        """The first thing said is everything there is to see."""
        scene.slack.say("ben", "S1", "hello")
        scene.slack.status("S1", "Parley is thinking")
        async with browser.socket() as socket:
            told = await socket.receive_json(timeout=5)
        assert told["type"] == "snapshot"
        assert [person["id"] for person in told["people"]] == ["ada", "ben", "chloe"]
        assert told["slack"]["messages"][0]["html"] == "<p>hello</p>\n"
        assert told["discord"]["title"] == "Acme server"
        assert told["bot"]["state"] == "running"
        assert told["bot"]["model_label"] == "offline: no language model"
        assert [status["text"] for status in told["statuses"]] == ["Parley is thinking"]

    async def test_fifty_edits(self, browser: Browser, scene: Scene) -> None:
        """Fifty edits at once are told as one change with the last text."""
        message = scene.slack.say("ben", "S1", "0")
        async with browser.socket() as socket:
            await socket.receive_json(timeout=5)
            for number in range(1, 51):
                scene.slack.change(message.id, html=str(number), edits=number)
            told = await socket.receive_json(timeout=5)
        assert [change["message"]["html"] for change in told["changes"]] == ["50"]

    async def test_speak(self, browser: Browser) -> None:
        """A message that was sent is confirmed and shown."""
        async with browser.socket() as socket:
            assert await ask(socket, **speak("hello")) == {"type": "result", "id": "1", "ok": True, "message": "s1"}
            assert (await until(socket, "message"))["message"]["html"] == "<p>hello</p>\n"

    async def test_refusal(self, browser: Browser, scene: Scene) -> None:
        """What the platform refuses comes back as its sentence."""
        scene.slack.refusal = "Nobody can write here."
        async with browser.socket() as socket:
            assert (await ask(socket, **speak("hello")))["error"] == "Nobody can write here."

    async def test_unreadable(self, browser: Browser) -> None:
        """Nonsense is ignored; the socket lives on."""
        async with browser.socket() as socket:
            await socket.send_str("{}")
            await socket.send_str("not json")
            assert (await ask(socket, **speak("hello")))["ok"]

    async def test_broken_action(self, browser: Browser) -> None:
        """An action that fails unexpectedly is an error of that action alone."""
        async with browser.socket() as socket:
            assert "error" in await ask(socket, **speak("hello", channel="nowhere"))
            assert (await ask(socket, **speak("hello")))["ok"]

    async def test_trouble(self, browser: Browser, scene: Scene) -> None:
        """Rate limits and dropped connections reach the platform."""
        async with browser.socket() as socket:
            await ask(socket, action="limit_rate", platform="discord", seconds=10)
            await ask(socket, action="drop_connection", platform="slack")
            assert (await until(socket, "connection"))["connected"] is False
        assert (scene.discord.limits, scene.slack.drops) == ([10], 1)

    async def test_kill_and_start(self, browser: Browser, scene: Scene) -> None:
        """The bot's process dies and comes back, and the page sees both."""
        before = scene.bot.pid
        async with browser.socket() as socket:
            await ask(socket, action="kill")
            assert scene.bot.pid is None
            await ask(socket, action="start")
            while (await until(socket, "bot"))["bot"]["state"] != "running":
                pass
        assert scene.bot.pid != before

    async def test_command_and_press(self, browser: Browser, scene: Scene) -> None:
        """Commands and buttons reach the platform."""
        message = scene.slack.say("ben", "S1", "hello")
        here = {"platform": "slack", "person": "ada", "channel": "S1"}
        async with browser.socket() as socket:
            await ask(socket, action="press", message=message.id, button="again", **here)
            await ask(socket, action="command", name="ask", options={"text": "why"}, **here)
        assert scene.slack.pressed == [(message.id, "again")]
        assert scene.slack.commands_used == [("ask", {"text": "why"}, ())]


class TestFiles:
    async def test_upload(self, browser: Browser, scene: Scene) -> None:
        """An uploaded file goes out with the next message, under its bare name."""
        upload = await browser.upload("../../etc/table.csv", b"a,b\n")
        async with browser.socket() as socket:
            assert (await ask(socket, **speak("look", files=[upload])))["ok"]
            assert "attach it again" in (await ask(socket, **speak("again", files=[upload])))["error"]
        (message,) = scene.slack.view().messages
        assert message.files[0].name == "table.csv"

    async def test_kept_after_refusal(self, browser: Browser, scene: Scene) -> None:
        """A message that was refused can be sent again with its files."""
        upload = await browser.upload("table.csv", b"a,b\n")
        scene.slack.refusal = "Not now."
        async with browser.socket() as socket:
            assert "error" in await ask(socket, **speak("look", files=[upload]))
            assert (await ask(socket, **speak("look", files=[upload])))["ok"]

    async def test_too_large(self, browser: Browser) -> None:
        """More than 25 MB is refused."""
        headers = browser.origin | {"X-Playground-Token": browser.token}
        content = BytesIO(b"\0" * (SIZE_LIMIT + 1))
        async with browser.session.post(f"{browser.url}/upload", data=content, headers=headers) as answer:
            assert answer.status == 413

    async def test_form(self, browser: Browser) -> None:
        """A cross-site form cannot upload: it has no token."""
        form = FormData({"file": "x"})
        async with browser.session.post(f"{browser.url}/upload", data=form, headers=browser.origin) as answer:
            assert answer.status == 403

    async def test_forgotten(self) -> None:
        """Of too many waiting files the oldest is forgotten."""
        uploads = Uploads()
        ids = [uploads.keep("a", b"") for _ in range(KEPT + 1)]
        with pytest.raises(NotPossible):
            uploads.find((ids[0],))
        assert len(uploads.find(tuple(ids[1:]))) == KEPT

    @pytest.mark.parametrize(
        ("name", "disposition", "media_type"),
        [
            ("chart.png", "inline", "image/png"),
            ("drawing.svg", "attachment", "application/octet-stream"),
            ("page.html", "attachment", "application/octet-stream"),
        ],
    )
    async def test_download(self, browser: Browser, scene: Scene, name: str, disposition: str, media_type: str) -> None:
        """Raster images are shown; everything that could run is only downloaded."""
        file = scene.discord.attach(name, chart_png(16, 8))
        async with browser.session.get(browser.url + file.url) as answer:
            assert answer.headers["Content-Disposition"].startswith(disposition)
            assert answer.headers["Content-Type"] == media_type
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert await answer.read() == chart_png(16, 8)

    async def test_header_injection(self, browser: Browser, scene: Scene) -> None:
        """A file's name cannot write headers of its own."""
        file = scene.slack.attach('a"\r\nSet-Cookie: x=1; é.csv', b"x")
        async with browser.session.get(browser.url + file.url) as answer:
            assert "Set-Cookie" not in answer.headers
            expected = "attachment; filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x%3D1%3B%20%C3%A9.csv"
            assert answer.headers["Content-Disposition"] == expected

    async def test_missing(self, browser: Browser) -> None:
        """An unknown file is a 404."""
        async with browser.session.get(f"{browser.url}/files/slack/none") as answer:
            assert answer.status == 404


async def test_leaving_while_told() -> None:
    """The server closes in order while a browser is connected."""
    async with (
        StageDouble("slack") as slack,
        StageDouble("discord") as discord,
        BotChild(SLEEPING_BOT, {}) as bot,
        PageServer(slack, discord, bot) as server,
        ClientSession() as session,
    ):
        async with session.get(server.url) as answer:
            token = re.findall(r'playground-token" content="([^"]+)"', await answer.text())[0]
        socket = await session.ws_connect(f"{server.url}/ws?token={token}", headers={"Origin": server.url})
        await socket.receive_json(timeout=5)
        await server.__aexit__(None, None, None)
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
