"""What follows when something is said, edited, deleted or shared: state, events to the app, changes on the page."""

import asyncio
import time
from dataclasses import replace

from bot.playground.slack.changes import Changes
from bot.playground.slack.chores import Chores
from bot.playground.slack.entities import links, pinged
from bot.playground.slack.events import Events
from bot.playground.slack.journal import Journal, Notice, Ping, Unfurl
from bot.playground.slack.payloads import TOMBSTONE
from bot.playground.slack.records import Message, Reaction, Status
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.show import message_view, shown_links
from bot.playground.slack.wire import JsonObject
from bot.playground.slack.world import World
from bot.playground.view import FormShown, FormView, MessageRemoved, MessageShown, SceneryShown, StatusShown


class Workspace:
    """The one place where the world changes."""

    def __init__(
        self, rules: SlackRules, world: World, events: Events, journal: Journal, changes: Changes, chores: Chores
    ) -> None:
        self.rules = rules
        self.withheld_shares = 0
        """How many of the next uploads never appear in the channel although the call said ok."""
        self._world = world
        self._events = events
        self._journal = journal
        self._changes = changes
        self._chores = chores

    def say(self, message: Message, *, unfurl: bool = False, names: bool = False) -> None:
        """Add a message and let everybody know.

        Args:
            message: The message, complete.
            unfurl: Whether its links would be previewed.
            names: Whether bare `@Name` is a mention.
        """
        self._world.put(message)
        for file in message.files:
            self._world.share(file, message)
        if message.from_bot:
            self._note_pings(message, None, names=names)
            if unfurl:
                self._note_unfurls(message, None)
            self.set_status(Status(message.channel, message.root, ""))
            if message.streaming is None:
                self._journal.notices.append(Notice(channel=message.channel, ts=message.ts, by="post"))
        self._show(message)
        if message.thread_ts is not None and message.only_for is None:
            self._show_root(message)
        if message.only_for is None:
            self._events.said(message)

    def edit(self, old: Message, new: Message, *, names: bool = False) -> Message:
        """Replace a message; returns it with its `edited` mark."""
        for file in new.files[len(old.files) :]:
            self._world.share(file, new)
        new = replace(new, edits=(*old.edits, time.time()), edited_ts=self._world.next_ts())
        self._world.put(new)
        if new.from_bot:
            self._note_pings(new, old, names=names)
            if self.rules.edits_unfurl:
                self._note_unfurls(new, old)
        self._show(new)
        if new.only_for is None:
            self._events.edited(old, new)
        return new

    def grow(self, old: Message, new: Message) -> None:
        """A streamed message has more, or has ended, which is no edit. People are notified when it ends."""
        self._world.put(new)
        self._note_pings(new, old, names=False)
        if new.streaming is not None and new.streaming.end:
            self._journal.notices.append(Notice(channel=new.channel, ts=new.ts, by="stop"))
            if self.rules.streams.unfurls:
                urls = shown_links(self._world, new)
                self._journal.unfurls += [Unfurl(channel=new.channel, ts=new.ts, url=url) for url in urls]
            self._events.edited(old, new)
        self._show(new)

    def delete(self, message: Message) -> None:
        """Take a message away; of one with replies a tombstone stays."""
        if message.only_for is None and self._world.replies(message.channel, message.ts):
            self._bury(message)
            return
        self._world.remove(message)
        self._changes.show(MessageRemoved("slack", message.channel, message.ts))
        if message.only_for is None:
            if message.thread_ts is not None:
                self._show_root(message)
            self._events.deleted(message)

    def _bury(self, message: Message) -> None:
        left = replace(
            message, subtype=TOMBSTONE, text="This message was deleted.", blocks=(), files=(), attachments=()
        )
        self._world.put(left)
        self._show(left)
        self._events.edited(message, left)

    def preview(self, message: Message, attachment: JsonObject) -> None:
        """Hang a link's preview on a message, some time after it was said: that is no edit."""
        new = replace(message, attachments=(*message.attachments, attachment))
        self._world.put(new)
        self._show(new)
        self._events.edited(message, new)

    def react(self, message: Message, name: str, user: str) -> bool:
        """Add a reaction. Says whether it is new."""
        users = next((one.users for one in message.reactions if one.name == name), ())
        if user in users:
            return False
        others = tuple(one for one in message.reactions if one.name != name)
        self._set_reactions(message, (*others, Reaction(name, (*users, user))))
        return True

    def unreact(self, message: Message, name: str, user: str) -> bool:
        """Take a reaction back. Says whether it was there."""
        users = next((one.users for one in message.reactions if one.name == name), ())
        if user not in users:
            return False
        left = tuple(one for one in users if one != user)
        kept = (replace(one, users=left) if one.name == name else one for one in message.reactions)
        self._set_reactions(message, tuple(one for one in kept if one.users))
        return True

    def _set_reactions(self, message: Message, reactions: tuple[Reaction, ...]) -> None:
        changed = replace(message, reactions=reactions)
        self._world.put(changed)
        self._show(changed)

    def set_status(self, status: Status) -> None:
        """Show what the assistant is doing; empty text clears it, and so does time."""
        key = (status.channel, status.thread)
        shown = self._world.statuses.pop(key, None)
        if status.text:
            self._world.statuses[key] = status
            self._chores.start(self._forget_status(status))
        if status.text or shown is not None:
            self._changes.show(StatusShown("slack", status.channel, status.thread, status.text))

    async def _forget_status(self, status: Status) -> None:
        await asyncio.sleep(self.rules.status_seconds)
        if self._world.statuses.get((status.channel, status.thread)) is status:
            self.set_status(replace(status, text=""))

    def stir(self) -> None:
        """Something changed that does not show."""
        self._changes.wake()

    def redecorate(self) -> None:
        """Prompts, homes or titles have changed."""
        self._changes.show(SceneryShown("slack"))

    def open_form(self, person: str, form: FormView) -> None:
        """A form opened before somebody."""
        self._changes.show(FormShown("slack", person, form))

    def share_later(self, message: Message) -> None:
        """Show uploaded files in a channel after Slack's delay, or never when that was ordered."""
        if self.withheld_shares > 0:
            self.withheld_shares -= 1
            return
        self._chores.start(self._share(message))

    async def _share(self, message: Message) -> None:
        await asyncio.sleep(self.rules.share_seconds)
        self.say(replace(message, ts=self._world.next_ts()))

    def _note_pings(self, message: Message, old: Message | None, *, names: bool) -> None:
        before = pinged(self._world, old, names=names) if old else ()
        for who in pinged(self._world, message, names=names):
            if who not in before:
                ping = Ping(channel=message.channel, ts=message.ts, who=who, by="edit" if old else "post")
                self._journal.pings.append(ping)

    def _note_unfurls(self, message: Message, old: Message | None) -> None:
        before = links(old) if old else ()
        for url in links(message):
            if url not in before:
                self._journal.unfurls.append(Unfurl(channel=message.channel, ts=message.ts, url=url))

    def _show(self, message: Message) -> None:
        self._changes.show(MessageShown("slack", message_view(self._world, message)))

    def _show_root(self, reply: Message) -> None:
        root = self._world.message(reply.channel, reply.root)
        if root is not None:
            self._show(root)
