"""What the engine works with."""

from dataclasses import dataclass, replace

from bot.domain.assistants import functions_among
from bot.domain.runs import Run
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

    def of(self, run: Run, *, in_chat: bool) -> "Parts":
        """The parts that this run may use: the tools that were accepted for it, and no others, and its model.

        A chat has no model of its own, unless one was named for it: it is the one that this worker is connected to,
        whatever the gateway was that accepted the message.
        """
        toolbox = self.toolbox.only(functions_among(run.tools))
        model = self.model if in_chat and not run.own_model else self.model.named(run.model)
        return replace(self, toolbox=toolbox, model=model)
