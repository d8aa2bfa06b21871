"""Watches both platforms and the bot's process, and fills the outbox of every browser."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from bot.playground.child import BotChild, BotView
from bot.playground.page.outbox import Outbox
from bot.playground.page.wire import Json, bot_json, change_json, change_key, snapshot_json
from bot.playground.view import Change, Stage, StatusShown


class Feed:
    """One source of changes for all browsers."""

    def __init__(self, slack: Stage, discord: Stage, bot: BotChild, *, model_label: str, model_hint: str) -> None:
        self._slack = slack
        self._discord = discord
        self._bot = bot
        self._model = (model_label, model_hint)
        self._outboxes: list[Outbox] = []
        self._statuses: dict[tuple[str, ...], Json] = {}
        self._ends: list[Callable[[], None]] = []

    def open(self) -> None:
        """Begin to watch."""
        self._ends = [
            self._slack.watch(partial(self._changed, self._slack)),
            self._discord.watch(partial(self._changed, self._discord)),
            self._bot.watch(self._bot_changed),
        ]

    def close(self) -> None:
        """Stop watching."""
        for end in self._ends:
            end()
        self._ends = []

    def join(self) -> tuple[Json, Outbox]:
        """A browser arrives. Returns everything there is to see, and what it will be told from now on.

        Both are taken in one turn of the loop, so no change is lost between them.
        """
        outbox = Outbox()
        self._outboxes.append(outbox)
        bot = bot_json(self._bot.view(), *self._model)
        return snapshot_json(self._slack, self._discord, bot, list(self._statuses.values())), outbox

    def leave(self, outbox: Outbox) -> None:
        """A browser is gone."""
        with suppress(ValueError):  # it never joined
            self._outboxes.remove(outbox)

    def _changed(self, stage: Stage, change: Change) -> None:
        key, told = change_key(change), change_json(change, stage)
        if isinstance(change, StatusShown):
            self._remember_status(key, told, cleared=not change.text)
        for outbox in self._outboxes:
            outbox.put(key, told)

    def _remember_status(self, key: tuple[str, ...], told: Json, *, cleared: bool) -> None:
        """A status is no part of a platform's view, so it is kept for browsers that come later."""
        if cleared:
            self._statuses.pop(key, None)
        else:
            self._statuses[key] = told

    def _bot_changed(self, bot: BotView) -> None:
        told: Json = {"kind": "bot", "bot": bot_json(bot, *self._model)}
        for outbox in self._outboxes:
            outbox.put(("bot",), told)
