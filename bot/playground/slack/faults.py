"""Trouble on order: the next calls of a method fail in a chosen way."""

from dataclasses import dataclass, replace
from typing import Literal

FaultKind = Literal["429", "500", "503", "error", "slow", "cut_before", "cut_after", "500_after", "slow_after"]
"""`error` answers `ok: false`;
`cut_before` closes the connection before the call took effect, `cut_after` after it;
`500_after` and `slow_after` answer badly, or late, although it took effect."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the next `left` calls of a method."""

    method: str
    kind: FaultKind
    left: int
    seconds: float
    error: str


class Faults:
    """The faults that were ordered and are not used up."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self, method: str, kind: FaultKind, count: int = 1, *, seconds: float = 1.0, error: str = "internal_error"
    ) -> None:
        """Spoil the next `count` calls.

        Args:
            method: Web API method, `upload`, `download`, `response_url`, or `*` for whatever comes.
            kind: What happens.
            count: How many calls.
            seconds: `Retry-After` of a 429, or how slow a slow answer is.
            error: Slack's word for the kind `error`.
        """
        self._faults.append(Fault(method, kind, count, seconds, error))

    def clear(self) -> None:
        """Forget all that is left."""
        self._faults.clear()

    def take(self, method: str) -> Fault | None:
        """The fault for this call, used up by one."""
        for index, fault in enumerate(self._faults):
            if fault.method in (method, "*"):
                if fault.left > 1:
                    self._faults[index] = replace(fault, left=fault.left - 1)
                else:
                    del self._faults[index]
                return fault
        return None
