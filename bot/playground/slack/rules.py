"""Slack's numbers as settings: the documented ones are the defaults, the reported ones can be set to either reading."""

from typing import Literal

from pydantic import Field

from bot.domain.record import Record
from bot.playground.view import CommandView, MenuView, OptionView

BOT_SCOPES = (
    "app_mentions:read", "assistant:write", "chat:write", "commands", "im:history", "im:read", "im:write",
    "channels:history", "channels:read", "groups:history", "groups:read", "mpim:history", "mpim:read", "files:read",
    "files:write", "reactions:read", "reactions:write", "users:read",
)  # fmt: skip
"""The bot scopes of the app's manifest."""

EVENTS = (
    "app_mention", "message.channels", "message.groups", "message.mpim", "message.im", "app_home_opened",
    "assistant_thread_started", "assistant_thread_context_changed", "agent_session_stopped",
    "agent_session_title_changed", "app_uninstalled", "tokens_revoked",
)  # fmt: skip
"""The bot events of the app's manifest."""

ASK = CommandView(
    name="ask",
    description="Ask Parley a question",
    options=(OptionView(name="text", description="Your question", required=True),),
)
COMMANDS = (
    ASK,
    CommandView(name="new", description="Start over: the next message begins a new conversation"),
    CommandView(name="stop", description="Stop the answer that is being written here"),
    CommandView(name="forget", description="Forget this conversation: what was said and its files are deleted here"),
    CommandView(name="usage", description="What you and this conversation have used"),
    CommandView(name="model", description="Which assistant and which model answer here"),
    CommandView(name="help", description="What the assistant can do"),
)
"""The slash commands of the app's manifest."""

SHORTCUTS = (
    MenuView(id="ask_about_message", label="Ask about this"),
    MenuView(id="summarise_thread", label="Summarise thread"),
)
"""The message shortcuts of the app's manifest: callback id and name."""


class Tier(Record):
    """A token bucket: how many calls a minute, and how many at once after a quiet time."""

    per_minute: float
    burst: int


def _tiers() -> dict[str, Tier]:
    """Slack's tiers (documented per minute; the bursts are ours, a fifth of it)."""
    return {
        "tier1": Tier(per_minute=1, burst=1),
        "tier2": Tier(per_minute=20, burst=5),
        "tier3": Tier(per_minute=50, burst=10),
        "tier4": Tier(per_minute=100, burst=20),
        "special": Tier(per_minute=300, burst=60),
    }


class StreamRules(Record):
    """What holds for native streams and for the sessions that they belong to."""

    refusal: str = ""
    """All three methods answer with this word: `unknown_method`, `feature_not_enabled`…"""
    seconds: float = 300.0
    """Life of a stream (reported: about 300 s, up to 306)."""
    life: Literal["absolute", "idle"] = "absolute"
    """Whether it counts from the start, or from the last append (sources disagree)."""
    most_bytes: int | None = 11_000
    """Weight of a message (reported: 10,600 to 12,000); None: only each call is limited (one probe)."""
    field_characters: int = 256
    """Of a task's title, details and output, each time (reported)."""
    eats_leading_space: bool = False
    """White space at the beginning of a chunk vanishes (reported)."""
    text_with_blocks: bool = False
    """`markdown_text` and `blocks` may come in one stop (unknown)."""
    unfurls: bool = True
    """Links are fetched for a preview at the stop: no argument forbids it (unknown)."""
    session_seconds: float = 3600.0
    """After so long a session is not `processing` any more (documented)."""
    session_refusal: str = ""
    """`agents.sessions.*` answer with this word: `not_authorized` for an app that is not declared as an agent."""


class SlackRules(Record):
    """Every limit that the stand-in obeys. Times in seconds."""

    events: tuple[str, ...] = EVENTS
    """Subscribed event types; others are not sent."""
    scopes: tuple[str, ...] = BOT_SCOPES
    """What the bot token may do."""
    commands: tuple[CommandView, ...] = COMMANDS
    """Slash commands that the app declares, without the slash."""
    shortcuts: tuple[MenuView, ...] = SHORTCUTS
    """Message shortcuts that the app declares."""
    home_tab: bool = True
    """Whether the app has a home page."""

    token_seconds: float | None = None
    """Life of a bot token where token rotation is switched on (documented: 12 hours); None when it is off."""
    refresh_grace: float = 0.0
    """How long a refresh token works again after it was used (documented: it is revoked)."""
    code_seconds: float = 600.0
    """How long the code of an installation can be exchanged, once (documented: 10 minutes)."""

    ack_seconds: float = 3.0
    """How long an envelope waits for its acknowledgement."""
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    """Pause before each redelivery of an event (reported: at once, one minute, five minutes)."""
    ticket_seconds: float = 30.0
    """How long a Socket Mode address can be used, once."""
    max_connections: int = 10
    """Socket Mode connections per app (documented)."""
    trigger_seconds: float = 3.0
    """Life of a `trigger_id` (documented)."""
    response_url_seconds: float = 1800.0
    response_url_uses: int = 5
    status_seconds: float = 120.0
    """After so long without a message an assistant status vanishes (documented)."""
    share_seconds: float = 0.5
    """How long after `files.completeUploadExternal` a file appears in the channel."""

    tiers: dict[str, Tier] = Field(default_factory=_tiers)
    method_tiers: dict[str, str] = Field(default_factory=dict)
    """Another tier for a method, e.g. `{"apps.connections.open": "tier1"}` (sources disagree: tier 1 or 3)."""
    channel_posts: Tier = Tier(per_minute=60, burst=3)
    """`chat.postMessage` in one channel (documented: about one a second, short bursts)."""
    pace: float = 1.0
    """Multiplies every rate; 0 switches the rate limits off (`limit_rate` still works)."""

    history_objects: int = 999
    """Messages on a page of a history at most; 15 for apps that are distributed outside of the Marketplace."""
    markdown_characters: int = 12_000
    """All markdown blocks of a message, or `markdown_text` (documented)."""
    block_characters: int = 13_200
    """All blocks of a message (reported: 13,200 to 13,297)."""
    blocks: int = 50
    text_cut: int = 40_000
    """Longer `text` of a post is cut (documented)."""
    update_bytes: int = 4_000
    """Longer `text` of an update is refused (reported)."""
    client_msg_id_dedupes: bool = False
    """Refuse a second post with the same `client_msg_id` (unverified)."""
    streams: StreamRules = StreamRules()
    edits_unfurl: bool = False
    """Whether links that an edit brings would unfurl (unknown)."""
