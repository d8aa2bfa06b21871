"""Finding what a path names."""

from bot.playground.discord.refusals import refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.wire import Asked
from bot.playground.discord.world import Channel, Message, ThreadState


def channel_of(scene: Scene, asked: Asked) -> Channel:
    """The channel.

    Raises:
        Refusal: 10003 when there is none, 50001 where the bot is no member, or what `deny` set for it.
    """
    channel = scene.world.channels.get(asked.params["channel_id"])
    if channel is None:
        raise refusal(10003)
    if channel.foreign:
        raise refusal(50001)
    if channel.denied is not None:
        raise refusal(channel.denied)
    return channel


def message_of(scene: Scene, asked: Asked) -> Message:
    """The message; ephemeral ones are unknown here.

    Raises:
        Refusal: 10008.
    """
    message = channel_of(scene, asked).messages.get(asked.params["message_id"])
    if message is None or message.only_for:
        raise refusal(10008)
    return message


def thread_of(scene: Scene, asked: Asked) -> tuple[Channel, ThreadState]:
    """The thread and its state.

    Raises:
        Refusal: 50024 when the channel is none.
    """
    channel = channel_of(scene, asked)
    if channel.thread is None:
        raise refusal(50024)
    return channel, channel.thread
