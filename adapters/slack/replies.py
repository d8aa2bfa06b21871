"""What Slack's Web API answers, as records."""

from pydantic import Field, OnErrorOmit

from adapters.slack.payloads import AttachmentPayload, FilePayload, MessagePayload, Named, Payload


class Identity(Payload):
    """Who we are (`auth.test`)."""

    team_id: str
    user_id: str
    user: str = "assistant"
    enterprise_id: str | None = None
    is_enterprise_install: bool = False
    at: float = 0.0
    """Unix seconds by Slack's own clock when it said so."""

    @property
    def tenant(self) -> str:
        """The workspace, or the enterprise of an org-wide install."""
        return (self.enterprise_id if self.is_enterprise_install else None) or self.team_id


class Sent(Payload):
    """A message that was created."""

    channel: str
    ts: str


class SocketUrl(Payload):
    """A single-use address (`apps.connections.open`)."""

    url: str


class Profile(Payload):
    """Names of a person."""

    display_name: str | None = None
    real_name: str | None = None


class Enterprise(Payload):
    """Where a person belongs in an organisation of several workspaces."""

    enterprise_id: str | None = None


class Member(Payload):
    """A person (`users.info`)."""

    id: str
    team_id: str | None = None
    enterprise_user: Enterprise | None = None
    name: str | None = None
    is_admin: bool = False
    is_owner: bool = False
    is_stranger: bool = False
    """Of another company: they share a channel with us."""
    profile: Profile = Profile()

    @property
    def homes(self) -> frozenset[str]:
        """Ids of the workspace and the organisation that the person is of."""
        enterprise = self.enterprise_user and self.enterprise_user.enterprise_id
        return frozenset(home for home in (self.team_id, enterprise) if home)


class MemberReply(Payload):
    """Reply of `users.info`."""

    user: Member


class Metadata(Payload):
    """What a message carries for its application."""

    event_type: str = ""
    event_payload: dict[str, object] = Field(default_factory=dict)


class BotProfile(Payload):
    """What a bot is called."""

    name: str | None = None


class Listed(Payload):
    """A message in a history."""

    ts: str
    type: str = "message"
    subtype: str | None = None
    user: str | None = None
    bot_id: str | None = None
    text: str | None = None
    thread_ts: str | None = None
    client_msg_id: str | None = None
    files: tuple[FilePayload, ...] = ()
    attachments: tuple[OnErrorOmit[AttachmentPayload], ...] = ()
    hidden: bool = False
    user_team: str | None = None
    team: str | None = None
    latest_reply: str | None = None
    """`ts` of the newest reply, when it is the first message of a thread."""
    username: str | None = None
    """How a bot calls itself here."""
    bot_profile: BotProfile | None = None
    metadata: Metadata = Metadata()
    streaming_state: str | None = None
    """`in_progress` or `completed` for a message that was begun as a stream."""

    def event(self, channel: str, *, direct: bool) -> MessagePayload:
        """As the event that reported it. Unlike events, a history calls a thread's first message a part of it."""
        known = self.model_dump(exclude={"latest_reply", "metadata", "username", "bot_profile", "streaming_state"})
        place = {"channel": channel, "channel_type": "im" if direct else None}
        return MessagePayload.model_validate(
            {**known, **place, "thread_ts": None if self.thread_ts == self.ts else self.thread_ts}
        )


class Cursor(Payload):
    """Where the next page begins."""

    next_cursor: str = ""


class History(Payload):
    """A page of `conversations.replies` or `conversations.history`."""

    messages: tuple[OnErrorOmit[Listed], ...] = ()
    response_metadata: Cursor = Cursor()


class Membership(Payload):
    """A channel that we are a member of."""

    id: str
    is_im: bool = False


class Memberships(Payload):
    """A page of `users.conversations`."""

    channels: tuple[OnErrorOmit[Membership], ...] = ()
    response_metadata: Cursor = Cursor()


class Direct(Payload):
    """The direct messages with somebody (`conversations.open`)."""

    channel: Named


class TeamListed(Payload):
    """A workspace of an organisation."""

    id: str


class Teams(Payload):
    """A page of `auth.teams.list`."""

    teams: tuple[TeamListed, ...] = ()
    response_metadata: Cursor = Cursor()


class UploadSlot(Payload):
    """Where to send a file's bytes (`files.getUploadURLExternal`)."""

    upload_url: str
    file_id: str


class FileInfo(Payload):
    """A file, and where it is shown."""

    permalink: str = ""
    shares: dict[str, dict[str, object]] = Field(default_factory=dict)
    """By kind of channel, then by channel."""

    def shown_in(self, channel: str) -> bool:
        """Whether it is shown in this channel."""
        return any(channel in places for places in self.shares.values())


class FileReply(Payload):
    """Reply of `files.info`."""

    file: FileInfo
