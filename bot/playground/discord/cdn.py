"""Files: what they are, and the signed addresses under which they can be downloaded for a while."""

import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from urllib.parse import quote

from bot.playground.discord.clock import Clock
from bot.playground.discord.world import Attachment, World

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_TEXT_TYPES = {"csv": "text/csv", "md": "text/markdown", "json": "application/json", "py": "text/x-python"}


def media_type_of(name: str, content: bytes) -> str:
    """The type found from the bytes; only among texts the name decides."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    for magic, media_type in _MAGIC:
        if content.startswith(magic):
            return media_type
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    if "\x00" in text:
        return "application/octet-stream"
    extension = name.rpartition(".")[2].lower()
    return f"{_TEXT_TYPES.get(extension, 'text/plain')}; charset=utf-8"


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or GIF in pixels."""
    if content.startswith(b"\x89PNG") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith(b"GIF8") and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
        return width, height
    return None


def clean_filename(name: str) -> str:
    """A name as Discord keeps it: no path, no spaces, nothing but letters, digits, dot, dash and underscore."""
    base = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w.\-]", "_", base)[:200] or "unknown"


class Cdn:
    """Addresses with `ex` (expiry), `is` (issued) and `hm` (signature), as the content network checks them."""

    def __init__(self, world: World, clock: Clock, key: bytes, life: float) -> None:
        """Sign with `key`; addresses live for `life` seconds."""
        self._world = world
        self._clock = clock
        self._key = key
        self._life = life
        self.base = ""
        """Where the server listens; set when it does."""

    def url(self, attachment: Attachment) -> str:
        """A fresh address."""
        path = f"/attachments/{attachment.channel}/{attachment.id}/{quote(attachment.filename)}"
        issued = int(self._clock.now())
        expires = issued + int(self._life)
        signature = self._sign(attachment.id, f"{expires:x}", f"{issued:x}")
        return f"{self.base}{path}?ex={expires:x}&is={issued:x}&hm={signature}&"

    def find(self, attachment_id: str, query: Mapping[str, str]) -> Attachment | None:
        """The file, when the address is signed and not expired."""
        expires, issued = query.get("ex", ""), query.get("is", "")
        signature = self._sign(attachment_id, expires, issued)
        if (
            not hmac.compare_digest(signature.encode(), query.get("hm", "").encode())
            or int(expires, 16) < self._clock.now()
        ):
            return None
        return self._world.attachments.get(attachment_id)

    def _sign(self, attachment_id: str, expires: str, issued: str) -> str:
        text = f"{attachment_id}:{expires}:{issued}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
