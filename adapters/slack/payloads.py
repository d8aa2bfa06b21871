"""What Slack sends, as records: the border behind which nothing is untyped. Unknown fields are ignored."""

from typing import cast

from pydantic import BaseModel, ConfigDict, OnErrorOmit

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Payload(BaseModel):
    """Base of all records from Slack: frozen, and tolerant of fields that are new tomorrow."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EventHead(Payload):
    """Enough of an event to decide whether to read on."""

    type: str = ""
    subtype: str | None = None


class Named(Payload):
    """Something with an id."""

    id: str


class Authorization(Payload):
    """The installation that an event was sent to."""

    team_id: str | None = None
    enterprise_id: str | None = None
    is_enterprise_install: bool = False

    @property
    def tenant(self) -> str:
        """The workspace, or the enterprise of an org-wide install; empty when Slack does not tell."""
        return (self.enterprise_id if self.is_enterprise_install else self.team_id) or ""


class ViewHead(Payload):
    """Of a form: in a shared channel it may have been opened in another workspace than ours."""

    app_installed_team_id: str | None = None


class Head(Payload):
    """Enough of a payload to decide what it is, and for which installation."""

    type: str | None = None
    command: str | None = None
    ssl_check: str | int | None = None
    event: EventHead | None = None
    authorizations: tuple[Authorization, ...] = ()
    team_id: str | None = None
    enterprise_id: str | None = None
    is_enterprise_install: bool = False
    team: Named | None = None
    enterprise: Named | None = None
    view: ViewHead | None = None

    @property
    def tenants(self) -> tuple[str, ...]:
        """Workspaces and enterprises for whose installation it may be, the likeliest first."""
        enterprise = self.enterprise_id or (self.enterprise.id if self.enterprise else "")
        named = (
            *(one.tenant for one in self.authorizations[:1]),
            self.view.app_installed_team_id if self.view else "",
            enterprise if self.is_enterprise_install else "",
            self.team_id,
            self.team.id if self.team else "",
        )
        return tuple(dict.fromkeys(tenant for tenant in named if tenant))


class FilePayload(Payload):
    """An attached file."""

    name: str | None = None
    mimetype: str | None = None
    size: int | None = None
    mode: str | None = None
    is_external: bool = False
    file_access: str | None = None
    url_private_download: str | None = None
    url_private: str | None = None


class AttachmentPayload(Payload):
    """What hangs on a message: another message that was forwarded or linked, or what a bot has to say."""

    is_share: bool = False
    is_msg_unfurl: bool = False
    channel_id: str | None = None
    ts: str | int | None = None
    """Of the message; of a bot's attachment any time."""
    author_id: str | None = None
    author_name: str | None = None
    pretext: str | None = None
    title: str | None = None
    text: str | None = None
    fallback: str | None = None
    files: tuple[OnErrorOmit[FilePayload], ...] = ()

    @property
    def is_message(self) -> bool:
        """It is a message that somebody forwarded or linked."""
        return self.is_share or self.is_msg_unfurl


class MessagePayload(Payload):
    """A `message` or `app_mention` event."""

    type: str
    subtype: str | None = None
    channel: str
    channel_type: str | None = None
    user: str | None = None
    bot_id: str | None = None
    text: str | None = None
    ts: str
    thread_ts: str | None = None
    client_msg_id: str | None = None
    files: tuple[FilePayload, ...] = ()
    attachments: tuple[OnErrorOmit[AttachmentPayload], ...] = ()
    hidden: bool = False
    user_team: str | None = None
    team: str | None = None

    @property
    def root(self) -> str:
        """First message of the thread, which a message without one is itself."""
        return self.thread_ts or self.ts


class Delivery(Payload):
    """An Events API delivery, without what it is about."""

    api_app_id: str = ""
    team_id: str = ""
    event_id: str = ""
    """Empty for what was read instead of delivered."""
    authorizations: tuple[Authorization, ...] = ()

    @property
    def tenant(self) -> str:
        """The installed workspace, or the enterprise of an org-wide install.

        In a shared channel `team_id` may be the other organisation; the authorization is always ours.
        """
        return (self.authorizations[0].tenant if self.authorizations else "") or self.team_id


class Envelope(Delivery):
    """A delivery that carries a message."""

    event: MessagePayload


class SlashPayload(Payload):
    """A slash command."""

    command: str
    text: str = ""
    user_id: str
    user_name: str = ""
    team_id: str = ""
    enterprise_id: str | None = None
    is_enterprise_install: bool = False
    channel_id: str
    trigger_id: str
    response_url: str | None = None

    @property
    def tenant(self) -> str:
        """The workspace, or the enterprise of an org-wide install."""
        return (self.enterprise_id if self.is_enterprise_install else None) or self.team_id


class Clicker(Named):
    """Who pressed a button."""

    team_id: str | None = None


class ClickedMessage(Payload):
    """The message under whose text the button was."""

    thread_ts: str | None = None


class Action(Payload):
    """One pressed button."""

    action_id: str
    type: str = ""
    value: str | None = None


class ClickPayload(Payload):
    """A `block_actions` interaction."""

    user: Clicker
    team: Named | None = None
    enterprise: Named | None = None
    is_enterprise_install: bool = False
    channel: Named | None = None
    message: ClickedMessage | None = None
    actions: tuple[Action, ...] = ()
    trigger_id: str = ""

    @property
    def tenant(self) -> str:
        """The workspace, or the enterprise of an org-wide install; empty when Slack does not tell."""
        place = self.enterprise if self.is_enterprise_install and self.enterprise else self.team
        return place.id if place else ""


def cleaned(value: object) -> object:
    """JSON with NUL and lone surrogates replaced: no database takes them, and Slack's parser lets them through."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", REPLACEMENT)
    if isinstance(value, dict):
        return {key: cleaned(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [cleaned(item) for item in cast("list[object]", value)]
    return value
