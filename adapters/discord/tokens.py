"""Tokens of interactions. Discord lets them live for 15 minutes, and only its own clock says when these are over."""

import time
from collections import OrderedDict

from adapters.discord.places import Place

LIFE = 13.5 * 60
"""Seconds for which this process uses a token, counted from when it met it first: the rest of Discord's 15 minutes
(Interactions, "Receiving and Responding") is a margin for the last edits. Whoever meets it late hears from Discord."""
YOUNG = 3.0
"""Seconds within which the gateway acknowledges an interaction. Before that Discord does not know the token yet."""
_KEPT = 2_000


class Tokens:
    """What this process knows of each token: a token is good until Discord refuses it, whatever our own clock says."""

    def __init__(self) -> None:
        self._met: OrderedDict[str, float] = OrderedDict()

    def good(self, place: Place) -> bool:
        """Whether it is worth trying; False for what is no interaction."""
        return bool(place.token) and time.monotonic() - self._meet(place.token) < LIFE

    def young(self, place: Place) -> bool:
        """Whether the acknowledgement may still be on its way."""
        return time.monotonic() - self._meet(place.token) < YOUNG

    def refused(self, place: Place) -> None:
        """Discord does not take it, or its message is gone: it is not tried again."""
        self._meet(place.token)
        self._met[place.token] = float("-inf")

    def _meet(self, token: str) -> float:
        met = self._met.setdefault(token, time.monotonic())
        if len(self._met) > _KEPT:
            self._met.popitem(last=False)
        return met
