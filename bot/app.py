"""The composition root: the only place that knows every part. Opens them in order and closes them in reverse."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.console import ConsoleAdapter, ConsoleConfig
from bot.clock import SystemClock
from bot.configuration import Rules
from bot.database_wait import patiently
from bot.domain.assistants import FunctionDefinition
from bot.domain.ids import new_id
from bot.domain.workers import RECEIVERS, WORKERS, Role
from bot.engine import Jobs, LaneWork, RunningRuns, Shifts
from bot.errors import SettingsError
from bot.examination import Examination
from bot.models import OFFLINE_MODEL
from bot.models.offline.coercion import coerced
from bot.parts import Parts
from bot.playground.demo import run_demo
from bot.ports import Activity, Asking, ModelClient, Store
from bot.relay import Relay, RelayPolicy
from bot.relay.connections import Connections
from bot.relay.contract import Adapter, Webhooks
from bot.relay.tokens import TokenCheck
from bot.settings import Settings, inherited_environment
from bot.stopping import stop_signals
from bot.store import migrate
from bot.toolbox.functions import FunctionToolbox
from bot.web import WebEntrance, WebServer
from bot.work import Work, background


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every command that works with conversations needs."""

    store: Store
    toolbox: FunctionToolbox
    model: ModelClient
    rules: Rules


@dataclass(frozen=True, slots=True)
class AtWork:
    """A process that does what its role is there for."""

    work: Work
    entrance: Connections | TokenCheck
    web: WebEntrance | None

    async def settled(self) -> None:
        """Wait until everything that is to be received can be."""
        await self.entrance.settled.wait()
        if self.web is not None:
            await self.web.settled.wait()


class Application:
    """The commands of the command line, one method each."""

    def __init__(self) -> None:
        """Read the settings and set up the logs.

        Raises:
            SettingsError: naming the variable.
        """
        self._settings = Settings()
        self._parts = Parts(self._settings)
        self._parts.log("INFO")

    async def run(self, role: Role, *, http: bool) -> None:
        """Do the work of a role on every configured platform until SIGTERM or Ctrl-C; with `http` also serve PORT."""
        self._settings.check_role(role, http=http)
        stopping = stop_signals()
        waiting = None if self._settings.store.sqlite else stopping
        # People install the app through the web server, although Slack's own deliveries may come through sockets.
        serving = http or (self._settings.slack.client_id is not None and role in RECEIVERS)
        async with self._web_server(wanted=serving) as server, self._workshop(role, waiting) as workshop:
            adapters = self._parts.platforms(workshop.store.notes, workshop.store.installations, http=http)
            async with self._at_work(workshop, adapters, role, server) as busy:
                await busy.work.until(busy.settled(), stopping)
                if not stopping.is_set():
                    print(_ready(role, adapters, busy, workshop.model, http=http), flush=True)  # noqa: T201 - the contract
                    await busy.work.until(stopping)

    async def chat(self, once: str | None) -> None:
        """Talk to the assistant in the terminal. Only warnings are logged unless LOG_LEVEL says otherwise.

        Args:
            once: ask this one question and end after its answer.
        """
        self._parts.log("WARNING")
        stopping = stop_signals()
        folder = self._settings.store.data_dir / "out"
        console = ConsoleAdapter(ConsoleConfig(folder=folder, once=once))
        async with self._workshop() as workshop, self._at_work(workshop, [console]) as busy:
            await busy.work.until(console.wait_closed(), stopping)

    async def demo(self, *, port: int, open_browser: bool, data_dir: Path | None) -> None:
        """Serve the playground and run the bot in it as a child process."""
        async with self._parts.model() as model:
            offline, name = model.traits.name == OFFLINE_MODEL, model.traits.name
        await run_demo(
            port=port,
            open_browser=open_browser,
            data_dir=data_dir,
            environment={**inherited_environment(), "LOG_FORMAT": "text"},
            command=[sys.executable, "-m", "bot", "run"],
            model_label="offline: no language model" if offline else name,
            model_hint="Set OPENAI_API_KEY (or OPENAI_BASE_URL for a local server) before starting to connect a model."
            if offline
            else "The connected model.",
        )

    async def tools(self, name: str | None, values: Sequence[str]) -> int:
        """List the tools, or run one with `key=value` arguments. Returns the exit code."""
        async with self._parts.store() as store, self._parts.toolbox(store) as toolbox:
            if name is None:
                for definition in toolbox.definitions():
                    print(f"{definition.name} ({toolbox.effect(definition.name)})\n  {definition.description}")  # noqa: T201
                    print(f"  {json.dumps(definition.parameters)}\n")  # noqa: T201
                return 0
            offered = {definition.name: definition for definition in toolbox.definitions()}
            arguments = _arguments(values, offered.get(name))
            if (refusal := toolbox.refuse(name, arguments)) is not None:
                print(refusal, file=sys.stderr)  # noqa: T201
                return 1
            outcome = await toolbox.run(name, arguments, Asking(None, "command-line", "", new_id("call_")))
            print(outcome.output)  # noqa: T201
            return 0 if outcome.state == "done" else 1

    async def migrate(self) -> str:
        """Bring the database schema up to date. Returns its revision."""
        store = self._settings.store
        return await migrate(store.url, store.data_dir, direct_url=store.database_direct_url)

    async def explain(self, channel: str) -> str:
        """What is in force in a channel and why, or which channels may be meant by a part of a key."""
        self._parts.log("WARNING")
        return await Examination(self._parts).explain(channel)

    async def doctor(self) -> tuple[str, bool]:
        """Examine the whole set-up. Returns a page for people, and whether nothing is broken."""
        self._parts.log("WARNING")
        return await Examination(self._parts).doctor()

    # --- parts --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _workshop(self, role: Role = "all", stopping: asyncio.Event | None = None) -> AsyncGenerator[Workshop]:
        """What all work needs. With `stopping`, waits for a database that cannot be reached yet."""
        async with AsyncExitStack() as stack:
            store = await (
                stack.enter_async_context(self._parts.store(role))
                if stopping is None
                else patiently(lambda: stack.enter_async_context(self._parts.store(role)), stopping)
            )
            toolbox = await stack.enter_async_context(self._parts.toolbox(store))
            model = await stack.enter_async_context(self._parts.model())
            rules = await self._parts.rules(store, toolbox.definitions(), model)
            yield Workshop(store, toolbox, model, rules)

    @asynccontextmanager
    async def _web_server(self, *, wanted: bool) -> AsyncGenerator[WebServer | None]:
        """Listens before anything else is waited for: platforms end a web process that takes long to bind its port."""
        if not wanted:
            yield None
            return
        settings = self._settings.web
        async with WebServer(settings.bind_address, settings.port) as server:
            yield server

    @asynccontextmanager
    async def _at_work(
        self,
        workshop: Workshop,
        adapters: Sequence[Adapter],
        role: Role = "all",
        server: WebServer | None = None,
    ) -> AsyncGenerator[AtWork]:
        """The activities of a role.

        Leaving it stops receiving first, then lets running answers finish, then closes what their last edits needed.
        """
        store, clock, process = workshop.store, SystemClock(), self._settings.process
        control = RunningRuns(store.runs)
        policy = RelayPolicy(run_lifetime=process.run_lifetime)
        relay = Relay(store, adapters, workshop.rules, clock, control, policy)
        if role in RECEIVERS:
            entrance = Connections(adapters, relay.reception, store.duties, clock)
        else:
            entrance = TokenCheck(adapters, clock)
        web = None if server is None else self._web_entrance(server, store, adapters, relay, role)
        activities: list[Activity] = [entrance] if web is None else [web, entrance]
        if role in WORKERS:
            platforms = [adapter.capabilities.platform for adapter in adapters]
            activities += [
                LaneWork(store, workshop.model, workshop.toolbox, relay, clock, control, platforms=platforms),
                Jobs(store, clock, retention_days=process.retention_days),
            ]
        shifts = Shifts(store, clock, control, None, role, activities)
        async with AsyncExitStack() as stack:
            for adapter in adapters:
                stack.push_async_callback(adapter.close)
            yield AtWork(await stack.enter_async_context(background(shifts.run(), "work")), entrance, web)

    def _web_entrance(
        self, server: WebServer, store: Store, adapters: Sequence[Adapter], relay: Relay, role: Role
    ) -> WebEntrance:
        """A process that does not receive tells its health only."""
        offers = {
            adapter.capabilities.platform: (adapter, relay.reception(adapter.capabilities.platform))
            for adapter in adapters
            if role in RECEIVERS and isinstance(adapter, Webhooks)
        }
        return WebEntrance(server, offers, lambda: store.notes.read("ready"), SystemClock())


def _ready(role: Role, adapters: Sequence[Adapter], busy: AtWork, model: ModelClient, *, http: bool) -> str:
    """The line that says what this process does from now on."""
    names = ", ".join(_shown(adapter, busy, http=http) for adapter in adapters)
    beginning = "ready" if role == "all" else f"ready {role}:"
    line = f"{beginning} {names} · model {model.traits.name}" if role in WORKERS else f"{beginning} {names}"
    return line if busy.web is None else f"{line} · port {busy.web.port}"


def _shown(adapter: Adapter, busy: AtWork, *, http: bool) -> str:
    platform, label = adapter.capabilities.platform, adapter.capabilities.label
    if http and busy.web is not None and platform in busy.web.serving:
        return f"{label} over HTTP"
    standing_by = busy.entrance.states()[platform] == "standing by"
    return f"{label} (standing by: another process is connected)" if standing_by else label


def _arguments(values: Sequence[str], definition: FunctionDefinition | None) -> str:
    """`key=value` words as a JSON object; the tool's schema says which values are more than text."""
    schema = definition.parameters if definition else {}
    properties = schema.get("properties", {})
    arguments: dict[str, object] = {}
    for word in values:
        key, equals, value = word.partition("=")
        if not equals:
            raise SettingsError(f"{word!r} is not of the form key=value.")
        arguments[key] = coerced(value, properties.get(key), schema)
    return json.dumps(arguments)
