"""What people do: speak, use commands, press buttons, change and delete what they said."""

import time
from dataclasses import dataclass, replace

from bot.playground.slack.blocks_html import block_buttons
from bot.playground.slack.entities import compose, rich_text
from bot.playground.slack.events import Events
from bot.playground.slack.payloads import message_json
from bot.playground.slack.records import Channel, FileMode, Member, Message, SharedFile
from bot.playground.slack.response_urls import answer
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk
from bot.playground.slack.wire import JsonObject, JsonValue, as_text
from bot.playground.slack.world import APP_ID, DOMAIN, TEAM_ID, media_type
from bot.playground.view import NotPossible, Upload

LONGEST_MESSAGE = 12_000
"""Characters that a person can send at once."""


@dataclass(frozen=True, slots=True)
class Disguise:
    """How the next file of a person appears: deleted, kept elsewhere, or only by id."""

    mode: FileMode = "hosted"
    needs_info: bool = False


class Acts:
    """People's deeds. Errors are `NotPossible` with what Slack would show."""

    def __init__(self, desk: Desk, events: Events) -> None:
        self._desk = desk
        self._events = events
        self.disguises: list[Disguise] = []

    def speak(self, person: str, channel: str, text: str, thread: str | None, files: tuple[Upload, ...]) -> str:
        """Send a message; returns its ts."""
        member, place = self.member(person), self.place(person, channel)
        if not text.strip() and not files:
            raise NotPossible("There is nothing to send.")
        if len(text) > LONGEST_MESSAGE:
            raise NotPossible(f"Messages can have {LONGEST_MESSAGE:,} characters at most.")
        composed = compose(self._desk.world, text)
        message = Message(
            ts=self._desk.world.next_ts(),
            channel=place.id,
            user=member.id,
            text=composed,
            blocks=(rich_text(composed),) if composed else (),
            thread_ts=self._root(place, thread),
            subtype="file_share" if files else None,
            files=tuple(self._upload(member, file) for file in files),
            client_msg_id=self._desk.world.token(32),
        )
        self._desk.workspace.say(message)
        return message.ts

    def _root(self, channel: Channel, thread: str | None) -> str | None:
        if thread is None:
            return None
        root = self._desk.world.message(channel.id, thread)
        if root is None or root.only_for is not None:
            raise NotPossible("This thread does not exist any more.")
        return root.root

    def _upload(self, member: Member, upload: Upload) -> str:
        disguise = self.disguises.pop(0) if self.disguises else Disguise()
        file = SharedFile(
            id=self._desk.world.new_id("F"),
            name=upload.name,
            title=upload.name,
            media_type=media_type(upload.name),
            user=member.id,
            created=int(time.time()),
            content=upload.content,
            mode=disguise.mode,
            needs_info=disguise.needs_info,
        )
        self._desk.world.files[file.id] = file
        return file.id

    def edit(self, person: str, channel: str, ts: str, text: str) -> None:
        """A person changes their own message."""
        old = self._own(person, channel, ts)
        composed = compose(self._desk.world, text)
        self._desk.workspace.edit(old, replace(old, text=composed, blocks=(rich_text(composed),)))

    def delete(self, person: str, channel: str, ts: str) -> None:
        """A person deletes their own message."""
        self._desk.workspace.delete(self._own(person, channel, ts))

    def _own(self, person: str, channel: str, ts: str) -> Message:
        message = self._desk.world.message(self.place(person, channel).id, ts)
        if message is None or message.user != self.member(person).id:
            raise NotPossible("This is not your message.")
        return message

    def react(self, person: str, channel: str, ts: str, name: str) -> None:
        """A person reacts to a message."""
        message = self._desk.world.message(self.place(person, channel).id, ts)
        if message is None:
            raise NotPossible("This message does not exist any more.")
        self._desk.workspace.react(message, name, self.member(person).id)

    def open_home(self, person: str) -> None:
        """A person opens the direct messages with the bot."""
        member = self.member(person)
        self._events.home_opened(member, self.place(person, member.id))

    async def command(self, person: str, channel: str, name: str, text: str) -> str:
        """Use a slash command; returns what the acknowledgement says."""
        member, place = self.member(person), self.place(person, channel)
        command = name.removeprefix("/")
        if command not in (one.name for one in self._desk.rules.commands):
            raise NotPossible(f"/{command} is not a valid command.")
        note = f"{member.name.split()[0]} used /{command}"
        response_url = self._desk.interactions.response_url(member.id, place.id, note=note)
        payload: JsonObject = {
            "token": "deprecated",
            "team_id": TEAM_ID,
            "team_domain": DOMAIN,
            "channel_id": place.id,
            "channel_name": "directmessage" if place.is_direct else place.name,
            "user_id": member.id,
            "user_name": member.handle,
            "command": f"/{command}",
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": self._desk.interactions.trigger(),
        }
        reply = await self._interact("slash_commands", payload, f"/{command}")
        return self._show_reply(response_url, reply)

    def _show_reply(self, response_url: str, reply: JsonObject) -> str:
        """An acknowledgement with a payload is a first answer."""
        if not reply:
            return ""
        url = self._desk.interactions.use_response_url(response_url.rsplit("/", 1)[1])
        try:
            message = None if isinstance(url, str) else answer(self._desk, url, Arguments(reply))
        except Refusal as problem:
            raise NotPossible(f"The application answered something invalid ({problem.error}).") from problem
        return message.text if message else ""

    async def press(self, person: str, channel: str, ts: str, button: str) -> None:
        """Press a button."""
        member, place = self.member(person), self.place(person, channel)
        message = self._desk.world.message(place.id, ts)
        if message is None or message.only_for not in (None, member.id):
            raise NotPossible("This message does not exist any more.")
        pressed = next((one for one in block_buttons(message.blocks) if one.view.id == button), None)
        if pressed is None:
            raise NotPossible("This button does not exist any more.")
        action = pressed.action | {"action_ts": self._desk.world.next_ts()}
        await self._interact("interactive", self._block_actions(member, place, message, action), "The button")

    def _block_actions(self, member: Member, place: Channel, message: Message, action: JsonObject) -> JsonObject:
        container: JsonObject = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": place.id,
            "is_ephemeral": message.only_for is not None,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        whole: JsonValue = message_json(self._desk.world, message)
        actions: list[JsonValue] = [action]
        return {
            "type": "block_actions",
            "user": {"id": member.id, "username": member.handle, "name": member.handle, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": "deprecated",
            "container": container,
            "trigger_id": self._desk.interactions.trigger(),
            "team": {"id": TEAM_ID, "domain": DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": place.id, "name": "directmessage" if place.is_direct else place.name},
            **({} if message.only_for else {"message": whole}),
            "state": {"values": {}},
            "response_url": self._desk.interactions.response_url(
                member.id, place.id, message=message.ts, thread=message.thread_ts
            ),
            "actions": actions,
        }

    async def _interact(self, kind: str, payload: JsonObject, what: str) -> JsonObject:
        """Deliver once; Slack never repeats commands and clicks."""
        if self._desk.socket_mode.connections == 0:
            raise NotPossible(f'{what} failed with the error "dispatch_failed".')
        slash = kind == "slash_commands"
        reply = await self._desk.socket_mode.deliver(
            "slash_commands" if slash else "interactive", payload, accepts_payload=slash
        )
        if reply is None:
            raise NotPossible(f'{what} failed with the error "operation_timeout": the application did not respond.')
        return reply

    def member(self, person: str) -> Member:
        """The member that a person on the page is."""
        member = self._desk.world.person(person)
        if member is None or member.is_bot:
            raise NotPossible(f"There is nobody called {person}.")
        return member

    def place(self, person: str, name: str) -> Channel:
        """A channel that the person can see, by id or name; `dm` is their direct messages with the bot."""
        member = self.member(person)
        channel = self._desk.world.channel(member.id if name == "dm" else name)
        if channel is None or member.id not in channel.members:
            raise NotPossible(f"There is no channel {as_text(name)}.")
        return channel
