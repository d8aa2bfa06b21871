"""Which messages are for the assistant, to which conversation they belong, and where their answers go."""

import asyncio
from dataclasses import dataclass
from typing import Literal

import aiohttp
import discord
import structlog

from adapters.discord.keys import PLATFORM, chain_key, key_of, message_key, scope_of
from adapters.discord.material import author_of, files_of, forwarded, heard, text_of
from adapters.discord.places import Place, history_for, refuge_of
from adapters.discord.titles import thread_name
from bot.domain.channels import ChannelPolicy
from bot.domain.deliveries import Address, Event, Heard
from bot.relay.contract import Inbound, Reception

log = structlog.get_logger()

_LONGEST_WALK = 10
"""Messages of a chain of replies that are looked at, from the newest on, for one that we know."""
_FETCH_WITHIN = 3.0
"""Seconds for one of them."""
_ANSWERED_TYPES = (discord.MessageType.default, discord.MessageType.reply)
Style = Literal["", "reply", "channel"]


def is_said(message: discord.Message) -> bool:
    """Whether a person said it: not a bot, a webhook, a join, a pin, or the copy of a thread's first message."""
    return not (message.author.bot or message.webhook_id) and message.type in _ANSWERED_TYPES


def is_mentioned(message: discord.Message, own_id: int) -> bool:
    """Whether a message mentions us: by name, as the author of what it replies to, or by the role that is ours."""
    ours = (role.tags is not None and role.tags.bot_id == own_id for role in message.role_mentions)
    return any(user.id == own_id for user in message.mentions) or any(ours)


@dataclass(frozen=True, slots=True)
class Listener:
    """Understands the messages that one client hears, by the rules of their channels."""

    client: discord.Client
    """The server knows us by it."""
    reception: Reception

    @property
    def own_id(self) -> int:
        """Our account."""
        return self.client.user.id if self.client.user else 0

    async def understood(self, message: discord.Message) -> Inbound | None:
        """A message as the relay takes it; None when it is not for us, or nothing is in it.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        if not is_said(message):
            return None
        said = _Said(message, self.own_id)
        if message.guild is None:
            return said.inbound(said.place(), addressed=True)
        policy = self.reception.policy(said.ruled_by)
        addressed = said.mentioned or policy.mentions == "always"
        if policy.mentions == "required" and not addressed:
            return None
        if isinstance(message.channel, discord.Thread):
            return said.inbound(said.place(), addressed=addressed)
        return await self._in_channel(said, policy, addressed=addressed)

    async def _in_channel(self, said: "_Said", policy: ChannelPolicy, *, addressed: bool) -> Inbound | None:
        """A message of a plain channel: a reply to an answer goes on with its conversation, wherever it was given."""
        followed = await self._followed(said)
        if followed is None and not addressed:
            return None
        if policy.threads == "channel":
            return said.inbound(said.place(style="channel"), addressed=addressed, conversation=followed)
        if followed is not None:
            return said.inbound(said.place(style="reply"), addressed=addressed, conversation=followed)
        if policy.threads == "thread":
            return said.inbound(said.place(opens=True), addressed=True)
        root = await self._root(said.message)
        return said.inbound(said.place(style="reply"), addressed=True, conversation=root)

    async def _followed(self, said: "_Said") -> str | None:
        """The conversation of the message of ours that this one replies to."""
        target, seen = _replied_to(said.message)
        if target is None or (seen is not None and seen.author.id != self.own_id):
            return None
        key = chain_key(said.guild, said.message.channel.id, target)
        return key if await self.reception.takes_part(key) else None

    async def _root(self, message: discord.Message) -> str:
        """Key of a chain of replies: of the first message up the chain that we know, or of its beginning."""
        guild, channel = message.guild.id if message.guild else "", message.channel.id
        at: discord.Message = message
        for _ in range(_LONGEST_WALK):
            target, seen = _replied_to(at)
            if target is None:
                break
            key = chain_key(guild, channel, target)
            if await self.reception.takes_part(key):
                return key
            above = await _fetched(message.channel, target) if seen is None or _is_cut_off(seen) else seen
            if above is None:
                return key
            at = above
        return chain_key(guild, channel, at.id)


class _Said:
    """A message of a person, and what of it is the same under every policy."""

    def __init__(self, message: discord.Message, own_id: int) -> None:
        self.message = message
        self.guild = str(message.guild.id) if message.guild else ""
        self.mentioned = is_mentioned(message, own_id)
        self._own_id = own_id
        self._text = text_of(message, own_id)
        parent = message.channel.parent_id if isinstance(message.channel, discord.Thread) else None
        self.parent = key_of(self.guild, parent) if parent else ""

    @property
    def ruled_by(self) -> str:
        """The channel whose rules hold."""
        return self.parent or key_of(self.guild, self.message.channel.id)

    def place(self, *, style: Style = "", opens: bool = False) -> Place:
        """Where the answer goes; `opens` a thread of its own."""
        message = self.message
        return Place(
            channel=str(message.channel.id),
            guild=self.guild,
            message=str(message.id),
            thread_name=thread_name(self._text) if opens else "",
            style=style,
            history=history_for(message.channel, message.author),
            parent=refuge_of(message.channel),
            file_limit=str(message.guild.filesize_limit) if message.guild else "",
        )

    def inbound(self, place: Place, *, addressed: bool, conversation: str | None = None) -> Inbound | None:
        """The message for the relay; without `conversation` it belongs to the one that its answer's channel holds."""
        message = self.message
        pointed_at = (*self._replied(place), *forwarded(message))
        files = files_of(message)
        if not (self.mentioned or self._text or files or pointed_at):
            return None  # withheld, without the message-content intent
        scope = scope_of(message.guild.id if message.guild else None, message.channel.id)
        return Inbound(
            event=Event(
                keys=(message_key(message.id),),
                conversation=conversation or key_of(self.guild, place.target),
                address=Address(platform=PLATFORM, place=place.model_dump(), scope=scope),
                author=author_of(message.author),
                text=self._text,
                files=files,
                scope=scope,
                channel=key_of(self.guild, message.channel.id),
                parent=self.parent,
                pointed_at=pointed_at,
            ),
            addressed=addressed,
        )

    def _replied(self, place: Place) -> tuple[Heard, ...]:
        """The message that is replied to. Where replying is how one goes on, an answer of ours is meant by that."""
        _, seen = _replied_to(self.message)
        if seen is None or (place.style == "reply" and seen.author.id == self._own_id):
            return ()
        found = heard(seen, self._own_id)
        return (found,) if found else ()


def _replied_to(message: discord.Message) -> tuple[int | None, discord.Message | None]:
    """Id of the message that is replied to, and the message when Discord gave it along."""
    reference = message.reference
    if reference is None or reference.type is not discord.MessageReferenceType.reply:
        return None, None
    if reference.channel_id != message.channel.id:
        return None, None
    return reference.message_id, reference.resolved if isinstance(reference.resolved, discord.Message) else None


def _is_cut_off(message: discord.Message) -> bool:
    """Whether it is a reply of which Discord did not say to what."""
    return message.type is discord.MessageType.reply and message.reference is None


async def _fetched(channel: discord.abc.Messageable, message: int) -> discord.Message | None:
    try:
        async with asyncio.timeout(_FETCH_WITHIN):
            return await channel.fetch_message(message)
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
        log.info("chain of replies not followed", error=type(error).__name__)
        return None
