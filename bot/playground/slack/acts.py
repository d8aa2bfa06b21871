"""What people do: speak, forward, change and delete what they said, open the bot's pages."""

import time
from dataclasses import dataclass, replace
from typing import Literal

from bot.playground.slack.cast import Cast
from bot.playground.slack.entities import compose, rich_text
from bot.playground.slack.events import Events
from bot.playground.slack.payloads import TOMBSTONE, file_json, permalink
from bot.playground.slack.records import Channel, FileMode, Member, Message, SharedFile
from bot.playground.slack.webapi.desk import Desk
from bot.playground.slack.wire import JsonObject, JsonValue
from bot.playground.slack.world import media_type
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

    def __init__(self, desk: Desk, events: Events, cast: Cast) -> None:
        self._desk = desk
        self._events = events
        self._cast = cast
        self.disguises: list[Disguise] = []

    def speak(
        self,
        person: str,
        channel: str,
        text: str,
        thread: str | None,
        files: tuple[Upload, ...],
        forwarded: tuple[str, str] | None = None,
    ) -> str:
        """Send a message, with another one (channel and ts) forwarded in it if there is one; returns its ts."""
        member, place = self._cast.member(person), self._cast.place(person, channel)
        if not text.strip() and not files and forwarded is None:
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
            attachments=(self._share(person, *forwarded),) if forwarded else (),
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
        old = self._cast.message(person, channel, ts)
        if old.user != self._cast.member(person).id or old.subtype == TOMBSTONE:
            raise NotPossible("This is not your message.")
        if not text.strip():
            raise NotPossible("There is nothing to send.")
        composed = compose(self._desk.world, text)
        self._desk.workspace.edit(old, replace(old, text=composed, blocks=(rich_text(composed),)))

    def delete(self, person: str, channel: str, ts: str) -> None:
        """A person deletes their own message; an administrator may delete any."""
        message, member = self._cast.message(person, channel, ts), self._cast.member(person)
        if message.user != member.id and not member.administrator:
            raise NotPossible("This is not your message.")
        self._desk.workspace.delete(message)

    def react(self, person: str, channel: str, ts: str, name: str) -> None:
        """A person reacts to a message."""
        message = self._desk.world.message(self._cast.place(person, channel).id, ts)
        if message is None:
            raise NotPossible("This message does not exist any more.")
        self._desk.workspace.react(message, name, self._cast.member(person).id)

    def visit(self, person: str, place: Literal["messages", "home"]) -> None:
        """Open the direct messages with the bot, or its home page."""
        if place == "home" and not self._desk.rules.home_tab:
            raise NotPossible("This application has no home page.")
        member = self._cast.member(person)
        self._events.home_opened(member, self._cast.place(person, member.id), place)

    def begin_thread(self, person: str) -> str:
        """Open a thread with the assistant in the old split pane, before anything is said; returns its ts."""
        member = self._cast.member(person)
        place = self._cast.place(person, member.id)
        root = Message(
            ts=self._desk.world.next_ts(),
            channel=place.id,
            user=self._desk.world.team.bot_user,
            text="New assistant thread",
            subtype="assistant_app_thread",
            from_bot=True,
        )
        self._desk.world.put(root)
        self._events.thread_started(member, root)
        return root.ts

    def stop_session(self, person: str, channel: str, thread: str) -> None:
        """Press Slack's own Stop button of a session."""
        member, place = self._cast.member(person), self._cast.place(person, channel)
        root = self._root(place, thread)
        self._desk.streams.stopped_by(member, place, root or thread)

    def post_as_bot(self, channel: str, name: str, text: str, attachments: tuple[JsonObject, ...]) -> str:
        """Another app says something; returns its ts."""
        place = self._cast.place("ada", channel)
        message = Message(
            ts=self._desk.world.next_ts(),
            channel=place.id,
            user=self._cast.member("ada").id,
            text=text,
            speaker=name,
            attachments=attachments,
        )
        self._desk.workspace.say(message)
        return message.ts

    def preview(self, channel: str, ts: str, url: str) -> None:
        """Slack has fetched the preview of a link in a message."""
        place = self._desk.world.channels[channel]
        message = self._desk.world.message(place.id, ts)
        if message is None:
            raise NotPossible("This message does not exist any more.")
        attachment: JsonObject = {"id": 1, "from_url": url, "original_url": url, "title": "A page", "text": "Preview"}
        self._desk.workspace.preview(message, attachment)

    def _share(self, person: str, channel: str, ts: str) -> JsonObject:
        """A message as an attachment of the one that forwards it."""
        message = self._cast.message(person, channel, ts)
        author = self._desk.world.members[message.user]
        files: list[JsonValue] = [file_json(self._desk.world, self._desk.world.files[one]) for one in message.files]
        return {
            "id": 1,
            "ts": message.ts,
            "channel_id": message.channel,
            "channel_team": self._desk.world.team.id,
            "is_msg_unfurl": True,
            "is_share": True,
            "author_id": author.id,
            "author_name": author.name,
            "author_subname": author.name,
            "from_url": permalink(self._desk.world, message.channel, message.ts),
            "fallback": f"{author.name}: {message.text}",
            "text": message.text,
            "footer": "Slack Conversation",
            "mrkdwn_in": ["text"],
            **({"files": files} if files else {}),
        }
