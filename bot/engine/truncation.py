"""Choosing what of a thread the model reads."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.turns import ModelInput
from bot.engine.attachments import FileBudget
from bot.engine.exchanges import Exchange, Renderer
from bot.engine.limits import EngineLimits
from bot.engine.sizes import input_tokens

_CHARACTERS_PER_TOKEN = 3
"""Cautious, for cutting a text that is too long by itself."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """An exchange as the model reads it."""

    exchange: Exchange
    inputs: tuple[ModelInput, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Fit:
    """What fits, oldest first, and whether that is everything that was offered."""

    kept: tuple[Rendered, ...]
    everything: bool

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """The kept exchanges' inputs."""
        return tuple(item for rendered in self.kept for item in rendered.inputs)

    def half(self, tokens: int, messages: int) -> "Fit":
        """The newest part of half the size, so that the next cut is far away; at least the last exchange."""
        kept: list[Rendered] = []
        for rendered in reversed(self.kept):
            tokens -= 2 * rendered.tokens
            messages -= 2 * len(rendered.exchange.messages)
            if kept and (tokens < 0 or messages < 0):
                break
            kept.append(rendered)
        return Fit(tuple(reversed(kept)), everything=False)


async def fit(
    exchanges: Sequence[Exchange], renderer: Renderer, limits: EngineLimits, tokens: int, messages: int | None
) -> Fit:
    """Take the newest exchanges while they fit into `tokens` and `messages`; the last one always, cut if need be."""
    left = math.inf if messages is None else messages
    budget = FileBudget(characters=int(tokens * limits.files_share * _CHARACTERS_PER_TOKEN), images=limits.images)
    kept: list[Rendered] = []
    for exchange in reversed(exchanges):
        most = None if kept else tokens * _CHARACTERS_PER_TOKEN // (2 * _texts(exchange))
        inputs = tuple(await renderer.render(exchange, budget, most=most))
        rendered = Rendered(exchange, inputs, input_tokens(inputs))
        tokens -= rendered.tokens
        left -= len(exchange.messages)
        if kept and (tokens < 0 or left < 0):
            break
        kept.append(rendered)
    return Fit(tuple(reversed(kept)), everything=len(kept) == len(exchanges))


def _texts(exchange: Exchange) -> int:
    """How many texts share the space: all that was heard before is one."""
    kinds = {message.heard for message in exchange.messages if message.heard is not None}
    return max(len(exchange.spoken) + len(kinds), 1)
