"""Limits of a platform that hold for everything that is asked of it, beside those of single buckets."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable


@runtime_checkable
class SharedCeiling(Protocol):
    """What an adapter offers besides `Adapter` when its platform counts all requests of a token together."""

    def divide_among(self, processes: Callable[[], int]) -> None:
        """From now on use only this process's part of the limit; `processes` says how many there are, at any time."""
        ...
