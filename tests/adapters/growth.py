"""Whether work grows with its input, and not with the input's square."""

import time
from collections.abc import Callable

SIZE = 200_000


def assert_linear(work: Callable[[int], object]) -> None:
    """Twice the input, 400,000 characters, takes about twice the time: never four times, whatever the machine."""
    work(1_000)
    assert _growth(work) < 3.4 or _growth(work) < 3.4 or _growth(work) < 3.4


def _growth(work: Callable[[int], object]) -> float:
    return _spent(work, 2 * SIZE) / max(_spent(work, SIZE), 0.02)


def _spent(work: Callable[[int], object], size: int) -> float:
    begun = time.process_time()
    work(size)
    return time.process_time() - begun
