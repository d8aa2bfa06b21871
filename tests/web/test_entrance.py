"""Taking requests for as long as a process is enrolled, and saying whether it can be relied on."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import pytest

from bot.clock import SystemClock
from bot.domain.workers import Present
from bot.errors import OperatorError, StoreUnavailable
from bot.relay.contract import Reception, Route, WebReply, WebRequest
from bot.web import WebEntrance, WebServer
from tests.support.reception import RecordingReception


@dataclass
class Enrolled:
    """An enrolment as a test wants it."""

    worker_id: str = "worker_1"
    fresh: bool = True
    ending: bool = False
    present: Present = field(default_factory=Present)


class Offer:
    """An adapter with one page."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.left = asyncio.Event()
        self.refusal: OperatorError | None = None

    @asynccontextmanager
    async def webhooks(self, reception: Reception) -> AsyncGenerator[Sequence[Route]]:
        if self.refusal:
            raise self.refusal
        assert isinstance(reception, RecordingReception)
        self.entered.set()
        try:
            yield [Route("GET", "/page", self.page)]
        finally:
            self.left.set()

    async def page(self, _request: WebRequest) -> WebReply:
        return WebReply(body="here")


class Database:
    """Answers, fails, or hangs."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def look(self) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.away:
            raise StoreUnavailable


@dataclass
class Scene:
    """An entrance with what is around it."""

    server: WebServer
    entrance: WebEntrance
    offer: Offer
    database: Database
    enrolment: Enrolled

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{self.server.port}{path}") as response:
            return response.status, await response.text()

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        working = asyncio.create_task(self.entrance.work(self.enrolment))
        try:
            await self.entrance.settled.wait()
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


@pytest.fixture
async def scene() -> AsyncGenerator[Scene]:
    offer, database = Offer(), Database()
    async with WebServer("127.0.0.1", 0) as server:
        offers = {"memory": (offer, RecordingReception())}
        entrance = WebEntrance(server, offers, database.look, SystemClock())
        yield Scene(server, entrance, offer, database, Enrolled())


async def test_what_an_adapter_offers_is_served_while_enrolled(scene: Scene) -> None:
    assert (await scene.get("/page"))[0] == 503
    async with scene.at_work():
        assert scene.entrance.serving == {"memory"}
        assert await scene.get("/page") == (200, "here")
        assert await scene.get("/readyz") == (200, "ready\n")
    assert (await scene.get("/page"))[0] == 503
    assert await scene.get("/readyz") == (503, "Not now: not enrolled.\n")
    assert await scene.get("/healthz") == (200, "alive\n")
    assert scene.offer.left.is_set()
    async with scene.at_work():
        assert await scene.get("/page") == (200, "here"), "the next enrolment goes on"


async def test_draining_turns_away_and_says_so(scene: Scene) -> None:
    async with scene.at_work():
        scene.enrolment.ending = True
        await scene.entrance.drain()
        assert await scene.get("/page") == (503, "Not now: ending.\n")
        assert await scene.get("/readyz") == (503, "Not now: ending.\n")
        assert not scene.offer.left.is_set(), "what was taken is still being dealt with"


async def test_a_stale_lease_is_not_ready(scene: Scene) -> None:
    async with scene.at_work():
        scene.enrolment.fresh = False
        assert await scene.get("/readyz") == (503, "Not now: not enrolled.\n")


async def test_a_database_that_is_away_is_not_ready_and_requests_are_taken_all_the_same(scene: Scene) -> None:
    """Whoever takes them finds out by himself, and may say so to a person."""
    scene.database.away = True
    async with scene.at_work():
        assert await scene.get("/readyz") == (503, "Not now: the database does not answer.\n")
        assert await scene.get("/page") == (200, "here")
        assert await scene.get("/healthz") == (200, "alive\n")


async def test_the_database_is_not_asked_as_often_as_we_are(scene: Scene) -> None:
    """Anybody may ask for health."""
    scene.database.answers.clear()
    async with scene.at_work():
        asking = [asyncio.create_task(scene.get("/readyz")) for _ in range(50)]
        while not scene.database.asked:  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.01)
        scene.database.answers.set()
        assert {status for status, _ in await asyncio.gather(*asking)} == {200}
    assert scene.database.asked == 1


async def test_a_database_that_hangs_is_not_ready_after_a_moment(scene: Scene) -> None:
    scene.database.answers.clear()
    async with scene.at_work(), asyncio.timeout(5):
        assert (await scene.get("/readyz"))[0] == 503


async def test_a_refused_token_ends_the_activity(scene: Scene) -> None:
    scene.offer.refusal = OperatorError("SLACK_BOT_TOKEN does not work.")
    with pytest.raises(OperatorError, match="SLACK_BOT_TOKEN"):
        await scene.entrance.work(scene.enrolment)
