"""Medians and tails."""

from collections.abc import Sequence
from statistics import median


def p50(values: Sequence[float]) -> float:
    """The median."""
    return median(values)


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred exceeds; of few values the greatest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def milliseconds(seconds: float) -> float:
    """Seconds as milliseconds."""
    return seconds * 1000
