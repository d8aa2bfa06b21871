"""What a benchmark finds out: one record a figure, with the baseline of the same run and the target beside it."""

from dataclasses import asdict, dataclass, field
from typing import Literal

Verdict = Literal["met", "missed"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the figure is compared with: something smaller, measured in the same run on the same machine."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Target:
    """What we want. `limit` is in the unit of the figure, or of its ratio to the baseline when `ratio` is set."""

    limit: float
    at_least: bool = False
    ratio: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    benchmark: str
    what: str
    value: float
    unit: str
    baseline: Baseline | None = None
    target: Target | None = None
    details: dict[str, float] = field(default_factory=dict[str, float])
    """Further numbers of the same measurement, by name."""

    @property
    def ratio(self) -> float | None:
        """The figure as a multiple of its baseline."""
        if self.baseline is None or self.baseline.value == 0:
            return None
        return self.value / self.baseline.value

    @property
    def verdict(self) -> Verdict | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        measured = self.ratio if self.target.ratio else self.value
        if measured is None:
            return "missed"
        met = measured >= self.target.limit if self.target.at_least else measured <= self.target.limit
        return "met" if met else "missed"

    def as_json(self) -> dict[str, object]:
        """All of it, what follows from it too."""
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}
