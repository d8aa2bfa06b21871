"""What the models room is told: which provider, with which key, at which address, and how patient to be."""

from typing import Literal

from pydantic import Field, SecretStr

from bot.domain.record import Record

WireName = Literal["responses", "chat"]


class RetryPolicy(Record):
    """How a turn is tried again before its first event; afterwards it never is."""

    attempts: int = Field(default=3, ge=1)
    """Requests per turn, the first one included."""
    base: float = 0.5
    """Seconds before the second request; doubles each time, with jitter."""
    ceiling: float = 8.0
    """Seconds that a wait never exceeds."""
    patience: float = 5.0
    """A longer `Retry-After` (seconds) is not waited for here: the engine postpones the run and frees its worker."""


class ModelConfig(Record):
    """The connection to one model provider."""

    provider: Literal["auto", "openai", "azure", "offline"] = "auto"
    """`auto` is `openai` (or `azure`, by the address) when there is a key or a base URL, and otherwise `offline`."""
    api_key: SecretStr = SecretStr("")
    """May be empty for a local server that wants none."""
    base_url: str = ""
    """Empty for api.openai.com."""
    model: str = ""
    wire: Literal["auto", "responses", "chat"] = "auto"
    context_tokens: int | None = None
    """Overrules the profile's context window."""
    idle_timeout: float = 90.0
    """Seconds without a byte after which a stream counts as broken."""
    retry: RetryPolicy = RetryPolicy()
    offline_pace: float = 0.03
    """Seconds between two words of an offline answer, so that people see it arrive."""
