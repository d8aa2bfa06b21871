"""The numbers of the stand-in server, each with its source; tests set them strict or lax."""

from typing import Literal, Self

from pydantic import Field

from bot.domain.record import Record

MIB = 1024 * 1024


class Rate(Record):
    """So many requests in a window that begins with its first request."""

    limit: int = Field(ge=1)
    window: float = Field(gt=0)
    """Seconds."""


class DiscordRules(Record):
    """Limits, times and what the application was granted. "Folk" numbers are undocumented but widely repeated."""

    sends: Rate = Rate(limit=5, window=5.0)
    """Messages a channel (folk)."""
    edits: Rate = Rate(limit=5, window=5.0)
    """Edits a channel (folk)."""
    sends_and_edits_share: bool = False
    """One bucket for both (reported by some)."""
    webhooks: Rate = Rate(limit=5, window=2.0)
    """Requests an interaction token (folk)."""
    renames: Rate = Rate(limit=2, window=600.0)
    """Name changes a channel (folk)."""
    reactions: Rate = Rate(limit=1, window=0.25)
    """Reactions a channel (folk)."""
    others: Rate = Rate(limit=20, window=1.0)
    """Everything else."""
    global_limit: int = 50
    """Requests a second and token, interactions exempt (documented)."""

    content_limit: int = 2000
    """Characters of a message (documented; the OpenAPI file says 4,000 for channel messages)."""
    content_measure: Literal["code_points", "utf16"] = "code_points"
    """How they are counted (not documented)."""
    file_limit: int = 10 * MIB
    """Bytes of one file (documented)."""
    request_limit: int = 25 * MIB
    """Bytes of all files of a request (documented)."""
    max_files: int = 10
    """Files of a message (documented)."""
    cdn_life: float = 86_400.0
    """Seconds for which a file's address is valid."""

    nonce_memory: float = 300.0
    """Seconds for which an enforced nonce is remembered ("the past few minutes")."""
    old_message_age: float = 3600.0
    """Seconds after which edits of a message are counted (folk)."""
    old_message_edits: int = 10
    """Edits of an old message before error 30046 (the number is not known)."""
    max_active_threads: int = 1000
    """Active threads of a server (documented)."""
    typing_seconds: float = 10.0
    """How long typing shows (documented)."""

    interaction_deadline: float = 3.0
    """Seconds for the first answer to an interaction (documented)."""
    interaction_life: float = 900.0
    """Seconds for which an interaction's token works (documented)."""
    dead_token: Literal[50027, 10015] = 50027
    """What a token is told that is older (401 and 404; both are seen)."""
    foreign_followups: int = 5
    """Further messages of an interaction where the bot is no member (documented)."""
    user_installs: bool = True
    """People may install the application for themselves."""
    commands_per_day: int = 200
    """Commands that may be created in a day and server (documented)."""

    heartbeat_interval: float = 41.25
    """Seconds between heartbeats, as told in HELLO."""
    resume_window: float = 180.0
    """Seconds for which a lost session can be taken up again ("a few minutes")."""
    replay_limit: int = 1000
    """Events kept for a session."""
    identifies_per_day: int = 1000
    """New sessions a day (documented)."""
    identify_interval: float = 0.0
    """Least seconds between two new sessions of one bucket (shard % `max_concurrency`); 5 as documented, 0 here
    because tests start bots again quickly."""
    shards: int = Field(default=1, ge=1)
    """How many shards `/gateway/bot` recommends. With several the server belongs to the last one, direct messages to
    the first."""
    max_concurrency: int = Field(default=1, ge=1)
    """How many buckets new sessions are counted in."""
    frames_per_minute: int = 120
    """Frames a client may send on one connection (documented)."""

    message_content: bool = True
    """The privileged intent MESSAGE_CONTENT was granted."""
    members: bool = False
    """The privileged intent GUILD_MEMBERS was granted."""
    presences: bool = False
    """The privileged intent GUILD_PRESENCES was granted."""

    @classmethod
    def lax(cls) -> Self:
        """Rules under which no rate limit is ever met, for tests of something else."""
        wide = Rate(limit=10_000, window=1.0)
        return cls(
            sends=wide, edits=wide, webhooks=wide, renames=wide, reactions=wide, others=wide, global_limit=10_000
        )

    def length(self, content: str) -> int:
        """The length of a text as the server counts it."""
        return len(content) if self.content_measure == "code_points" else len(content.encode("utf-16-le")) // 2
