"""Patterns over the keys of channels: `*` stands for any characters, everything else for itself."""

import re
from functools import lru_cache

_WRITTEN = re.compile(r"[\w.*-]+(:[\w.*-]+)*")


def matches(pattern: str, channel: str) -> bool:
    """Whether a channel's key is one of those that the pattern stands for."""
    return _compiled(pattern).fullmatch(channel) is not None


def covers(wide: str, narrow: str) -> bool:
    """Whether everything that `narrow` matches is matched by `wide`: it matches it even when its `*` are mere signs."""
    return matches(wide, narrow)


def unwritable(pattern: str, platforms: tuple[str, ...]) -> str | None:
    """Why nothing can be matched by a pattern, or None when something can."""
    if _WRITTEN.fullmatch(pattern) is None:
        return "is no channel's key; one looks like slack:T123:C456 or discord:123:456 (ids, not names)"
    platform = pattern.partition(":")[0]
    if "*" not in platform and platform not in platforms:
        return f"begins with {platform!r}; keys begin with {', '.join(platforms)}"
    return None


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
