"""What the engine works with."""

from dataclasses import dataclass

from bot.engine.limits import EngineLimits
from bot.ports import Clock, ModelClient, Store, Toolbox


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that every run needs, together."""

    store: Store
    model: ModelClient
    toolbox: Toolbox
    clock: Clock
    limits: EngineLimits
