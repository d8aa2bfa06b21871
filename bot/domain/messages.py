"""Messages: who said what, with which files."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from bot.domain.record import Record


class MessageStatus(StrEnum):
    """Where a message is; user messages are born completed."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"


MESSAGE_MOVES: dict[MessageStatus, frozenset[MessageStatus]] = {
    MessageStatus.IN_PROGRESS: frozenset({MessageStatus.COMPLETED, MessageStatus.INCOMPLETE}),
    MessageStatus.COMPLETED: frozenset(),
    MessageStatus.INCOMPLETE: frozenset(),
}

IncompleteReason = Literal["content_filter", "max_tokens", "run_cancelled", "run_expired", "run_failed"]


class FileCitation(Record):
    """A marker in the text that stands for a passage of a file; indexes count code points of the text's value."""

    type: Literal["file_citation"] = "file_citation"
    text: str
    start_index: int
    end_index: int
    file_id: str


class FilePath(Record):
    """A marker in the text that stands for a file the assistant made."""

    type: Literal["file_path"] = "file_path"
    text: str
    start_index: int
    end_index: int
    file_id: str


Annotation = Annotated[FileCitation | FilePath, Field(discriminator="type")]


class TextPart(Record):
    """Text, with its annotations."""

    type: Literal["text"] = "text"
    value: str
    annotations: tuple[Annotation, ...] = ()


class ImageFilePart(Record):
    """An image among our files."""

    type: Literal["image_file"] = "image_file"
    file_id: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImageUrlPart(Record):
    """An image somewhere else; over the HTTP surface only."""

    type: Literal["image_url"] = "image_url"
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class RefusalPart(Record):
    """The model's refusal, in its words."""

    type: Literal["refusal"] = "refusal"
    refusal: str


Part = Annotated[TextPart | ImageFilePart | ImageUrlPart | RefusalPart, Field(discriminator="type")]


class Author(Record):
    """The person who wrote a user message. Data, never authority: the name is whatever they typed."""

    platform: str
    id: str
    """The platform's id of the person, scoped by workspace where the platform does so (`T1:U2`)."""
    name: str


class Attachment(Record):
    """A file that came with a message, or the reason why it did not come along."""

    name: str
    file_id: str | None = None
    skipped: str | None = None
    """Why the file was not taken in, as a sentence for the person and the model."""


HEARD: Final = "heard"
"""Name in `Message.metadata` of how a message came to be known that nobody said to the assistant (`Hearing`)."""
TEXT_FILE: Final = "text_file"
"""Name in `Message.metadata` of the id of the file that holds all of a text too long to stand in the message."""
EDITED: Final = "edited"
"""Name in `Message.metadata` of the Unix time, by the platform's clock, of the edit that gave the message its text."""
DELETED: Final = "deleted"
"""Name in `Message.metadata` that says that the message was deleted at the platform, and with it what it said."""


class Hearing(StrEnum):
    """How a message came to be known that nobody said to the assistant."""

    BEFORE = "before"
    """It was said earlier, in the place where the question was asked."""
    POINTED_AT = "pointed_at"
    """The question refers to it."""


class Message(Record):
    """One message of a thread."""

    id: str
    created_at: int
    thread_id: str
    role: Literal["user", "assistant"]
    status: MessageStatus = MessageStatus.COMPLETED
    incomplete_reason: IncompleteReason | None = None
    content: tuple[Part, ...] = ()
    assistant_id: str | None = None
    run_id: str | None = None
    """The run that produced it, or that it set off in a chat."""
    author: Author | None = None
    attachments: tuple[Attachment, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)
    superseded: bool = False
    """The partial text of a model turn that broke and was asked again: kept, never shown, never read by the model."""

    @property
    def heard(self) -> Hearing | None:
        """How it came to be known, when nobody said it to the assistant: material, not a wish."""
        how = self.metadata.get(HEARD)
        return Hearing(how) if how in set(Hearing) else None

    @property
    def text(self) -> str:
        """All text parts, joined by a blank line."""
        return "\n\n".join(part.value for part in self.content if isinstance(part, TextPart))

    @property
    def words(self) -> str:
        """All that was said, refusals included, joined by a blank line."""
        said = (
            part.value if isinstance(part, TextPart) else part.refusal
            for part in self.content
            if isinstance(part, TextPart | RefusalPart)
        )
        return "\n\n".join(said)
