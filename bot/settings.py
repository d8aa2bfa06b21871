"""The environment, read in one place. Each part of the bot is given its own small settings object by `bot.app`.

The descriptions below are the documentation: `docs/settings.md` and `.env.example` list the same names, and a test
fails when they do not.
"""

import difflib
import os
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.domain.workers import RECEIVERS, Role
from bot.errors import SettingsError
from bot.sealing import HOW_TO_MAKE_ONE, KEY_SETTING, Seal

_FOREIGN = frozenset({"OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_BASE", "OPENAI_API_TYPE"})
"""Names of other programs that look like ours."""

_ALIASES = {"DISCORD_BOT_TOKEN": "DISCORD_TOKEN", "SLACK_TOKEN": "SLACK_BOT_TOKEN", "DATABASE": "DATABASE_URL"}
"""Names that many would guess."""

Part = TypeVar("Part", bound=BaseSettings)


def _from(prefix: str = "") -> SettingsConfigDict:
    return SettingsConfigDict(
        env_prefix=prefix,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        env_ignore_empty=True,
        protected_namespaces=(),
    )


class StoreSettings(BaseSettings):
    """Where everything is kept."""

    model_config = _from()

    database_url: str = Field("", description="Database; empty means SQLite under DATA_DIR. postgres:// is understood.")
    database_direct_url: str = Field(
        "", description="The same Postgres past PgBouncer, when DATABASE_URL goes through it in transaction mode."
    )
    data_dir: Path = Field(Path(".data"), description="Folder of the SQLite database and of stored files.")
    database_pool_size: int | None = Field(
        None,
        ge=1,
        le=50,
        description="Postgres connections of a process besides one for its heartbeat; 4, or 2 each "
        "for gateways and workers.",
    )

    @property
    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'parley.db'}"

    @property
    def sqlite(self) -> bool:
        """Whether it is a database for one process only."""
        return self.url.startswith("sqlite")

    def pool_size(self, role: Role) -> int:
        """Connections of a process, so that a small plan (20 connections) holds two generations during a deploy."""
        return self.database_pool_size or (4 if role == "all" else 2)


class SlackSettings(BaseSettings):
    """One Slack workspace or many, over Socket Mode or, with `run --http`, over signed requests."""

    model_config = _from("SLACK_")

    bot_token: SecretStr | None = Field(None, description="Bot token, starts with xoxb-.")
    app_token: SecretStr | None = Field(None, description="App-level token with connections:write, starts with xapp-.")
    signing_secret: SecretStr | None = Field(
        None, description="Signing secret of the app: `run --http` needs it, and no app-level token."
    )
    client_id: str | None = Field(
        None, description="Client id of the app: instead of SLACK_BOT_TOKEN, for all workspaces that install the app."
    )
    client_secret: SecretStr | None = Field(None, description="Client secret of the app; goes with SLACK_CLIENT_ID.")
    dm_mode: Literal["native", "edit"] = Field(
        "native",
        description="How answers grow in direct messages: as Slack's own stream, or as a message that is edited.",
    )
    channel_mode: Literal["native", "edit"] = Field(
        "edit", description="The same in channels, where only the person who asked sees Slack's own stream grow."
    )
    api_url: str | None = Field(None, description="Another Slack Web API than slack.com (tests, proxies).")

    @property
    def configured(self) -> bool:
        """Whether Slack is to be connected at all."""
        return self.bot_token is not None or self.client_id is not None


class DiscordSettings(BaseSettings):
    """One Discord application."""

    model_config = _from("DISCORD_")

    token: SecretStr | None = Field(None, description="Bot token of the Discord application.")
    api_url: str | None = Field(None, description="Another Discord REST API, ends in /api/v10 (tests, proxies).")
    gateway_url: str | None = Field(None, description="Another Discord gateway, ws:// or wss:// (tests, proxies).")
    guild_id: int | None = Field(None, description="Register slash commands in this one server, at once (development).")
    message_content: bool = Field(
        True, description="Ask for the message-content intent, so that follow-ups in threads need no mention."
    )
    user_installs: bool = Field(
        False,
        description="Answer people who have installed the application for themselves, also in groups and servers "
        "without the bot. Whoever can install it may use every tool then that no table for "
        "`discord:guest:*` withholds.",
    )


class WebSettings(BaseSettings):
    """The web server of `run --http`."""

    model_config = _from()

    port: int = Field(8080, ge=0, le=65_535, description="Port of the web server of `run --http`; 0 takes a free one.")
    bind_address: str = Field(
        "0.0.0.0",  # noqa: S104 - platforms send their requests from outside
        description="Address that the web server listens on; 127.0.0.1 behind a proxy on the same machine.",
    )


class InstallationSettings(BaseSettings):
    """Serving many workspaces: how people get here, and how their tokens are kept."""

    model_config = _from()

    public_url: str = Field(
        "",
        description="Where people reach the web server, e.g. https://bot.example.com. Its /slack/oauth_redirect is "
        "the app's redirect URL; may be empty when the app's page at Slack names just one.",
    )
    installations_key: SecretStr | None = Field(
        None,
        description="Key by which the tokens of installed workspaces are encrypted. Several are separated by commas: "
        "the first encrypts, all decrypt.",
    )


class ModelSettings(BaseSettings):
    """The language model."""

    model_config = _from()

    model_provider: Literal["auto", "openai", "azure", "offline"] = Field(
        "auto", description="`auto` is openai when there is a key or base URL, otherwise offline: no language model."
    )
    openai_api_key: SecretStr | None = Field(None, description="Key of the provider.")
    openai_base_url: str | None = Field(
        None, description="Any OpenAI-compatible API, for example http://localhost:11434/v1."
    )
    openai_model: str = Field(
        "", description="Model name, with Azure the name of the deployment; empty means gpt-5.4 at OpenAI itself."
    )
    openai_wire: Literal["auto", "responses", "chat"] = Field(
        "auto", description="Which API to speak; `auto` tries Responses first and remembers."
    )
    openai_context_tokens: int | None = Field(
        None, ge=2_000, description="Size of the model's window in tokens, when the built-in table does not know it."
    )
    offline_pace: float = Field(
        0.03, ge=0, le=5, description="Seconds per word of the offline provider, so that one sees its answer arrive."
    )


class AssistantSettings(BaseSettings):
    """Who answers where nothing else is said."""

    model_config = _from("ASSISTANT_")

    name: str = Field("Parley", max_length=256, description="Name of the assistant.")
    instructions: str = Field("", max_length=256_000, description="What the assistant is for and how it should answer.")
    instructions_file: Path | None = Field(None, description="The same as a file; excludes ASSISTANT_INSTRUCTIONS.")


class ChannelSettings(BaseSettings):
    """Who answers in which channel."""

    model_config = _from()

    assistants_file: Path | None = Field(
        None, description="File with assistants and rules for channels; empty means assistants.toml, if there is one."
    )

    @property
    def file(self) -> Path | None:
        """The file in force, None when there is none. Looks into the folder."""
        usual = Path("assistants.toml")
        return self.assistants_file or (usual if usual.exists() else None)


class ToolSettings(BaseSettings):
    """The team's own functions."""

    model_config = _from()

    tools_dir: Path = Field(Path("tools"), description="Folder of Python files whose public functions are tools.")


class ProcessSettings(BaseSettings):
    """Logs and limits."""

    model_config = _from()

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = Field(
        None, description="Least level that is logged: DEBUG, INFO, WARNING, ERROR. Empty is INFO, in `chat` WARNING."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="`auto` is readable text on a terminal and JSON elsewhere."
    )
    run_lifetime: int = Field(
        600, ge=10, le=86_400, description="Seconds from a message's turn until its unfinished answer expires."
    )
    retention_days: int | None = Field(
        None, ge=1, description="Conversations in which nothing was said for so many days are deleted; empty keeps all."
    )


class Settings:
    """All settings, one attribute per part. Constructing it reads the environment and `.env`."""

    def __init__(self) -> None:
        """Read everything.

        Raises:
            SettingsError: one sentence a problem; each names its variable.
        """
        self.store = _read(StoreSettings)
        self.slack = _read(SlackSettings)
        self.discord = _read(DiscordSettings)
        self.web = _read(WebSettings)
        self.installations = _read(InstallationSettings)
        self.model = _read(ModelSettings)
        self.assistant = _read(AssistantSettings)
        self.channels = _read(ChannelSettings)
        self.tools = _read(ToolSettings)
        self.process = _read(ProcessSettings)
        _check_names()
        _check(self)

    def check_role(self, role: Role, *, http: bool = False) -> None:
        """Refuse a role that these settings do not suffice for; with `http` Slack sends requests.

        Raises:
            SettingsError: one sentence that names the variable.
        """
        if not (self.slack.configured or self.discord.token):
            raise SettingsError(
                "There is nothing to connect to: set SLACK_BOT_TOKEN and SLACK_APP_TOKEN, or DISCORD_TOKEN. "
                "`python -m bot demo` needs none of them."
            )
        if role in RECEIVERS and self.slack.configured:
            self._check_slack_reaches_us(http=http)
        if role != "all" and self.store.sqlite:
            raise SettingsError(
                f"`--role {role}` is for several processes, and SQLite takes one: set DATABASE_URL to PostgreSQL, or "
                "leave the role out."
            )

    def _check_slack_reaches_us(self, *, http: bool) -> None:
        if http and not self.slack.signing_secret:
            raise SettingsError(
                "SLACK_SIGNING_SECRET is missing: `--http` takes nothing that Slack has not signed. It is on the app's "
                "page under Basic Information, App Credentials."
            )
        if not http and not self.slack.app_token:
            raise SettingsError(
                f"SLACK_APP_TOKEN is missing: Socket Mode needs it besides "
                f"{'SLACK_BOT_TOKEN' if self.slack.bot_token else 'SLACK_CLIENT_ID'}. (Slack over HTTP is "
                "`run --http`.)"
            )


PARTS: tuple[type[BaseSettings], ...] = (
    StoreSettings,
    SlackSettings,
    DiscordSettings,
    WebSettings,
    InstallationSettings,
    ModelSettings,
    AssistantSettings,
    ChannelSettings,
    ToolSettings,
    ProcessSettings,
)


def variable(part: type[BaseSettings], field: str) -> str:
    """Name of the environment variable behind a field."""
    return f"{part.model_config.get('env_prefix', '')}{field}".upper()


def inherited_environment() -> dict[str, str]:
    """The operator's whole environment, for a bot that is started as a child process."""
    return dict(os.environ)


def _read(part: type[Part]) -> Part:
    try:
        return part()
    except ValidationError as error:
        raise SettingsError(
            "\n".join(
                f"{variable(part, str(found['loc'][0]).lower().removeprefix(_prefix(part)))}: {found['msg']}."
                for found in error.errors(include_url=False, include_input=False)
            )
        ) from None  # the original shows the value, which may be a secret


def _prefix(part: type[BaseSettings]) -> str:
    return part.model_config.get("env_prefix", "").lower()


def _check_names() -> None:
    """A misspelt setting would be ignored silently; a name that is or nearly is one of ours stops the start instead."""
    known = {variable(part, field) for part in PARTS for field in part.model_fields}
    for name in os.environ.keys() | dotenv_values(".env").keys():
        if name in known | _FOREIGN:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.88)
        if _ALIASES.get(name) or near:
            raise SettingsError(f"{name} is not a setting; did you mean {_ALIASES.get(name) or near[0]}?")
        if name.startswith(("SLACK_", "DISCORD_")):
            raise SettingsError(f"{name} is not a setting; docs/settings.md lists those that are.")


def _check_many_workspaces(settings: Settings) -> None:
    """One workspace by its token, or many by the app's credentials."""
    slack, installations = settings.slack, settings.installations
    for there, missing, name in (
        (slack.client_id, slack.client_secret, "SLACK_CLIENT_SECRET"),
        (slack.client_secret, slack.client_id, "SLACK_CLIENT_ID"),
    ):
        if there and not missing:
            raise SettingsError(f"{name} is missing: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET go together.")
    if slack.client_id and slack.bot_token:
        raise SettingsError(
            "SLACK_BOT_TOKEN serves one workspace and SLACK_CLIENT_ID all that install the app: remove one of them."
        )
    if slack.client_id and installations.installations_key is None:
        raise SettingsError(f"{KEY_SETTING} is missing: SLACK_CLIENT_ID needs it. {HOW_TO_MAKE_ONE}")
    if installations.installations_key is not None:
        Seal(installations.installations_key.get_secret_value())
    url = urlsplit(installations.public_url)
    if installations.public_url and not (url.scheme in ("http", "https") and url.netloc and not url.query):
        raise SettingsError("PUBLIC_URL must be an address like https://bot.example.com.")


def _check(settings: Settings) -> None:
    """Settings that contradict each other."""
    slack = settings.slack
    _check_many_workspaces(settings)
    if slack.app_token and not slack.configured:
        raise SettingsError("SLACK_BOT_TOKEN is missing: SLACK_APP_TOKEN alone cannot post anything.")
    for name, token, start in (
        ("SLACK_BOT_TOKEN", slack.bot_token, "xoxb-"),
        ("SLACK_APP_TOKEN", slack.app_token, "xapp-"),
    ):
        if token and not token.get_secret_value().startswith(start):
            raise SettingsError(f"{name} must start with {start}: was it mixed up with another token?")
    if slack.signing_secret and slack.signing_secret.get_secret_value().startswith(("xox", "xapp-")):
        raise SettingsError("SLACK_SIGNING_SECRET is a token: was it mixed up with another setting?")
    if settings.assistant.instructions and settings.assistant.instructions_file:
        raise SettingsError("ASSISTANT_INSTRUCTIONS and ASSISTANT_INSTRUCTIONS_FILE are both set: keep one of them.")
    model = settings.model
    if model.model_provider == "azure" and not (model.openai_base_url and model.openai_api_key):
        raise SettingsError("MODEL_PROVIDER=azure needs OPENAI_BASE_URL (the resource's URL) and OPENAI_API_KEY.")
    if model.model_provider == "openai" and not (model.openai_api_key or model.openai_base_url):
        raise SettingsError("OPENAI_API_KEY is missing: MODEL_PROVIDER=openai needs it. Without a key, use offline.")
