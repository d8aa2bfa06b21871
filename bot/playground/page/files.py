"""Handing out a file that somebody sent, without letting it become a page of its own."""

from urllib.parse import quote

from aiohttp import web

from bot.playground.page.guard import FILE_POLICY

SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Raster images only: SVG and HTML can carry scripts."""


def file_response(name: str, media_type: str, content: bytes) -> web.Response:
    """The file: raster images are shown, everything else is only ever downloaded."""
    inline = media_type in SHOWN_INLINE
    disposition = "inline" if inline else "attachment"
    return web.Response(
        body=content,
        headers={
            "Content-Type": media_type if inline else "application/octet-stream",
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": FILE_POLICY,
            "Cache-Control": "private, max-age=3600",
        },
    )
