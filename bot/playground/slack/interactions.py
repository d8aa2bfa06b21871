"""Trigger ids and response URLs: what a click or a command gives to the app, and how soon it is worth nothing."""

import time
from dataclasses import dataclass, replace
from typing import Literal

from bot.playground.slack.rules import SlackRules
from bot.playground.slack.world import World


@dataclass(frozen=True, slots=True)
class Trigger:
    """Permission to open a modal for somebody, once and soon."""

    user: str
    expires: float


@dataclass(frozen=True, slots=True)
class ResponseUrl:
    """Permission to answer an interaction a few times."""

    key: str
    user: str
    channel: str
    message: str | None
    """The message whose button was pressed; None for commands."""
    thread: str | None
    note: str | None
    expires: float
    left: int


class Interactions:
    """All trigger ids and response URLs that were given out."""

    def __init__(self, rules: SlackRules, world: World) -> None:
        self.rules = rules
        self._world = world
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def trigger(self, user: str) -> str:
        """A fresh `trigger_id` of somebody's deed."""
        trigger = f"{int(time.time() * 1000)}.{self._world.token(12)}"
        self._triggers[trigger] = Trigger(user, time.monotonic() + self.rules.trigger_seconds)
        return trigger

    def use_trigger(self, trigger: str) -> Trigger | Literal["invalid_trigger_id", "expired_trigger_id"]:
        """Use a `trigger_id` up; says what is wrong with it."""
        found = self._triggers.pop(trigger, None)
        if found is None:
            return "invalid_trigger_id"
        return "expired_trigger_id" if found.expires < time.monotonic() else found

    def response_url(
        self, user: str, channel: str, *, message: str | None = None, thread: str | None = None, note: str | None = None
    ) -> str:
        """A fresh response URL."""
        key = self._world.token(32)
        expires = time.monotonic() + self.rules.response_url_seconds
        self._urls[key] = ResponseUrl(key, user, channel, message, thread, note, expires, self.rules.response_url_uses)
        return f"{self._world.address}/response/{key}"

    def gave(self, key: str) -> bool:
        """Whether this response URL is from here."""
        return key in self._urls

    def use_response_url(self, key: str) -> ResponseUrl | Literal["used_url", "expired_url"]:
        """Use a response URL once; says what is wrong with it."""
        url = self._urls.get(key)
        if url is None or url.expires < time.monotonic():
            return "expired_url"
        if url.left < 1:
            return "used_url"
        self._urls[key] = replace(url, left=url.left - 1)
        return url
