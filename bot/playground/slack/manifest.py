"""An app that is made from its manifest, as Slack's "Create New App → From a manifest" does it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.playground.slack.rules import EVENTS, SlackRules
from bot.playground.view import CommandView, MenuView, OptionView


class _Strict(BaseModel):
    """Slack refuses a manifest with a key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Display(_Strict):
    name: str = Field(min_length=1, max_length=35)
    description: str = Field("", max_length=140)
    long_description: str = Field("", max_length=4_000)
    background_color: str = Field("", pattern=r"^(#[0-9a-fA-F]{6})?$")


class _Prompt(_Strict):
    title: str = Field(min_length=1)
    message: str = Field(min_length=1)


class _AgentView(_Strict):
    agent_description: str = Field(min_length=1, max_length=300)
    suggested_prompts: tuple[_Prompt, ...] = Field((), max_length=4)


class _AppHome(_Strict):
    home_tab_enabled: bool = False
    messages_tab_enabled: bool = False
    messages_tab_read_only_enabled: bool = True


class _BotUser(_Strict):
    display_name: str = Field(min_length=1, max_length=80)
    always_online: bool = False


class _SlashCommand(_Strict):
    command: str = Field(pattern=r"^/[a-z0-9_-]{1,31}$")
    description: str = Field(min_length=1, max_length=2_000)
    usage_hint: str = Field("", max_length=1_000)
    should_escape: bool = False
    url: str | None = None


class _Shortcut(_Strict):
    name: str = Field(min_length=1, max_length=24)
    type: Literal["message", "global"]
    callback_id: str = Field(min_length=1, max_length=255)
    description: str = Field(min_length=1, max_length=150)


class _Features(_Strict):
    agent_view: _AgentView | None = None
    app_home: _AppHome = _AppHome()
    bot_user: _BotUser
    shortcuts: tuple[_Shortcut, ...] = Field((), max_length=10)
    slash_commands: tuple[_SlashCommand, ...] = Field((), max_length=50)


class _Scopes(_Strict):
    bot: tuple[str, ...]


class _OAuth(_Strict):
    redirect_urls: tuple[str, ...] = ()
    scopes: _Scopes


class _Subscriptions(_Strict):
    request_url: str | None = None
    bot_events: tuple[str, ...] = ()


class _Interactivity(_Strict):
    is_enabled: bool = False
    request_url: str | None = None
    message_menu_options_url: str | None = None


class _Settings(_Strict):
    event_subscriptions: _Subscriptions = _Subscriptions()
    interactivity: _Interactivity = _Interactivity()
    org_deploy_enabled: bool = False
    socket_mode_enabled: bool = False
    token_rotation_enabled: bool = False


class Manifest(_Strict):
    """What Slack's manifest schema knows of what an app like this one may use (api.slack.com/reference/manifests)."""

    display_information: _Display
    features: _Features
    oauth_config: _OAuth
    settings: _Settings = _Settings()


def rules_of(manifest: str, rules: SlackRules | None = None) -> SlackRules:
    """The rules for an app that was made from this manifest (JSON); the numbers are those of `rules`.

    Raises:
        ValueError: Slack would refuse the manifest, or subscribes to no such event.
    """
    app = Manifest.model_validate_json(manifest)
    unknown = set(app.settings.event_subscriptions.bot_events) - set(EVENTS)
    if unknown:
        raise ValueError(f"There are no such bot events: {', '.join(sorted(unknown))}.")
    return (rules or SlackRules()).model_copy(
        update={
            "events": app.settings.event_subscriptions.bot_events,
            "scopes": app.oauth_config.scopes.bot,
            "token_seconds": 12 * 3600.0 if app.settings.token_rotation_enabled else None,
            "commands": tuple(_command(command) for command in app.features.slash_commands),
            "shortcuts": tuple(
                MenuView(id=one.callback_id, label=one.name) for one in app.features.shortcuts if one.type == "message"
            ),
            "home_tab": app.features.app_home.home_tab_enabled,
        }
    )


def _command(command: _SlashCommand) -> CommandView:
    hint = command.usage_hint
    options = (OptionView(name="text", description=hint.strip("[]"), required=True),) if hint else ()
    return CommandView(name=command.command.removeprefix("/"), description=command.description, options=options)
