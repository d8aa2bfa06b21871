"""Foreign text on one line of code that stays harmless even where the marks around it are not taken for code."""

import re
import unicodedata

from bot.relay.text.links import spaced

_BLANK = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Categories of what breaks the line, hides something, turns the direction of writing around or cannot be shown."""
_BLANK_LETTERS = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
"""Letters and marks that show nothing."""
_LOOKALIKE = str.maketrans({"`": "'", '"': "'", "|": "¦", "\\": "＼", "[": "［", "]": "］", "<": "＜", ">": "＞"})
_ENTITY = re.compile(r"&(?=#?\w{1,31};)")


def harmless(text: str) -> str:
    """Without what could end the code, format, link or hide; blanks that follow each other become one space."""
    seen = "".join(" " if unicodedata.category(letter) in _BLANK else letter for letter in text)
    line = _BLANK_LETTERS.sub(" ", seen).translate(_LOOKALIKE)
    return re.sub(" +", " ", spaced(_ENTITY.sub("＆", line))).strip()
