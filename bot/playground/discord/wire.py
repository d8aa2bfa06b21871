"""What comes in over HTTP, as records; unknown fields are ignored, as Discord does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from pydantic import BaseModel, ConfigDict

JsonObject = dict[str, object]


def as_object(value: object) -> JsonObject | None:
    """A JSON object, or None when the value is something else."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object]:
    """The items of a JSON array; nothing when the value is something else."""
    return cast("list[object]", value) if isinstance(value, list) else []


class Body(BaseModel):
    """The base of request bodies. Ids may be numbers: discord.py sends some so."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class AllowedMentions(Body):
    """Whom a message may ping; absent lists allow nothing."""

    parse: tuple[str | None, ...] | None = None
    users: tuple[str | None, ...] | None = None
    roles: tuple[str | None, ...] | None = None
    replied_user: bool | None = None


class AttachmentBody(Body):
    """A file of the message: an index into the uploaded ones, or the id of one that is kept."""

    id: str
    filename: str | None = None
    description: str | None = None


class ReferenceBody(Body):
    """The message that is replied to."""

    message_id: str
    channel_id: str | None = None
    fail_if_not_exists: bool | None = True


class EmojiBody(Body):
    """An emoji on a button."""

    id: str | None = None
    name: str | None = None
    animated: bool | None = None


class ComponentBody(Body):
    """A row, a button, or any other component, whose further fields are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)

    type: int
    id: int | None = None
    custom_id: str | None = None
    style: int | None = None
    label: str | None = None
    disabled: bool | None = None
    url: str | None = None
    emoji: EmojiBody | None = None
    component: "ComponentBody | None" = None
    """Of a label in a form: what it labels."""
    components: tuple["ComponentBody", ...] | None = None


class MessageBody(Body):
    """A message to create or to edit."""

    content: str | None = None
    embeds: tuple[JsonObject, ...] | None = None
    allowed_mentions: AllowedMentions | None = None
    components: tuple[ComponentBody, ...] | None = None
    flags: int | None = None
    attachments: tuple[AttachmentBody, ...] | None = None
    message_reference: ReferenceBody | None = None
    nonce: int | str | None = None
    enforce_nonce: bool | None = None


class ThreadBody(Body):
    """A thread to open from a message."""

    name: str
    auto_archive_duration: int | None = None


class ThreadPatch(Body):
    """What to change about a channel or thread."""

    name: str | None = None
    archived: bool | None = None
    locked: bool | None = None
    auto_archive_duration: int | None = None


class PrivateChannelBody(Body):
    """With whom a direct message is opened."""

    recipient_id: str


class CallbackBody(Body):
    """The first answer to an interaction."""

    type: int
    data: JsonObject | None = None
    """A message, a form or suggestions, depending on the type."""


class FormBody(Body):
    """A form to open."""

    custom_id: str
    title: str
    components: tuple[ComponentBody, ...]


class TextInputBody(Body):
    """A field of a form into which people write."""

    type: int
    custom_id: str
    style: int
    label: str | None = None
    value: str | None = None
    placeholder: str | None = None
    required: bool | None = True
    min_length: int | None = None
    max_length: int | None = None


class ChoiceBody(Body):
    """A value that is suggested for an option."""

    name: str
    value: str


class ChoicesBody(Body):
    """What is suggested for an option."""

    choices: tuple[ChoiceBody, ...] | None = None


class CommandOption(Body):
    """An option of a command."""

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)

    type: int
    name: str
    description: str = ""
    required: bool | None = None
    autocomplete: bool | None = None


class CommandBody(Body):
    """A command to register."""

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)

    name: str
    type: int | None = 1
    description: str | None = None
    options: tuple[CommandOption, ...] | None = None
    contexts: tuple[int, ...] | None = None
    integration_types: tuple[int, ...] | None = None
    default_member_permissions: int | None = None
    dm_permission: bool | None = None
    nsfw: bool | None = None


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A part `files[n]` of a multipart request."""

    filename: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read and parsed as far as HTTP goes."""

    method: str
    template: str
    """The path as the OpenAPI description writes it."""
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: object = None
    """Parsed JSON (of `payload_json` when the request is multipart)."""
    files: Mapping[int, UploadedFile] = field(default_factory=dict[int, UploadedFile])
    authorization: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    body: object = None
