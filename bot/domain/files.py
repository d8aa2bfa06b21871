"""Files: what came in with a message, and what the assistant made."""

from typing import Literal

from bot.domain.record import Record


class File(Record):
    """A stored file; its bytes are a blob named by their SHA-256."""

    id: str
    created_at: int
    filename: str
    """A clean base name: no path, no control characters."""
    bytes: int
    sha256: str
    """Hexadecimal digest of the content, which is also the blob's name."""
    media_type: str
    """Found from the content, never from the name or the sender's word."""
    purpose: Literal["assistants", "assistants_output", "vision", "user_data"] = "assistants"
