"""The composition root: the only place that knows every part. Opens them in order and closes them in reverse."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import structlog
from pydantic import SecretStr

from adapters.console import ConsoleAdapter, ConsoleConfig
from adapters.discord import DiscordAdapter, DiscordConfig
from adapters.slack import BACK, Installed, OAuthConfig, SlackAdapter, SlackConfig
from bot import VERSION, doctor
from bot.clock import SystemClock
from bot.configuration import GENERAL_INSTRUCTIONS, Around, Reading, Rules, Told, explain, read, staff, which_channel
from bot.database_wait import patiently
from bot.doctor import Check, NothingNoted
from bot.domain.assistants import Assistant, FunctionDefinition, FunctionTool
from bot.domain.ids import new_id
from bot.domain.workers import RECEIVERS, WORKERS, Role
from bot.engine import Jobs, LaneWork, RunningRuns, Shifts
from bot.errors import SettingsError
from bot.logs import set_up_logs, without_secrets
from bot.models import OFFLINE_MODEL, ModelConfig, RetryPolicy, connect
from bot.models.offline.coercion import coerced
from bot.playground.demo import run_demo
from bot.ports import Activity, Asking, Installations, ModelClient, Notes, Store
from bot.relay import Relay, RelayPolicy
from bot.relay.connections import Connections
from bot.relay.contract import Adapter, Finding, Webhooks
from bot.relay.tokens import TokenCheck
from bot.sealing import Seal
from bot.settings import Settings, inherited_environment
from bot.stopping import stop_signals
from bot.store import channels_used, condition, migrate, open_store, registers
from bot.toolbox.functions import FunctionToolbox
from bot.toolbox.loader import load_tools
from bot.web import WebEntrance, WebServer
from bot.work import Work, background

log = structlog.get_logger()

PLATFORMS = ("slack", "discord", "console")
"""Beginnings of the keys of channels."""
_MOST_CHANNELS = 30
"""Channels that are listed when a part of a key may mean several."""


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
        self._log("INFO")

    async def run(self, role: Role, *, http: bool) -> None:
        """Do the work of a role on every configured platform until SIGTERM or Ctrl-C; with `http` also serve PORT."""
        self._settings.check_role(role, http=http)
        stopping = stop_signals()
        waiting = None if self._settings.store.sqlite else stopping
        # People install the app through the web server, although Slack's own deliveries may come through sockets.
        serving = http or (self._settings.slack.client_id is not None and role in RECEIVERS)
        async with self._web_server(wanted=serving) as server, self._workshop(role, waiting) as workshop:
            adapters = self._platforms(workshop.store.notes, workshop.store.installations, http=http)
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
        self._log("WARNING")
        stopping = stop_signals()
        folder = self._settings.store.data_dir / "out"
        console = ConsoleAdapter(ConsoleConfig(folder=folder, once=once))
        async with self._workshop() as workshop, self._at_work(workshop, [console]) as busy:
            await busy.work.until(console.wait_closed(), stopping)

    async def demo(self, *, port: int, open_browser: bool, data_dir: Path | None) -> None:
        """Serve the playground and run the bot in it as a child process."""
        async with self._model() as model:
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
        async with self._store() as store, self._toolbox(store) as toolbox:
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
        self._log("WARNING")
        if not _is_key(channel):
            found = await channels_used(self._settings.store.url, channel, _MOST_CHANNELS)
            if len(found) != 1:
                return which_channel(channel, found)
            (channel,) = found
        tools = [one.definition for one in load_tools(self._settings.tools.tools_dir)]
        reading = self._reading([definition.name for definition in tools])
        async with self._model() as model:
            everybody = staff(reading.file, self._assistant(tools, model))
            rules = Rules(reading.file, self._settings.assistant.name, {one.name or "": one for one in everybody})
            return explain(channel, reading, rules, self._told(model))

    def _told(self, model: ModelClient) -> Told:
        assistant, name = self._settings.assistant, self._settings.model.openai_model
        instructions = (
            "ASSISTANT_INSTRUCTIONS_FILE"
            if assistant.instructions_file
            else ("ASSISTANT_INSTRUCTIONS" if assistant.instructions else "the general ones")
        )
        offline = model.traits.name == OFFLINE_MODEL
        source = "no provider is configured" if offline else ("OPENAI_MODEL" if name else "the provider's usual one")
        return Told(usual=assistant.name, instructions=instructions, model=source, offline=offline)

    async def doctor(self) -> tuple[str, bool]:
        """Examine the whole set-up. Returns a page for people, and whether nothing is broken."""
        self._log("WARNING")
        findings = await doctor.examined(self._checks())
        return without_secrets(doctor.page(findings), self._secrets()), all(one.state != "bad" for one in findings)

    def _checks(self) -> list[Check]:
        settings = self._settings
        store, folder = settings.store, settings.tools.tools_dir
        return [
            Check("Settings", self._check_settings),
            Check("Database", partial(doctor.database, partial(condition, store.url, store.database_direct_url))),
            Check("Data folder", partial(doctor.folder, store.data_dir), "Set DATA_DIR to a folder on a local disk."),
            Check("Clock", doctor.clock),
            Check("Model", self._check_models, "See whether OPENAI_BASE_URL can be reached from this machine."),
            Check(f"Tools in {folder}", partial(doctor.tools, folder, partial(load_tools, folder), self._reading)),
            Check(doctor.CHANNELS, partial(doctor.channels, self._reading)),
            Check("Platforms", self._check_platforms),
        ]

    async def _check_settings(self) -> list[Finding]:
        """They were read, or this would not run. What is not set is said."""
        slack, discord = self._settings.slack, self._settings.discord
        try:
            self._settings.check_role("all", http=self._over_http)
        except SettingsError as error:
            say = doctor.bad if slack.configured or discord.token else doctor.warning
            found = [say("Settings", "`run` would not start", str(error))]
        else:
            found = [doctor.good("Settings")]
        for label, configured, name in (
            ("Slack", slack.configured, "SLACK_BOT_TOKEN"),
            ("Discord", discord.token is not None, "DISCORD_TOKEN"),
        ):
            if not configured:
                found.append(doctor.good(label, f"not configured ({name} is not set)"))
        return found

    @property
    def _over_http(self) -> bool:
        """Whether Slack's deliveries come to our web server, as far as the settings tell."""
        return self._settings.slack.signing_secret is not None and self._settings.slack.app_token is None

    async def _check_platforms(self) -> Sequence[Finding]:
        async with registers(self._settings.store.url) as kept:
            if kept is None and self._settings.slack.client_id is not None:
                return (doctor.good("Slack", "no workspace has installed the app yet"),)
            notes, installations = (kept.notes, kept.installations) if kept else (NothingNoted(), None)
            adapters = self._platforms(notes, installations, http=self._over_http)
            fix = "See whether this machine may reach it (proxy, firewall)."
            looks = [Check(one.capabilities.label, partial(doctor.platform, one), fix) for one in adapters]
            return await doctor.examined(looks, doctor.SECONDS_WITHIN)

    async def _check_models(self) -> Sequence[Finding]:
        """The one of the settings, and those that the file names for its assistants."""
        async with self._model(RetryPolicy(attempts=1)) as model:
            offline = model.traits.name == OFFLINE_MODEL
            checks = [Check("Model", partial(doctor.model, model, offline=offline, named_by="OPENAI_MODEL"))]
            for name in () if offline else sorted(self._models_of_the_file() - {model.traits.name}):
                look = partial(doctor.model, model.named(name), offline=False, named_by="the file of assistants")
                checks.append(Check(f"Model {name}", look))
            return await doctor.examined(checks, doctor.SECONDS_WITHIN)

    def _models_of_the_file(self) -> set[str]:
        try:
            tables = self._reading(None).file.assistants.values()
        except SettingsError:
            return set()  # told by a check of its own
        return {table.model for table in tables if table.model is not None}

    # --- parts --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _workshop(self, role: Role = "all", stopping: asyncio.Event | None = None) -> AsyncGenerator[Workshop]:
        """What all work needs. With `stopping`, waits for a database that cannot be reached yet."""
        async with AsyncExitStack() as stack:
            store = await (
                stack.enter_async_context(self._store(role))
                if stopping is None
                else patiently(lambda: stack.enter_async_context(self._store(role)), stopping)
            )
            toolbox = await stack.enter_async_context(self._toolbox(store))
            model = await stack.enter_async_context(self._model())
            rules = await self._rules(store, toolbox.definitions(), model)
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

    @asynccontextmanager
    async def _store(self, role: Role = "all") -> AsyncGenerator[Store]:
        settings = self._settings.store
        async with open_store(
            settings.url,
            settings.data_dir,
            pool_size=settings.pool_size(role),
            direct_url=settings.database_direct_url,
        ) as store:
            yield store

    @asynccontextmanager
    async def _toolbox(self, store: Store) -> AsyncGenerator[FunctionToolbox]:
        tools = load_tools(self._settings.tools.tools_dir)
        headers = {"User-Agent": f"parley/{VERSION}"}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60), headers=headers) as http:
            yield FunctionToolbox(tools, store.collections, http)

    @asynccontextmanager
    async def _model(self, retry: RetryPolicy | None = None) -> AsyncGenerator[ModelClient]:
        settings = self._settings.model
        model = connect(
            ModelConfig(
                provider=settings.model_provider,
                api_key=settings.openai_api_key or SecretStr(""),
                base_url=settings.openai_base_url or "",
                model=settings.openai_model,
                wire=settings.openai_wire,
                context_tokens=settings.openai_context_tokens,
                offline_pace=settings.offline_pace,
                retry=retry or RetryPolicy(),
            )
        )
        try:
            yield model
        finally:
            await model.close()

    async def _rules(self, store: Store, tools: Sequence[FunctionDefinition], model: ModelClient) -> Rules:
        """The operator's rules, with all assistants known to the store."""
        reading = self._reading([definition.name for definition in tools])
        everybody = staff(reading.file, self._assistant(tools, model))
        known = [await store.assistants.upsert(one) for one in everybody]
        return Rules(reading.file, self._settings.assistant.name, {one.name or "": one for one in known})

    def _reading(self, tools: Sequence[str] | None) -> Reading:
        """The operator's file; without names of `tools`, which tools there are is not known."""
        assistant = self._settings.assistant
        around = Around(
            platforms=PLATFORMS,
            tools=None if tools is None else tuple(tools),
            usual=assistant.name,
            instructed=bool(assistant.instructions or assistant.instructions_file),
        )
        return read(self._settings.channels.file, around)

    def _assistant(self, tools: Sequence[FunctionDefinition], model: ModelClient) -> Assistant:
        """The assistant of the settings."""
        return Assistant(
            id=new_id("asst_"),
            created_at=int(SystemClock().now()),
            name=self._settings.assistant.name,
            model=model.traits.name,
            instructions=self._instructions(),
            tools=tuple(FunctionTool(function=definition) for definition in tools),
        )

    def _instructions(self) -> str:
        settings = self._settings.assistant
        if settings.instructions_file is None:
            return settings.instructions or GENERAL_INSTRUCTIONS.format(name=settings.name)
        try:
            return settings.instructions_file.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"ASSISTANT_INSTRUCTIONS_FILE cannot be read: {error}.") from error

    def _platforms(self, notes: Notes, installations: Installations | None, *, http: bool) -> list[Adapter]:
        """Adapters of what is configured; many workspaces only where it is known which they are."""
        adapters: list[Adapter] = []
        slack, discord = self._settings.slack, self._settings.discord
        if slack.bot_token or (slack.configured and installations):
            config = SlackConfig(
                bot_token=slack.bot_token,
                oauth=self._slack_oauth(),
                app_token=slack.app_token,
                signing_secret=slack.signing_secret if http else None,
                api_url=slack.api_url,
                dm=slack.dm_mode,
                channels=slack.channel_mode,
            )
            adapters.append(SlackAdapter(config, notes, installed=self._slack_installed(installations)))
        if discord.token:
            adapters.append(
                DiscordAdapter(
                    DiscordConfig(
                        token=discord.token,
                        api_url=discord.api_url,
                        gateway_url=discord.gateway_url,
                        guild_id=discord.guild_id,
                        message_content=discord.message_content,
                    ),
                    notes,
                )
            )
        return adapters

    def _slack_oauth(self) -> OAuthConfig | None:
        slack, url = self._settings.slack, self._settings.installations.public_url
        if slack.client_id is None or slack.client_secret is None:
            return None
        back = f"{url.rstrip('/')}{BACK}" if url else None
        return OAuthConfig(client_id=slack.client_id, client_secret=slack.client_secret, redirect_url=back)

    def _slack_installed(self, installations: Installations | None) -> Installed | None:
        key = self._settings.installations.installations_key
        if self._settings.slack.client_id is None or key is None or installations is None:
            return None
        return Installed(installations, Seal(key.get_secret_value()))

    def _log(self, level: str) -> None:
        process = self._settings.process
        set_up_logs(process.log_level or level, process.log_format, self._secrets())

    def _secrets(self) -> list[str]:
        settings = self._settings
        tokens = (
            settings.slack.bot_token,
            settings.slack.app_token,
            settings.slack.signing_secret,
            settings.slack.client_secret,
            settings.discord.token,
            settings.model.openai_api_key,
        )
        key = settings.installations.installations_key
        keys = key.get_secret_value().split(",") if key else []
        return [*(token.get_secret_value() for token in tokens if token), *(one.strip() for one in keys)]


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


def _is_key(channel: str) -> bool:
    """Whether it is a whole key (`slack:TEAM:CHANNEL`), not a part of one."""
    platform, *rest = channel.split(":")
    return platform in PLATFORMS and (len(rest) > 1 or platform == "console")


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
