"""The workspace as the page shows it: view records made from what Slack would have received."""

import re
from html import unescape

from bot.playground.slack.blocks_html import block_buttons, blocks_html
from bot.playground.slack.emoji import character
from bot.playground.slack.entities import pinged
from bot.playground.slack.markup import Names, mrkdwn_html, plain_html
from bot.playground.slack.records import Channel, Message, SharedFile, Step
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.wire import JsonObject, as_objects, as_text
from bot.playground.slack.world import BOT_NAME, World
from bot.playground.view import (
    ButtonView,
    ChannelView,
    FileView,
    HomeView,
    MessageView,
    PlatformView,
    PromptView,
    StepState,
    StepView,
)

STREAM_STOP = ButtonView(id="slack.stop", label="Stop", style="danger")
"""Slack's own Stop button, which it shows whether the app wants it or not."""
_STATES: dict[str, StepState] = {"pending": "pending", "in_progress": "running", "complete": "done", "error": "failed"}
_HREF = re.compile(r'<a href="([^"]+)"')


def platform_view(world: World, rules: SlackRules, *, connected: bool) -> PlatformView:
    """Everything there is to see."""
    return PlatformView(
        platform="slack",
        title=world.team.name,
        bot_connected=connected,
        bot_name=BOT_NAME,
        channels=tuple(channel_view(world, channel) for channel in world.channels.values()),
        messages=tuple(
            message_view(world, message) for channel in world.channels for message in world.messages(channel)
        ),
        commands=rules.commands,
        menus=rules.shortcuts,
        prompts=_prompts(world),
        homes=tuple(
            HomeView(person=world.members[user].person, html=blocks_html(as_objects(view.get("blocks")), _names(world)))
            for user, view in world.homes.items()
        ),
        titles={f"{channel} {thread}": title for (channel, thread), title in world.titles.items()},
    )


def _prompts(world: World) -> dict[str, tuple[PromptView, ...]]:
    """What is suggested in each channel: its own prompts, or else those of its newest thread."""
    shown = sorted(world.prompts.items(), key=lambda item: (item[0][1] == "", item[0][1]))
    return {
        channel: tuple(PromptView(title=title, text=text) for title, text in pairs) for (channel, _), pairs in shown
    }


def channel_view(world: World, channel: Channel) -> ChannelView:
    """A channel; direct messages carry the bot's name, as their owner sees them."""
    if channel.person is None:
        return ChannelView(id=channel.id, name=channel.name, kind="channel")
    return ChannelView(id=channel.id, name=BOT_NAME, kind="dm", person=world.members[channel.person].person)


def message_view(world: World, message: Message) -> MessageView:
    """A message as everybody (or one person) sees it."""
    author = world.members[message.user]
    return MessageView(
        id=message.ts,
        channel=message.channel,
        thread=message.thread_ts,
        author=author.person,
        author_name=message.speaker or author.name,
        at=float(message.ts),
        edits=len(message.edits),
        first_edit=message.edits[0] if message.edits else None,
        last_edit=message.edits[-1] if message.edits else None,
        html=_html(world, message),
        files=tuple(_file_view(world.files[file]) for file in message.files),
        buttons=_buttons(message),
        reactions=tuple(character(reaction.name) for reaction in message.reactions),
        replies=len(world.replies(message.channel, message.ts)),
        only_for=world.members[message.only_for].person if message.only_for else None,
        pings=pinged(world, message, names=False) if message.from_bot else (),
        note=message.note,
        steps=tuple(_step_view(step) for step in message.streaming.steps) if message.streaming else (),
        streaming=_open(message),
        loud=not _open(message),
    )


def _buttons(message: Message) -> tuple[ButtonView, ...]:
    """What can be pressed, with Slack's own Stop while a stream is open."""
    if not message.from_bot:
        return ()
    own = tuple(button.view for button in block_buttons(message.blocks))
    return (*own, STREAM_STOP) if _open(message) else own


def _open(message: Message) -> bool:
    return message.streaming is not None and not message.streaming.end


def _step_view(step: Step) -> StepView:
    return StepView(id=step.id, title=step.title, state=_STATES[step.status], details=step.details, output=step.output)


def shown_links(world: World, message: Message) -> tuple[str, ...]:
    """Addresses that can be clicked in a message, each once: not those that stand in code."""
    return tuple(dict.fromkeys(unescape(found) for found in _HREF.findall(_html(world, message))))


def _names(world: World) -> Names:
    """How what stands in `<…>` is called."""

    def name(inner: str) -> str:
        kind, target = inner[0], inner[1:]
        if kind == "@" and target in world.members:
            return f"@{world.members[target].name}"
        if kind == "#" and target in world.channels:
            return f"#{world.channels[target].name}"
        return f"@{target}" if inner in {"!channel", "!here", "!everyone"} else inner

    return name


def _html(world: World, message: Message) -> str:
    name = _names(world)
    if message.from_bot and message.blocks:
        return blocks_html(message.blocks, name)
    text = f"<div>{mrkdwn_html(message.text, name)}</div>" if message.text else ""
    return text + "".join(_attachment(attachment, name) for attachment in message.attachments)


def _attachment(attachment: JsonObject, name: Names) -> str:
    """A forwarded message, or the preview of a link."""
    title = as_text(attachment.get("author_name")) or as_text(attachment.get("title"))
    text = mrkdwn_html(as_text(attachment.get("text")), name)
    return f"<blockquote><b>{plain_html(title)}</b><div>{text}</div></blockquote>"


def _file_view(file: SharedFile) -> FileView:
    return FileView(
        id=file.id,
        name=file.name,
        size=len(file.content),
        media_type=file.media_type,
        url=f"/files/slack/{file.id}",
    )
