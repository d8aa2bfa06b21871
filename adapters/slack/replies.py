"""What Slack's Web API answers, as records."""

from pydantic import Field

from adapters.slack.payloads import Payload


class Identity(Payload):
    """Who we are (`auth.test`)."""

    team_id: str
    user_id: str
    user: str = "assistant"


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


class Member(Payload):
    """A person (`users.info`)."""

    id: str
    name: str | None = None
    is_admin: bool = False
    is_owner: bool = False
    profile: Profile = Profile()


class MemberReply(Payload):
    """Reply of `users.info`."""

    user: Member


class Metadata(Payload):
    """What a message carries for its application."""

    event_type: str = ""
    event_payload: dict[str, object] = Field(default_factory=dict)


class Listed(Payload):
    """A message in a history."""

    ts: str
    metadata: Metadata = Metadata()


class Cursor(Payload):
    """Where the next page begins."""

    next_cursor: str = ""


class History(Payload):
    """A page of `conversations.replies` or `conversations.history`."""

    messages: tuple[Listed, ...] = ()
    response_metadata: Cursor = Cursor()


class UploadSlot(Payload):
    """Where to send a file's bytes (`files.getUploadURLExternal`)."""

    upload_url: str
    file_id: str
