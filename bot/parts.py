"""The parts of the house, each made of the settings that concern it; `bot.app` puts them together."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from pydantic import SecretStr

from adapters.discord import DiscordAdapter, DiscordConfig
from adapters.slack import BACK, Installed, OAuthConfig, SlackAdapter, SlackConfig
from bot import VERSION
from bot.clock import SystemClock
from bot.configuration import GENERAL_INSTRUCTIONS, Around, Reading, Rules, read, staff
from bot.domain.assistants import Assistant, FunctionDefinition, FunctionTool
from bot.domain.ids import new_id
from bot.domain.workers import Role
from bot.errors import SettingsError
from bot.logs import set_up_logs
from bot.models import ModelConfig, RetryPolicy, connect
from bot.ports import Installations, ModelClient, Notes, Store
from bot.relay.contract import Adapter
from bot.sealing import Seal
from bot.settings import Settings
from bot.store import open_store
from bot.toolbox.functions import FunctionToolbox
from bot.toolbox.loader import load_tools

PLATFORMS = ("slack", "discord", "console")
"""Beginnings of the keys of channels."""


class Parts:
    """Makes the parts. What is open is closed when its context is left."""

    def __init__(self, settings: Settings) -> None:
        """Make them of `settings`; nothing is opened yet."""
        self.settings = settings

    @asynccontextmanager
    async def store(self, role: Role = "all") -> AsyncGenerator[Store]:
        """The database, until the context is left."""
        settings = self.settings.store
        async with open_store(
            settings.url,
            settings.data_dir,
            pool_size=settings.pool_size(role),
            direct_url=settings.database_direct_url,
        ) as store:
            yield store

    @asynccontextmanager
    async def toolbox(self, store: Store) -> AsyncGenerator[FunctionToolbox]:
        """The tools of TOOLS_DIR, ready to be called."""
        tools = load_tools(self.settings.tools.tools_dir)
        headers = {"User-Agent": f"parley/{VERSION}"}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60), headers=headers) as http:
            yield FunctionToolbox(tools, store.collections, http)

    @asynccontextmanager
    async def model(self, retry: RetryPolicy | None = None) -> AsyncGenerator[ModelClient]:
        """The connected model; `retry` instead of the usual patience."""
        settings = self.settings.model
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

    async def rules(self, store: Store, tools: Sequence[FunctionDefinition], model: ModelClient) -> Rules:
        """The operator's rules, with all assistants known to the store."""
        reading = self.reading([definition.name for definition in tools])
        everybody = staff(reading.file, self.assistant(tools, model))
        known = [await store.assistants.upsert(one) for one in everybody]
        return Rules(reading.file, self.settings.assistant.name, {one.name or "": one for one in known})

    def reading(self, tools: Sequence[str] | None) -> Reading:
        """The operator's file; without names of `tools`, which tools there are is not known."""
        assistant = self.settings.assistant
        around = Around(
            platforms=PLATFORMS,
            tools=None if tools is None else tuple(tools),
            usual=assistant.name,
            instructed=bool(assistant.instructions or assistant.instructions_file),
        )
        return read(self.settings.channels.file, around)

    def assistant(self, tools: Sequence[FunctionDefinition], model: ModelClient) -> Assistant:
        """The assistant of the settings."""
        return Assistant(
            id=new_id("asst_"),
            created_at=int(SystemClock().now()),
            name=self.settings.assistant.name,
            model=model.traits.name,
            instructions=self._instructions(),
            tools=tuple(FunctionTool(function=definition) for definition in tools),
        )

    def _instructions(self) -> str:
        settings = self.settings.assistant
        if settings.instructions_file is None:
            return settings.instructions or GENERAL_INSTRUCTIONS.format(name=settings.name)
        try:
            return settings.instructions_file.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"ASSISTANT_INSTRUCTIONS_FILE cannot be read: {error}.") from error

    def platforms(self, notes: Notes, installations: Installations | None, *, http: bool) -> list[Adapter]:
        """Adapters of what is configured; many workspaces only where it is known which they are."""
        adapters: list[Adapter] = []
        slack, discord = self.settings.slack, self.settings.discord
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
                        user_installs=discord.user_installs,
                    ),
                    notes,
                )
            )
        return adapters

    def _slack_oauth(self) -> OAuthConfig | None:
        slack, url = self.settings.slack, self.settings.installations.public_url
        if slack.client_id is None or slack.client_secret is None:
            return None
        back = f"{url.rstrip('/')}{BACK}" if url else None
        return OAuthConfig(client_id=slack.client_id, client_secret=slack.client_secret, redirect_url=back)

    def _slack_installed(self, installations: Installations | None) -> Installed | None:
        key = self.settings.installations.installations_key
        if self.settings.slack.client_id is None or key is None or installations is None:
            return None
        return Installed(installations, Seal(key.get_secret_value()))

    def log(self, level: str) -> None:
        """Send logs to standard error from this level on, unless LOG_LEVEL says otherwise."""
        process = self.settings.process
        set_up_logs(process.log_level or level, process.log_format, self.secrets())

    def secrets(self) -> list[str]:
        """Everything in the settings that nobody may see."""
        settings = self.settings
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
