"""What the model gets to see of the files that came with messages."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from bot.domain.files import File
from bot.domain.messages import Attachment, ImageFilePart, Message
from bot.domain.turns import InputImage, InputPart, InputText
from bot.engine.limits import EngineLimits
from bot.engine.prompt import plain_file, plain_line
from bot.engine.sizes import clip
from bot.ports import Files, ModelTraits

_TEXT_TYPES = frozenset(
    {
        "application/csv",
        "application/json",
        "application/x-ndjson",
        "application/javascript",
        "application/sql",
        "application/toml",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/x-sh",
        "application/x-python",
    }
)
_BYTES_PER_CHARACTER = 4
_LEAST_TEXT = 400
"""Characters: with less room than this a file is only named."""
_SECRET = secrets.token_bytes(32)
"""What the marks of this process's data blocks are made with."""


@dataclass(slots=True)
class FileBudget:
    """How much of the window files may still take; shared by all messages of one request, the newest served first."""

    characters: int
    images: int
    shown: set[str] = field(default_factory=set[str])
    """Ids of files that are shown already: a file is shown once."""


class FileReader:
    """Turns attachments into parts of a model's input.

    Args:
        files: the stored files.
        traits: whether the model sees images.
        limits: caps per file.
    """

    def __init__(self, files: Files, traits: ModelTraits, limits: EngineLimits) -> None:
        self._files = files
        self._traits = traits
        self._limits = limits

    async def parts(self, message: Message, budget: FileBudget) -> tuple[InputPart, ...]:
        """The parts for all files of a message, in their order; takes what they need out of `budget`."""
        attached = [*message.attachments]
        known = {attachment.file_id for attachment in attached}
        pictures = [part.file_id for part in message.content if isinstance(part, ImageFilePart)]
        attached += [Attachment(name="", file_id=file_id) for file_id in pictures if file_id not in known]
        return tuple([await self._part(attachment, budget) for attachment in attached])

    async def _part(self, attachment: Attachment, budget: FileBudget) -> InputPart:
        name = plain_file(attachment.name)
        if attachment.skipped is not None or attachment.file_id is None:
            reason = attachment.skipped or "It was not stored."
            return InputText(text=f'(The file "{name}" did not come along: {plain_line(reason)})')
        file = await self._files.get(attachment.file_id)
        if file is None:
            return InputText(text=f'(The file "{name}" has been deleted.)')
        if file.id in budget.shown:
            return InputText(text=f"({_named(file)} It is shown with another message.)")
        shown = await self._image(file, budget) or await self._text(file, budget)
        if shown is None:
            return InputText(text=f"({_named(file)} Its content is not shown here.)")
        budget.shown.add(file.id)
        return shown

    async def _image(self, file: File, budget: FileBudget) -> InputImage | None:
        fits = file.bytes <= self._limits.image_bytes and budget.images > 0
        if not (self._traits.images and fits and file.media_type.startswith("image/")):
            return None
        budget.images -= 1
        content = await self._files.read(file)
        return InputImage(media_type=file.media_type, base64=base64.b64encode(content).decode("ascii"))

    async def _text(self, file: File, budget: FileBudget) -> InputText | None:
        most = min(self._limits.file_text, budget.characters)
        if not is_text(file.media_type) or most < _LEAST_TEXT:
            return None
        content = await self._files.read(file)
        text = decode(content[: self._limits.file_text * _BYTES_PER_CHARACTER])
        shown = clip(text, most)
        budget.characters -= len(shown)
        left_out = f" Only a part of its {file.bytes} bytes is shown." if len(text) > most else ""
        return InputText(text=fenced("file", file.filename, shown, f"{_named(file)}{left_out}"))


def is_text(media_type: str) -> bool:
    """Whether files of this type are shown to the model as text."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))


def decode(content: bytes) -> str:
    """Text of a file: UTF-16 with its mark, else UTF-8; what is neither becomes U+FFFD."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace").replace("\0", "\ufffd")
    return content.decode("utf-8-sig", errors="replace").replace("\0", "\ufffd")


def fenced(kind: str, name: str, text: str, introduction: str) -> str:
    """A data block that its content cannot end, because nobody who writes it can know its mark.

    The mark stays the same for the same content in the same process, so that providers can cache what they have read.
    """
    named = plain_file(name)
    material = "\0".join((kind, named, text)).encode("utf-8", "surrogatepass")
    mark = hmac.new(_SECRET, material, hashlib.sha256).hexdigest()[:16]
    return f'{introduction}\n<{kind} mark="{mark}" name="{named}">\n{text}\n</{kind} {mark}>'


def _named(file: File) -> str:
    return f'Attached file "{plain_file(file.filename)}", {plain_line(file.media_type)}, {file.bytes} bytes.'
