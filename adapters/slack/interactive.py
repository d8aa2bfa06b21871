"""Menus of messages and forms, as records."""

from pydantic import Field

from adapters.slack.payloads import Clicker, Named, Payload
from adapters.slack.replies import Listed


class Interaction(Payload):
    """What all of them say about who and where."""

    user: Clicker
    team: Named | None = None
    enterprise: Named | None = None
    is_enterprise_install: bool = False
    trigger_id: str = ""

    @property
    def tenant(self) -> str:
        """The workspace, or the enterprise of an org-wide install; empty when Slack does not tell."""
        place = self.enterprise if self.is_enterprise_install and self.enterprise else self.team
        return place.id if place else ""


class ShortcutPayload(Interaction):
    """A `message_action`: an entry of a message's menu."""

    callback_id: str
    channel: Named
    message: Listed
    response_url: str | None = None


class Chosen(Payload):
    """An option of a select."""

    value: str = ""


class InputState(Payload):
    """What stands in one field."""

    value: str | None = None
    selected_option: Chosen | None = None


class ViewState(Payload):
    """What stands in all fields, by block and action."""

    values: dict[str, dict[str, InputState]] = Field(default_factory=dict)


class ViewPayload(Payload):
    """A form that was sent off."""

    id: str
    callback_id: str = ""
    private_metadata: str = ""
    state: ViewState = ViewState()

    def field(self, name: str) -> str:
        """What was written or chosen in the field of a block."""
        for state in self.state.values.get(name, {}).values():
            return (state.selected_option.value if state.selected_option else state.value) or ""
        return ""


class SubmissionPayload(Interaction):
    """A `view_submission`."""

    view: ViewPayload
