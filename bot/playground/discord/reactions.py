"""Reactions: adding and removing them."""

import re

from bot.playground.discord.people_payloads import member_payload, user_payload
from bot.playground.discord.refusals import refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.wire import JsonObject
from bot.playground.discord.world import Message, User

_NOT_AN_EMOJI = re.compile(r"[\w:]*", re.ASCII)
"""Names of custom emojis, of which this server has none."""


def add_reaction(scene: Scene, message: Message, emoji: str, user: User) -> None:
    """Somebody reacts; a second time changes nothing."""
    if _NOT_AN_EMOJI.fullmatch(emoji):
        raise refusal(10014)
    users = message.reactions.setdefault(emoji, [])
    if user not in users:
        users.append(user)
        _tell(scene, "MESSAGE_REACTION_ADD", message, emoji, user)


def remove_reaction(scene: Scene, message: Message, emoji: str, user: User) -> None:
    """Somebody takes a reaction back; one that is not there changes nothing."""
    users = message.reactions.get(emoji, [])
    if user in users:
        users.remove(user)
        if not users:
            del message.reactions[emoji]
        _tell(scene, "MESSAGE_REACTION_REMOVE", message, emoji, user)


def _tell(scene: Scene, event: str, message: Message, emoji: str, user: User) -> None:
    payload: JsonObject = {
        "user_id": user.id,
        "channel_id": message.channel.id,
        "message_id": message.id,
        "message_author_id": message.author.id,
        "emoji": {"id": None, "name": emoji},
        "burst": False,
        "type": 0,
    }
    if event == "MESSAGE_REACTION_ADD" and message.channel.person is None:
        payload["member"] = member_payload(scene.world, user) | {"user": user_payload(user)}
    scene.dispatch(event, message.channel, payload)
    message.version += 1
    scene.showing.message_shown(message)
