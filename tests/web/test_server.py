"""The web server: health, bounds, and answers that say nothing about the inside."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import aiohttp
import pytest
import structlog

from bot.errors import OperatorError
from bot.relay.contract import Route, WebReply, WebRequest
from bot.web import WebLimits, WebServer

LIMITS = WebLimits(connections=5, in_work=2, head=0.3, idle=1.0, linger=0.2, farewell=0.5, retry_after=7)


class Pages:
    """Routes of a test: an echo, one that waits, and one that fails."""

    def __init__(self) -> None:
        self.asked: list[WebRequest] = []
        self.go_on = asyncio.Event()

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/echo", self.echo, largest=1_000, within=0.3),
            Route("GET", "/wait", self.wait),
            Route("GET", "/broken", self.broken),
        ]

    async def echo(self, request: WebRequest) -> WebReply:
        self.asked.append(request)
        return WebReply(body=request.body.decode(), content_type="text/html", headers=(("Set-Cookie", "a=1"),))

    async def wait(self, request: WebRequest) -> WebReply:
        self.asked.append(request)
        await self.go_on.wait()
        return WebReply(body="done")

    async def broken(self, _request: WebRequest) -> WebReply:
        raise LookupError("the password is 1234")


@pytest.fixture
async def server() -> AsyncGenerator[WebServer]:
    async with WebServer("127.0.0.1", 0, LIMITS) as opened:
        yield opened


@pytest.fixture
def pages(server: WebServer) -> Pages:
    offered = Pages()
    server.open(offered.routes())
    return offered


@pytest.fixture
async def http(server: WebServer) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session


async def got(http: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with http.get(path) as response:
        return response.status, await response.text()


async def exchange(server: WebServer, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Everything that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:  # closed while we were still sending
        return b""
    finally:
        writer.close()


# --- health -------------------------------------------------------------------------------------------------------


async def test_a_process_that_is_starting_is_alive_and_not_ready(
    server: WebServer, http: aiohttp.ClientSession
) -> None:
    assert await got(http, "/healthz") == (200, "alive\n")
    assert await got(http, "/readyz") == (503, "Not now: starting.\n")
    assert (await got(http, "/echo"))[0] == 503, "what it will offer is not known yet"


async def test_readiness_is_what_the_process_says(server: WebServer, http: aiohttp.ClientSession, pages: Pages) -> None:
    reason: list[str | None] = [None]

    async def hindrance() -> str | None:
        return reason[0]

    server.hindrance = hindrance
    assert await got(http, "/readyz") == (200, "ready\n")
    reason[0] = "the database does not answer"
    assert await got(http, "/readyz") == (503, "Not now: the database does not answer.\n")
    assert await got(http, "/healthz") == (200, "alive\n"), "life depends on nothing"


async def test_a_server_that_is_shut_is_alive_and_asks_to_come_again(
    server: WebServer, http: aiohttp.ClientSession, pages: Pages
) -> None:
    server.shut("ending")
    async with http.post("/echo", data=b"x") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "7")
        assert response.headers["Connection"] == "close", "a proxy should not come back here"
    assert await got(http, "/readyz") == (503, "Not now: ending.\n")
    assert await got(http, "/healthz") == (200, "alive\n")
    assert not pages.asked


async def test_health_is_only_read(server: WebServer, http: aiohttp.ClientSession) -> None:
    async with http.head("/healthz") as response:
        assert response.status == 200
    async with http.post("/healthz") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


# --- routes -------------------------------------------------------------------------------------------------------


async def test_a_route_gets_the_whole_request_and_its_answer_is_sent(
    server: WebServer, http: aiohttp.ClientSession, pages: Pages
) -> None:
    headers = [("X-One", "1"), ("X-One", "2")]
    async with http.post("/echo?a=1&a=2", data=b"hello", headers=headers) as response:
        assert (response.status, await response.text(), response.content_type) == (200, "hello", "text/html")
        assert response.headers["Set-Cookie"] == "a=1"
        assert (response.headers["Server"], response.headers["Cache-Control"]) == ("parley", "no-store")
    (asked,) = pages.asked
    assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/echo", {"a": "1"}, b"hello")
    assert asked.headers["x-one"] == "1, 2"


async def test_headers_that_are_no_text_are_made_text(server: WebServer, pages: Pages) -> None:
    head = b"POST /echo?a=%ff HTTP/1.1\r\nHost: x\r\nX-One: \xff\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    assert (await exchange(server, head, b"hi")).startswith(b"HTTP/1.1 200")
    assert pages.asked[0].headers["x-one"] == "?"


async def test_other_paths_and_methods_are_told_so(
    server: WebServer, http: aiohttp.ClientSession, pages: Pages
) -> None:
    assert (await got(http, "/echo/"))[0] == 404
    assert (await got(http, "/.env"))[0] == 404
    async with http.get("/echo") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_an_unforeseen_error_is_a_number_for_the_client_and_a_traceback_for_the_log(
    server: WebServer, http: aiohttp.ClientSession, pages: Pages
) -> None:
    with structlog.testing.capture_logs() as lines:
        status, text = await got(http, "/broken")
    (line,) = [line for line in lines if line["event"] == "request failed"]
    assert status == 500
    assert line["incident"] in text
    assert line["exc_info"]
    assert "1234" not in text
    assert "Error" not in text


async def test_requests_in_work_are_finished_before_idle(
    server: WebServer, http: aiohttp.ClientSession, pages: Pages
) -> None:
    asking = asyncio.create_task(got(http, "/wait"))
    await until(lambda: pages.asked)
    server.shut("ending")
    waiting = asyncio.create_task(server.idle())
    await asyncio.sleep(0)
    assert not waiting.done()
    pages.go_on.set()
    assert await asking == (200, "done")
    await waiting


async def test_a_request_that_hangs_does_not_keep_the_process(
    server: WebServer, http: aiohttp.ClientSession, pages: Pages
) -> None:
    asking = asyncio.create_task(got(http, "/wait"))
    await until(lambda: pages.asked)
    async with asyncio.timeout(3):
        await server.idle()
    pages.go_on.set()
    await asking


# --- bounds -------------------------------------------------------------------------------------------------------


async def test_a_body_that_comes_too_slowly_is_408(server: WebServer, pages: Pages) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    assert (await exchange(server, head, b"a")).startswith(b"HTTP/1.1 408")
    assert not pages.asked


async def test_a_head_that_comes_too_slowly_ends_the_connection(server: WebServer, pages: Pages) -> None:
    """A byte now and then holds nothing for long."""
    begun = asyncio.get_running_loop().time()
    assert await exchange(server, *([b"G"] * 8), pause=0.1) == b""
    assert asyncio.get_running_loop().time() - begun < 2


async def test_a_connection_on_which_nothing_comes_is_closed(server: WebServer) -> None:
    assert await exchange(server) == b""


async def test_a_kept_connection_is_used_again_and_closed_when_idle(server: WebServer, pages: Pages) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for _ in range(3):
        writer.write(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
        assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(LIMITS.head + 0.1)  # idle is not slow
    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()


async def test_connections_are_counted(server: WebServer, pages: Pages) -> None:
    """One too many is closed; when one ends another may come."""
    async with AsyncExitStack() as stack:
        held: list[asyncio.StreamWriter] = []
        for _ in range(LIMITS.connections):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            stack.callback(writer.close)
            writer.write(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            await reader.readuntil(b"hi")
            held.append(writer)
        assert await exchange(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        held[0].close()
        await held[0].wait_closed()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as http:
            assert await got(http, "/healthz") == (200, "alive\n")


async def test_requests_in_work_are_counted(server: WebServer, http: aiohttp.ClientSession, pages: Pages) -> None:
    asking = [asyncio.create_task(got(http, "/wait")) for _ in range(LIMITS.in_work)]
    await until(lambda: len(pages.asked) == LIMITS.in_work)
    assert (await got(http, "/wait"))[0] == 503
    pages.go_on.set()
    assert [status for status, _ in await asyncio.gather(*asking)] == [200, 200]


async def test_slow_requests_hold_up_nobody(server: WebServer, http: aiohttp.ClientSession, pages: Pages) -> None:
    async with AsyncExitStack() as stack:
        slow = [await begun(server, http, stack) for _ in range(LIMITS.in_work + 1)]
        async with http.post("/echo", data=b"whole") as response:
            assert (response.status, await response.text()) == (200, "whole")
        async with asyncio.timeout(5):
            for reader, _ in slow:
                assert (await reader.readline()).startswith(b"HTTP/1.1 408")


async def test_a_request_that_is_whole_after_the_end_comes_again(
    server: WebServer, http: aiohttp.ClientSession, pages: Pages
) -> None:
    async with AsyncExitStack() as stack:
        reader, writer = await begun(server, http, stack)
        server.shut("ending")
        writer.write(b"hi")
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 503")
    assert not pages.asked


async def begun(
    server: WebServer, http: aiohttp.ClientSession, stack: AsyncExitStack
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request whose headers the server has, and not its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    stack.callback(writer.close)
    writer.write(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
    assert await got(http, "/healthz") == (200, "alive\n"), "what was sent before is there, too"
    return reader, writer


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(500)) + b"\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_400_and_a_word_in_the_log(server: WebServer, pages: Pages, noise: bytes) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = await exchange(server, noise)
    assert answer == b"" or answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"Traceback" not in answer
    assert not any("exc_info" in line for line in lines)
    assert "secret" not in str(lines)


async def test_a_port_that_is_taken_is_told_in_a_sentence(server: WebServer) -> None:
    with pytest.raises(OperatorError, match=f"PORT.*{server.port}"):
        async with WebServer("127.0.0.1", server.port):
            pass


async def until(condition: object) -> None:
    """Wait until it holds."""
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.01)
