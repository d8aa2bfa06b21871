"""What kind of file some bytes are, by looking at them. Names and senders' words are never believed."""

import codecs
import struct
from collections.abc import Iterator

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\x1f\x8b", "application/gzip"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ZIPPED: tuple[tuple[bytes, str], ...] = (
    (b"word/", f"{_OFFICE}.wordprocessingml.document"),
    (b"xl/", f"{_OFFICE}.spreadsheetml.sheet"),
    (b"ppt/", f"{_OFFICE}.presentationml.presentation"),
)
_END, _END_SIZE, _LONGEST_END = b"PK\x05\x06", 22, 22 + 65_535
_ENTRY, _ENTRY_SIZE = b"PK\x01\x02", 46
"""Signatures and fixed sizes of the records in an archive's directory."""
_MOST_NAMES = 2_000
"""Names that are read; office programs write the telling ones first."""
_PAGE_STARTS = (b"<!doctype html", b"<html")
_UNKNOWN = "application/octet-stream"
_TEXT_CONTROLS = frozenset(b"\t\n\r\x0c\x1b")


def media_type_of(content: bytes) -> str:
    """The media type of `content`; `application/octet-stream` when it is none of those we know."""
    for magic, media_type in _MAGIC:
        if content.startswith(magic):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"PK\x03\x04"):
        return _kind_of_archive(content)
    return _kind_of_text(content)


def is_image(media_type: str) -> bool:
    """Whether a model may be able to see it."""
    return media_type in ("image/png", "image/jpeg", "image/gif", "image/webp")


def _kind_of_archive(content: bytes) -> str:
    """Read the list of names only; nothing is unpacked."""
    end = content.rfind(_END, max(0, len(content) - _LONGEST_END))
    if end < 0 or len(content) < end + _END_SIZE:
        return _UNKNOWN
    names = set(_names(content, end))
    if b"[Content_Types].xml" in names:
        for folder, media_type in _ZIPPED:
            if any(name.startswith(folder) for name in names):
                return media_type
    return "application/zip"


def _names(content: bytes, end: int) -> Iterator[bytes]:
    """The first names in an archive's directory; a list of half a million names is a known trick."""
    size, position = struct.unpack_from("<II", content, end + 12)
    if size < end and position + size < end:  # something stands in front of the archive
        position = end - size
    for _ in range(_MOST_NAMES):
        if not content.startswith(_ENTRY, position) or position + _ENTRY_SIZE > end:
            return
        name, extra, comment = struct.unpack_from("<HHH", content, position + 28)
        yield content[position + _ENTRY_SIZE : position + _ENTRY_SIZE + name]
        position += _ENTRY_SIZE + name + extra + comment


def _kind_of_text(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeDecodeError:
            return _UNKNOWN
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return _UNKNOWN
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in set(content)):
        return _UNKNOWN
    start = content.removeprefix(codecs.BOM_UTF8).lstrip()[:20].lower()
    return "text/html" if start.startswith(_PAGE_STARTS) else "text/plain"
