"""The end of a text that is still being written, without marks that are only half there."""

import re

_HALF = re.compile(
    r"""
    (?:^[ \t>]*(?:[`~]+\w*)                      # a fence line, perhaps not whole
     | !?\[[^\[\]\n]{0,300}(?:\]?|\]\([^()\s]{0,2000}(?:\([^()\s]*)?)   # a link
     | <[^<>\s]{0,300}                           # a mention, an address
     | (?:[a-z][a-z0-9+.-]{1,30}://|www\.)\S*    # an address, perhaps not whole
     | (?<!\S)[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d*|(?::\d+)?[/?\#]\S*)    # a host with a path
     | 【[^【】\n]{0,200}                          # a citation
     | \\
     | [`*_~|!]+
    )\Z""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_REACH = 2500


def settled(markdown: str) -> str:
    """`markdown` without the half-written mark at its end, so that it does not flicker while more arrives."""
    start = max(0, len(markdown) - _REACH)
    found = _HALF.search(markdown, start)
    return markdown[: found.start()] if found else markdown
