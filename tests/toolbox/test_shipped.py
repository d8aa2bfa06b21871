"""The tools that come with the bot, over real sockets."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.domain.messages import Author
from bot.domain.steps import CallState
from bot.ports import Asking, Store, ToolOutcome
from bot.toolbox.functions import FunctionToolbox
from bot.toolbox.loader import load_tools

TOOLS = Path(__file__).parents[2] / "tools"


class Desk:
    def __init__(self, box: FunctionToolbox) -> None:
        self.box = box
        self.calls = 0

    async def __call__(self, name: str, key: str | None = None, **arguments: object) -> ToolOutcome:
        text = json.dumps(arguments)
        assert self.box.refuse(name, text) is None
        self.calls += 1
        person = Author(platform="test", id="u1", name="Ada")
        return await self.box.run(name, text, Asking(person, "run_1", "thread_1", key or f"run_1:1:{self.calls}"))


@pytest.fixture
async def desk(sqlite_store: Store) -> AsyncIterator[Desk]:
    async with aiohttp.ClientSession() as http:
        yield Desk(FunctionToolbox(load_tools(TOOLS), sqlite_store.collections, http))


class TestTickets:
    async def test_a_ticket_is_created_listed_and_closed(self, desk: Desk) -> None:
        created = await desk(
            "create_ticket", user_email="ada@example.org", issue_summary="The door squeaks", priority="low"
        )
        assert json.loads(created.output) == {"ticket": 1, "state": "open", "priority": "low"}
        listed = json.loads((await desk("list_tickets", state=None)).output)
        assert [(ticket["ticket"], ticket["asked_by"]) for ticket in listed] == [(1, "Ada")]
        closed = await desk("close_ticket", ticket=1, resolution="Oiled.")
        assert json.loads(closed.output)["state"] == "closed"
        assert (await desk("list_tickets", state="open")).output == "[]"

    async def test_the_same_call_again_opens_no_second_ticket(self, desk: Desk) -> None:
        for _ in range(2):
            await desk("create_ticket", key="k", user_email="a@b.c", issue_summary="x", priority="high")
        assert len(json.loads((await desk("list_tickets", state="all")).output)) == 1

    async def test_a_wrong_address_and_a_missing_ticket_are_told(self, desk: Desk) -> None:
        wrong = await desk("create_ticket", user_email="nobody", issue_summary="x", priority="high")
        missing = await desk("close_ticket", ticket=7, resolution="x")
        assert [wrong.state, missing.state] == [CallState.FAILED] * 2
        assert missing.output == "There is no ticket 7."


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> AsyncIterator[dict[str, tuple[int, object]]]:
    """A loopback server in the place of the public services: path -> (status, JSON)."""
    replies: dict[str, tuple[int, object]] = {}

    async def answer(request: web.Request) -> web.Response:
        status, body = replies[request.path]
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        root = str(server.make_url("")).rstrip("/")
        monkeypatch.setattr(sys.modules["_bot_tools.github"], "_API", root)
        monkeypatch.setattr(sys.modules["_bot_tools.weather"], "_PLACES", f"{root}/places")
        monkeypatch.setattr(sys.modules["_bot_tools.weather"], "_FORECAST", f"{root}/forecast")
        yield replies


class TestGithub:
    async def test_an_issue_is_told_in_short(self, desk: Desk, service: dict[str, tuple[int, object]]) -> None:
        service["/repos/o/r/issues/5"] = (
            200,
            {"title": "T", "state": "open", "user": {"login": "u"}, "labels": [{"name": "bug"}], "body": "b" * 9_000},
        )
        issue = json.loads((await desk("get_github_issue", repo="o/r", issue_number=5)).output)
        assert (issue["title"], issue["labels"], len(issue["body"])) == ("T", ["bug"], 4_000)

    @pytest.mark.parametrize(("status", "words"), [(404, "no issue 5"), (403, "limit"), (500, "answered 500")])
    async def test_a_refusal_says_what_it_means(
        self, desk: Desk, service: dict[str, tuple[int, object]], status: int, words: str
    ) -> None:
        service["/repos/o/r/issues/5"] = (status, {})
        outcome = await desk("get_github_issue", repo="o/r", issue_number=5)
        assert outcome.state is CallState.FAILED
        assert words in outcome.output

    async def test_a_path_cannot_be_smuggled_in(self, desk: Desk) -> None:
        outcome = await desk("get_github_issue", repo="../../user", issue_number=5)
        assert "not of the form" in outcome.output


class TestWeather:
    async def test_the_weather_of_a_town(self, desk: Desk, service: dict[str, tuple[int, object]]) -> None:
        service["/places"] = (200, {"results": [{"name": "Oslo", "country": "Norway", "latitude": 1, "longitude": 2}]})
        service["/forecast"] = (
            200,
            {"current": {"temperature_2m": 3.5, "wind_speed_10m": 9, "relative_humidity_2m": 80, "weather_code": 71}},
        )
        report = json.loads((await desk("get_weather", place="Oslo")).output)
        assert (report["place"], report["sky"], report["temperature_celsius"]) == ("Oslo, Norway", "light snow", 3.5)

    async def test_an_unknown_place_is_told(self, desk: Desk, service: dict[str, tuple[int, object]]) -> None:
        service["/places"] = (200, {})
        assert "No place called" in (await desk("get_weather", place="Qwx")).output
