"""Slack's `ts`: a message's name within its channel, and its time by Slack's own clock. Text that orders as numbers."""

import re

_TS = re.compile(r"(\d{1,12})\.(\d{6})")
_MICRO = 1_000_000


def micros(ts: str) -> int:
    """A `ts` in microseconds; 0 when it is none."""
    match = _TS.fullmatch(ts)
    return int(match[1]) * _MICRO + int(match[2]) if match else 0


def seconds(ts: str) -> float:
    """A `ts` in Unix seconds; 0 when it is none."""
    return micros(ts) / _MICRO


def stamp(moment: int) -> str:
    """The `ts` of a moment in microseconds."""
    return f"{moment // _MICRO}.{moment % _MICRO:06d}"
