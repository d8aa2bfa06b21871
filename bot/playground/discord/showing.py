"""The world as people see it: view records, and who is told when something changes."""

import asyncio
from collections.abc import Callable, Sequence

from bot.playground.discord.checks import buttons_of
from bot.playground.discord.gateway import Gateway
from bot.playground.discord.markup import Names, to_html
from bot.playground.discord.wire import ComponentBody
from bot.playground.discord.world import (
    BOT_NAME,
    DM,
    GUILD_NAME,
    LOADING,
    TEXT,
    THREAD_STARTER,
    Channel,
    Message,
    World,
)
from bot.playground.view import (
    ButtonView,
    Change,
    ChannelShown,
    ChannelView,
    CommandsShown,
    CommandView,
    ConnectionShown,
    FileView,
    MenuView,
    MessageRemoved,
    MessageShown,
    MessageView,
    PlatformView,
    SceneryShown,
    StatusShown,
)

_STYLES = {1: "primary", 3: "primary", 4: "danger"}


class Showing:
    """Builds the views and tells the watchers."""

    def __init__(self, world: World, gateway: Gateway, typing_seconds: float) -> None:
        """Typing is forgotten after `typing_seconds`."""
        self._world = world
        self._gateway = gateway
        self._typing_seconds = typing_seconds
        self._watchers: list[Callable[[Change], None]] = []
        self._typing: dict[str, asyncio.TimerHandle] = {}
        self._kept: dict[str, tuple[int, MessageView]] = {}
        self.commands: tuple[CommandView, ...] = ()
        self.menus: tuple[MenuView, ...] = ()

    # --- what there is ---

    def view(self) -> PlatformView:
        """The whole pane."""
        world = self._world
        order = {TEXT: 0, DM: 2}
        channels = sorted(world.channels.values(), key=lambda channel: order.get(channel.type, 1))
        messages = sorted((m for c in channels for m in c.messages.values()), key=lambda message: int(message.id))
        return PlatformView(
            platform="discord",
            title=GUILD_NAME,
            bot_connected=self._gateway.connected,
            bot_name=BOT_NAME,
            channels=tuple(self.channel(channel) for channel in channels),
            messages=tuple(self.message(message) for message in messages),
            commands=self.commands,
            menus=self.menus,
        )

    def channel(self, channel: Channel) -> ChannelView:
        """A channel, direct message or thread."""
        return ChannelView(
            id=channel.id,
            name=channel.name,
            kind="thread" if channel.thread else "dm" if channel.person else "channel",
            parent=channel.parent.id if channel.parent else None,
            person=channel.person.username if channel.person else None,
        )

    def message(self, message: Message) -> MessageView:
        """A message; built anew only when it changed."""
        kept = self._kept.get(message.id)
        if kept is None or kept[0] != message.version:
            kept = self._kept[message.id] = (message.version, self._built(message))
        return kept[1]

    def _built(self, message: Message) -> MessageView:
        shown = message.reply_to if message.type == THREAD_STARTER and message.reply_to else message
        channels = {channel.id: channel.name for channel in self._world.channels.values()}
        names = Names({user.id: user.name for user in self._world.users}, channels)
        thinking = bool(message.flags & LOADING)
        return MessageView(
            id=message.id,
            channel=message.channel.id,
            author="bot" if message.author.bot else message.author.username,
            author_name=message.author.name,
            at=message.created_at,
            edits=len(message.edits),
            first_edit=message.edits[0] if message.edits else None,
            last_edit=message.edits[-1] if message.edits else None,
            html=to_html(_words(shown), names),
            files=tuple(
                FileView(
                    id=attachment.id,
                    name=attachment.filename,
                    size=len(attachment.content),
                    media_type=attachment.media_type,
                    url=f"/files/discord/{attachment.id}",
                )
                for attachment in shown.attachments
            ),
            buttons=button_views(message.components),
            reactions=tuple(message.reactions),
            opens=message.thread.id if message.thread else None,
            only_for=message.only_for.username if message.only_for else None,
            pings=tuple(message.pinged),
            state="thinking" if thinking else "sent",
            note=_note(message),
        )

    # --- who is told ---

    def watch(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back on every change until the returned function is called."""
        self._watchers.append(callback)

        def end() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return end

    def tell(self, change: Change) -> None:
        """Tell all watchers."""
        for watcher in list(self._watchers):
            watcher(change)

    def message_shown(self, message: Message) -> None:
        """A message is new or changed; the bot's own message ends its typing."""
        if message.author.bot:
            self.typing_ended(message.channel)
        self.tell(MessageShown("discord", self.message(message)))

    def message_removed(self, message: Message) -> None:
        """A message is gone."""
        self._kept.pop(message.id, None)
        self.tell(MessageRemoved("discord", message.channel.id, message.id))

    def channel_shown(self, channel: Channel) -> None:
        """A channel is new or changed."""
        self.tell(ChannelShown("discord", self.channel(channel)))

    def connection_changed(self, connected: bool) -> None:
        """The bot came or went."""
        self.tell(ConnectionShown("discord", connected))

    def commands_changed(self, commands: tuple[CommandView, ...], menus: tuple[MenuView, ...]) -> None:
        """The bot registered its commands, some of them as entries of the menu that messages have."""
        self.commands, self.menus = commands, menus
        self.tell(CommandsShown("discord", commands))
        self.tell(SceneryShown("discord"))

    def typing_began(self, channel: Channel) -> None:
        """The bot is typing; it is forgotten by itself."""
        self._forget_typing(channel.id)
        loop = asyncio.get_running_loop()
        self._typing[channel.id] = loop.call_later(self._typing_seconds, self.typing_ended, channel)
        self.tell(StatusShown("discord", channel.id, None, f"{BOT_NAME} is typing…"))

    def typing_ended(self, channel: Channel) -> None:
        """The bot stopped typing, if it was."""
        if self._forget_typing(channel.id):
            self.tell(StatusShown("discord", channel.id, None, ""))

    def _forget_typing(self, channel_id: str) -> bool:
        timer = self._typing.pop(channel_id, None)
        if timer:
            timer.cancel()
        return timer is not None

    def shut(self) -> None:
        """Forget timers."""
        for channel_id in list(self._typing):
            self._forget_typing(channel_id)


def button_views(components: Sequence[ComponentBody]) -> tuple[ButtonView, ...]:
    """The buttons of a message that can be pressed, by their custom id; links cannot."""
    views: list[ButtonView] = []
    for button in buttons_of(components):
        if not button.custom_id:
            continue
        emoji = f"{button.emoji.name} " if button.emoji and button.emoji.name else ""
        style = _STYLES.get(button.style or 0, "secondary")
        views.append(
            ButtonView(
                id=button.custom_id,
                label=f"{emoji}{button.label or ''}".strip(),
                style="danger" if style == "danger" else "primary" if style == "primary" else "secondary",
                disabled=bool(button.disabled),
            )
        )
    return tuple(views)


def _words(message: Message) -> str:
    """What is to be read of a message: its text, or what stands in the place of one."""
    if message.forwarded:
        return "\n".join(["-# Forwarded", *(f"> {line}" for line in _words(message.forwarded).split("\n"))])
    if message.poll:
        return "\n".join([f"**{message.poll.question}**", *(f"- {answer}" for answer in message.poll.answers)])
    return message.content or ", ".join(f"*{name}*" for name in message.stickers)


def _note(message: Message) -> str | None:
    origin = message.origin
    if origin is None or origin.command is None:
        return None
    return f"{origin.user.name.split()[0]} used {origin.command}"
