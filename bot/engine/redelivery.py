"""When a run's answer that did not reach its chat is tried again, and when it is given up.

| the sink said                          | tried again                                                          |
|----------------------------------------|----------------------------------------------------------------------|
| the platform limits us or is away      | until the delivery is `delivery_patience` old, then `deliveries` times |
| anything else                          | `deliveries` times in this process                                    |

What can never be delivered (channel or permission gone) the sink closes by itself.
"""

import random
from collections import Counter

from bot.domain.lanes import Work
from bot.engine.limits import EngineLimits
from bot.errors import RateLimited, Unreachable

_MOST_DOUBLINGS = 20
"""Far beyond every cap, and far below what a float can hold."""


class Redelivery:
    """Counts failed deliveries of one process, by run; after a restart the counts begin anew.

    Args:
        limits: how often and after how long.
    """

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self._tries: Counter[str] = Counter()
        self._unforeseen: Counter[str] = Counter()

    def wait(self, work: Work, error: Exception) -> float | None:
        """Seconds until the next try after `error`; None when the delivery is to be abandoned."""
        run_id = work.run.id
        self._tries[run_id] += 1
        if not isinstance(error, RateLimited | Unreachable):
            self._unforeseen[run_id] += 1
            over = self._unforeseen[run_id] >= self._limits.deliveries
        else:
            over = self._tries[run_id] >= self._limits.deliveries and not self._is_young(work)
        return None if over else self._delay(self._tries[run_id], error)

    def forget(self, run_id: str) -> int:
        """The run is delivered or abandoned. Returns how many tries had failed."""
        self._unforeseen.pop(run_id, None)
        return self._tries.pop(run_id, 0)

    def _is_young(self, work: Work) -> bool:
        """A day and more of patience does not mind that another machine's clock wrote down when it began."""
        delivery = work.delivery
        return delivery is not None and work.now - delivery.created_at < self._limits.delivery_patience

    def _delay(self, tries: int, error: Exception) -> float:
        """With jitter, so that many answers that were refused together do not come back together."""
        doubled = self._limits.delivery_delay * 2.0 ** min(tries - 1, _MOST_DOUBLINGS)
        least = error.retry_after if isinstance(error, RateLimited) else 0.0
        wait = max(min(doubled, self._limits.delivery_delay_most), least)
        return wait * random.uniform(1.0, 1.5)  # noqa: S311 - jitter, not a secret
