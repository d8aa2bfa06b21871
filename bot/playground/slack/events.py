"""Events API payloads, and their delivery: only subscribed types, at least once, with retries."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence

from bot.playground.slack.chores import Chores
from bot.playground.slack.installs import Grant
from bot.playground.slack.payloads import message_json
from bot.playground.slack.records import Channel, Member, Message
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.socket_mode import SocketMode
from bot.playground.slack.wire import JsonObject, JsonValue
from bot.playground.slack.world import APP_ID, World


class Events:
    """Tells the app what happened in the workspace."""

    def __init__(
        self,
        rules: SlackRules,
        world: World,
        chance: random.Random,
        socket_mode: SocketMode,
        chores: Chores,
        installed: Callable[[], Grant | None],
    ) -> None:
        """`installed` is the installation through which the app is here."""
        self.rules = rules
        self.duplicates = 0
        """How many of the next events go out twice."""
        self.lost = 0
        """How many of the next events are never sent, as if all redeliveries had failed."""
        self._world = world
        self._chance = chance
        self._socket_mode = socket_mode
        self._chores = chores
        self._installed = installed

    def said(self, message: Message) -> None:
        """A message is new: `message`, and `app_mention` as its twin when the bot is mentioned; in random order."""
        channel = self._world.channels[message.channel]
        event = message_json(self._world, message) | _place(channel) | {"event_ts": message.ts}
        events = [(f"message.{_SUBSCRIPTIONS[channel.type]}", event)]
        if not channel.is_direct and not message.from_bot and f"<@{self._world.team.bot_user}>" in message.text:
            kept = {name: value for name, value in event.items() if name not in {"subtype", "channel_type"}}
            events.append(("app_mention", kept | {"type": "app_mention"}))
        self._chance.shuffle(events)
        for name, payload in events:
            self._send(name, channel, payload)

    def edited(self, old: Message, new: Message) -> None:
        """A message was changed; the bot hears of its own edits as well."""
        self._changed(new, "message_changed", {
            "message": message_json(self._world, new),
            "previous_message": message_json(self._world, old),
        })  # fmt: skip

    def deleted(self, message: Message) -> None:
        """A message was deleted."""
        self._changed(message, "message_deleted", {
            "previous_message": message_json(self._world, message), "deleted_ts": message.ts,
        })  # fmt: skip

    def _changed(self, message: Message, subtype: str, more: JsonObject) -> None:
        channel = self._world.channels[message.channel]
        ts = self._world.next_ts()
        event: JsonObject = {"type": "message", "subtype": subtype, "hidden": True, "ts": ts, "event_ts": ts, **more}
        self._send(f"message.{_SUBSCRIPTIONS[channel.type]}", channel, event | _place(channel))

    def home_opened(self, member: Member, channel: Channel, tab: str) -> None:
        """A person opened the agent's Messages tab, or its home page."""
        event: JsonObject = {
            "type": "app_home_opened",
            "user": member.id,
            "channel": channel.id,
            "tab": tab,
            "event_ts": self._world.next_ts(),
        }
        if tab == "home" and member.id in self._world.homes:
            event["view"] = self._world.homes[member.id]
        self._send("app_home_opened", channel, event)

    def thread_started(self, member: Member, root: Message) -> None:
        """A person opened a thread with the assistant in the old split pane."""
        event: JsonObject = {
            "type": "assistant_thread_started",
            "assistant_thread": {
                "user_id": member.id,
                "context": {"team_id": self._world.team.id},
                "channel_id": root.channel,
                "thread_ts": root.ts,
            },
            "event_ts": self._world.next_ts(),
        }
        self._send("assistant_thread_started", self._world.channels[root.channel], event)

    def session_stopped(self, member: Member, channel: Channel, thread: str, streaming: Sequence[str]) -> None:
        """A person pressed Slack's own Stop button."""
        event: JsonObject = {
            "type": "agent_session_stopped",
            "user": member.id,
            "channel": channel.id,
            "thread_ts": thread,
            "streaming_message_ts": list[JsonValue](streaming),
            "event_ts": self._world.next_ts(),
        }
        self._send("agent_session_stopped", channel, event)

    def uninstalled(self, grant: Grant) -> None:
        """Somebody removed the app: two events tell of it, in any order."""
        at = self._world.next_ts()
        revoked: JsonValue = {"bot": [self._world.team.bot_user]}
        events: list[JsonObject] = [
            {"type": "app_uninstalled", "event_ts": at},
            {"type": "tokens_revoked", "tokens": revoked, "event_ts": at},
        ]
        self._chance.shuffle(events)
        for event in events:
            if event["type"] in self.rules.events:
                self._hand_out(self._payload(event, grant))

    def announce(self, event: JsonObject) -> None:
        """Send an event that belongs to no channel, as if it had happened."""
        grant = self._installed()
        if grant is not None:
            self._hand_out(self._payload(event, grant))

    def _send(self, subscription: str, channel: Channel, event: JsonObject) -> None:
        grant = self._installed()
        if grant is None or subscription not in self.rules.events:
            return
        if self._world.team.bot_user not in channel.members:
            return
        self._hand_out(self._payload(event, grant))

    def _hand_out(self, payload: JsonObject) -> None:
        if self.lost > 0:
            self.lost -= 1
            return
        copies = 1
        if self.duplicates > 0:
            self.duplicates -= 1
            copies = 2
        for _ in range(copies):
            self._chores.start(self._deliver(payload))

    def _payload(self, event: JsonObject, grant: Grant) -> JsonObject:
        team = self._world.team
        authorization: JsonValue = {
            "enterprise_id": team.enterprise,
            "team_id": None if grant.organisation else team.id,
            "user_id": self._world.team.bot_user,
            "is_bot": True,
            "is_enterprise_install": grant.organisation,
        }
        return {
            "token": "deprecated",
            "team_id": self._world.team.id,
            "context_team_id": self._world.team.id,
            "context_enterprise_id": team.enterprise,
            **({"enterprise_id": team.enterprise} if team.enterprise else {}),
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": self._world.new_id("Ev"),
            "event_time": int(time.time()),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": f"4-{self._world.token()}",
        }

    async def _deliver(self, payload: JsonObject) -> None:
        for attempt, pause in enumerate((0.0, *self.rules.retry_delays)):
            await asyncio.sleep(pause)
            if await self._socket_mode.deliver("events_api", payload, attempt=attempt) is not None:
                return


_SUBSCRIPTIONS = {"im": "im", "channel": "channels"}


def _place(channel: Channel) -> JsonObject:
    return {"channel": channel.id, "channel_type": channel.type}
