"""What Slack tells besides messages, as records: changes, opened pages, Slack's own Stop button."""

from adapters.slack.payloads import Delivery, Payload

TOMBSTONE = "tombstone"
"""Subtype of what is left of a deleted message that has replies."""


class EditMark(Payload):
    """What tells when somebody changed a message."""

    ts: str = ""


class ChangedMessage(Payload):
    """A message as it is now, or as it was."""

    ts: str = ""
    user: str | None = None
    bot_id: str | None = None
    subtype: str | None = None
    text: str | None = None
    thread_ts: str | None = None
    edited: EditMark | None = None


class ChangePayload(Payload):
    """A `message` event of the subtypes `message_changed` and `message_deleted`."""

    subtype: str | None = None
    channel: str
    ts: str
    message: ChangedMessage | None = None
    previous_message: ChangedMessage | None = None
    deleted_ts: str | None = None


class Change(Delivery):
    """A delivery about a changed or deleted message."""

    event: ChangePayload


class OpenedPayload(Payload):
    """`app_home_opened`."""

    user: str
    channel: str
    tab: str = "messages"


class Opened(Delivery):
    """Somebody opened a page of ours."""

    event: OpenedPayload


class AssistantThread(Payload):
    """Where a thread of the old split pane is."""

    user_id: str
    channel_id: str
    thread_ts: str


class ThreadStartedPayload(Payload):
    """`assistant_thread_started`."""

    assistant_thread: AssistantThread


class ThreadStarted(Delivery):
    """Somebody opened a thread in the old split pane."""

    event: ThreadStartedPayload


class StoppedPayload(Payload):
    """`agent_session_stopped`."""

    user: str
    channel: str
    thread_ts: str


class Stopped(Delivery):
    """Somebody pressed Slack's own Stop button."""

    event: StoppedPayload
