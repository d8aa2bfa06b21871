"""Inline marks that must stay in one piece: code, links, mentions, bold text, spoilers, citation marks, addresses."""

import re

_MARK = r"""
    (?<!`)(?P<ticks>`++)(?:(?!(?P=ticks))[\s\S]){{0,600}}(?:(?P=ticks)(?!`)|{end})   # code
  | !?\[[^\[\]\n]{{0,400}}(?:\]\([^()\s]{{0,2000}}(?:\([^()\s]{{0,400}}\)[^()\s]{{0,400}})?
                           (?:[ ]"[^"\n]{{0,200}}")?(?:\)|{end})
                          |\]?{end})                                               # link, image
  | <[^<>\s][^<>\n]{{0,600}}(?:>|{end})                                            # mention, emoji, address
  | 【[^【】\n]{{0,200}}(?:】|{end})                                                 # citation
  | \*\*(?=\S|{end})(?:(?!\*\*)[\s\S]){{0,800}}(?:\*\*|{end})                       # bold
  | \|\|(?=\S|{end})(?:(?!\|\|)[\s\S]){{0,800}}(?:\|\||{end})                       # spoiler
  | ~~(?=\S|{end})(?:(?!~~)[\s\S]){{0,800}}(?:~~|{end})                             # struck out
  | __(?=\S|{end})(?:(?!__)[\s\S]){{0,800}}(?:__|{end})                             # underlined or bold
  | https?://[^\s<>]{{1,2000}}
"""
_CLOSED = re.compile(_MARK.format(end=r"(?!)"), re.VERBOSE)
_GROWING = re.compile(_MARK.format(end=r"\Z"), re.VERBOSE)


def spans(text: str, start: int, end: int, *, growing: bool) -> list[tuple[int, int]]:
    """Where `text[start:end]`, one paragraph, must not be cut: positions strictly between each pair.

    With `growing` the text goes on after `end`: marks that are still open there reach beyond it.
    """
    pattern = _GROWING if growing else _CLOSED
    found: list[tuple[int, int]] = []
    for match in pattern.finditer(text[start:end]):
        reaches_out = growing and match.end() == end - start
        found.append((start + match.start(), start + match.end() + reaches_out))
    return found
