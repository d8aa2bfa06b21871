"""What kind of file some bytes are, by looking at them. Names and senders' words are never believed."""

import codecs
import io
import zipfile

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\x1f\x8b", "application/gzip"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ZIPPED: tuple[tuple[str, str], ...] = (
    ("word/", f"{_OFFICE}.wordprocessingml.document"),
    ("xl/", f"{_OFFICE}.spreadsheetml.sheet"),
    ("ppt/", f"{_OFFICE}.presentationml.presentation"),
)
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
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
        return _UNKNOWN
    if "[Content_Types].xml" in names:
        for folder, media_type in _ZIPPED:
            if any(name.startswith(folder) for name in names):
                return media_type
    return "application/zip"


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
