"""An app for many workspaces in a test: its deployment on one store, and a person with a browser who installs it."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from types import TracebackType
from typing import Literal, Self

import aiohttp
from yarl import URL

from adapters.slack import BACK, Installed, SlackAdapter, SlackConfig
from adapters.slack.http import EVENTS
from bot.playground.slack import SlackStandIn
from bot.ports import Store
from bot.relay.contract import Reception
from bot.sealing import Seal
from bot.web import WebServer
from tests.adapters.slack.conftest import QUICK
from tests.adapters.slack.serving import LIMITS

KEY = "k" * 42 + "o="
ACME = "T00PARLEY2"
"""The first workspace that a test founds."""


@dataclass
class Deployment:
    """What all processes of an app for many workspaces share."""

    slack: SlackStandIn
    store: Store
    key: str = KEY
    processes: list["Process"] = field(default_factory=list["Process"])

    @property
    def installed(self) -> Installed:
        """What is kept, opened."""
        return Installed(self.store.installations, Seal(self.key))

    async def tenants(self) -> set[str]:
        """Where it is installed."""
        return {name.removeprefix("slack:") for name in await self.store.installations.all("slack:")}

    async def until(self, tenants: set[str]) -> None:
        """Wait until it is installed just there."""
        async with asyncio.timeout(10.0):
            found = await self.tenants()
            while found != tenants:
                await asyncio.sleep(0.02)
                found = await self.tenants()

    async def token(self, tenant: str) -> str:
        """The token that is kept."""
        kept = await self.installed.read(tenant)
        assert kept is not None
        return kept.installation.token.get_secret_value()

    @asynccontextmanager
    async def process(self, reception: Reception, *, http: bool = False) -> AsyncGenerator["Process"]:
        """A process that receives, writes, and serves the pages of installations."""
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(WebServer("127.0.0.1", 0, LIMITS))
            url = f"http://127.0.0.1:{server.port}"
            self.slack.installs.redirect_urls.append(f"{url}{BACK}")
            adapter = self.adapter(f"{url}{BACK}", http=http)
            stack.push_async_callback(adapter.close)
            server.open(await stack.enter_async_context(adapter.webhooks(reception)))
            for name in await adapter.connections():
                await stack.enter_async_context(adapter.connected(name, reception))
            if http:
                await self.slack.subscribe(f"{url}{EVENTS}")
            yield Process(adapter, url)
            server.shut("ending")
            await server.idle()

    def adapter(self, redirect_url: str = "", *, http: bool = False) -> SlackAdapter:
        """A process that is not connected: a worker, say."""
        config = SlackConfig.model_validate(
            {
                "oauth": {
                    "client_id": self.slack.installs.client_id,
                    "client_secret": self.slack.installs.client_secret,
                    "redirect_url": redirect_url,
                },
                "app_token": self.slack.app_token,
                "signing_secret": self.slack.signing_secret if http else None,
                "api_url": self.slack.api_url,
                "connections": 1,
                "share_waits": (0.05, 0.1, 0.2),
                "look_waits": (0.0, 0.1, 0.1),
            }
        )
        return SlackAdapter(config, self.store.notes, QUICK, self.installed)


@dataclass
class Process:
    """One of them."""

    adapter: SlackAdapter
    url: str


@dataclass
class Page:
    """What a browser shows."""

    status: int
    url: URL
    html: str
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def title(self) -> str:
        """Its heading."""
        found = re.search(r"<h1>(.*?)</h1>", self.html)
        return unescape(found[1]) if found else ""


class Browser:
    """A person's browser: it keeps cookies and follows redirects."""

    def __init__(self) -> None:
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def open(self, url: str, *, follow: bool = True) -> Page:
        """Go to an address."""
        async with self._http.get(url, allow_redirects=follow) as response:
            return Page(response.status, response.url, await response.text(), dict(response.headers))

    async def decide(
        self, page: Page, tenant: str, decision: Literal["allow", "cancel"], *, follow: bool = True
    ) -> Page:
        """Press a button on Slack's page."""
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.html))
        fields = {name: unescape(value) for name, value in form.items()} | {"team": tenant, "decision": decision}
        address = page.url.join(URL("/oauth/v2/authorize"))
        async with self._http.post(address, data=fields, allow_redirects=follow) as response:
            return Page(response.status, response.url, await response.text(), dict(response.headers))

    async def install(self, process_url: str, tenant: str) -> Page:
        """From our address to the page at the end."""
        return await self.decide(await self.open(f"{process_url}/slack/install"), tenant, "allow")


async def install(process: Process, tenant: str) -> None:
    """Somebody installs the app there."""
    async with Browser() as browser:
        page = await browser.install(process.url, tenant)
    assert page.status == 200, page.title
    assert page.title.startswith("Installed in"), page.title
