"""Slash commands. Slack delivers each once, so the person is told when something fails."""

from slack_bolt.response import BoltResponse

from adapters.slack.desk import NOT_TAKEN, Desk
from adapters.slack.inbound import slash_key
from adapters.slack.markup import noted
from adapters.slack.payloads import SlashPayload
from adapters.slack.places import channel_key
from bot.errors import StoreUnavailable
from bot.relay.commands import command_in
from bot.relay.contract import CommandName, Inbound

ON_IT = "On it. The answer will appear in this channel."
ON_IT_PRIVATELY = "On it. Only you will see the answer."
NO_CONVERSATION = (
    "In Slack every thread is a conversation of its own, and commands do not reach into threads. "
    "Write `stop`, `!new` or `!forget` in the thread instead, after mentioning me."
)
AS_THEY_ARE: tuple[CommandName, ...] = ("help", "usage", "model")
"""Commands that make sense without a conversation."""


class SlashCommands:
    """`/ask` and all others."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def take(self, slash: SlashPayload) -> BoltResponse:
        """Take a command; what it says is for the person alone."""
        try:
            return _private(await self._note(slash))
        except StoreUnavailable:
            return _private(NOT_TAKEN)

    async def _note(self, slash: SlashPayload) -> str:
        policy = self._desk.reception.policy(channel_key(slash.tenant, slash.channel_id))
        inbound = await self._desk.reader.question(slash, policy)
        name = command_in(slash.command) or command_in(inbound.event.text)
        if name is None and inbound.event.text:
            await self._desk.reception.receive(inbound)
            return ON_IT_PRIVATELY if inbound.event.address.private else ON_IT
        return await self._command(name or "help", slash, inbound)

    async def _command(self, name: CommandName, slash: SlashPayload, inbound: Inbound) -> str:
        """Carry out a command on the person's last conversation in the channel."""
        said = inbound.event
        last = await self._desk.reception.last_conversation(said.channel, said.author)
        if last is None and name not in AS_THEY_ARE:
            return NO_CONVERSATION
        conversation, elsewhere = last or slash_key(slash), last is not None
        where = (slash.tenant, slash.channel_id)
        return await self._desk.carry_out(name, conversation, said.author, slash.user_id, where, elsewhere=elsewhere)


def _private(text: str) -> BoltResponse:
    return BoltResponse(status=200, body={"response_type": "ephemeral", "text": noted(text)})
