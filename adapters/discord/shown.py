"""What a message shows: its text with the question above and the small print below, and its files."""

import io
import re

import discord

from adapters.discord.cover import covered
from adapters.discord.places import Place
from bot.relay.contract import Outbound

_URL = re.compile(r"<?\b(https?://[^\s<>]+)>?")
_LONGEST = 2_000
"""Characters of a message."""


def text_of(place: Place, outbound: Outbound) -> str:
    """What is sent: the text with its small print, under the question when it answers a command.

    Of a command Discord itself shows only that it was used. Where there is no room for the question, or for the marks
    that make print small, they are left out.
    """
    shown = _fitting(f"{outbound.text}\n{_small(outbound.footer)}", f"{outbound.text}\n{outbound.footer}")
    text = shown if outbound.footer else outbound.text
    if not place.quote or outbound.continuation:
        return covered(text)
    quote = _URL.sub(r"<\1>", discord.utils.escape_markdown(place.quote))
    return covered(_fitting(f"> {quote}\n{text}", text))


def _small(footer: str) -> str:
    return "\n".join(f"-# {line}" for line in footer.splitlines() if line.strip())


def _fitting(wanted: str, otherwise: str) -> str:
    return wanted if len(wanted.encode("utf-16-le")) // 2 <= _LONGEST else otherwise


def files_of(outbound: Outbound) -> list[discord.File]:
    """The files as discord.py sends them."""
    return [discord.File(io.BytesIO(file.content), filename=file.name) for file in outbound.files]
