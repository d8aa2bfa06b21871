"""What people say: messages, and commands that are written as one."""

from collections import OrderedDict

from adapters.slack.desk import NOT_TAKEN, Desk
from adapters.slack.payloads import Envelope
from adapters.slack.places import channel_key, conversation_key
from adapters.slack.stamps import micros
from adapters.slack.titles import title_of
from bot.domain.deliveries import Event
from bot.errors import StoreUnavailable
from bot.relay.commands import command_in
from bot.relay.contract import HELD_NOTE, CommandName, Inbound, Verdict
from bot.relay.queues import Queues

_UNTITLED = 500
"""Threads of the old split pane that are remembered until something is said in them."""


class Talk:
    """Messages to a `Reception`, in each thread one after the other."""

    def __init__(self, desk: Desk, turns: Queues) -> None:
        """Take turns with everything else that happens in a thread."""
        self._desk = desk
        self._turns = turns
        self._untitled: OrderedDict[tuple[str, str], None] = OrderedDict()

    def expect(self, channel: str, thread: str) -> None:
        """A thread was opened in which nothing was said yet."""
        self._untitled[channel, thread] = None
        if len(self._untitled) > _UNTITLED:
            self._untitled.popitem(last=False)

    async def hear(self, envelope: Envelope, *, late: bool = False) -> bool:
        """Accept a message. Returns whether it may have been for us at all.

        Args:
            envelope: the message.
            late: it was read long after it was said. Commands are left alone then: whoever wanted something stopped
                has seen the end of it.

        Raises:
            StoreUnavailable: not accepted.
        """
        event = envelope.event
        policy = self._desk.reception.policy(channel_key(envelope.tenant, event.channel))
        if not self._desk.reader.concerns(event, policy):
            return False
        async with self._turns.of(conversation_key(envelope.tenant, event.channel, event.root), micros(event.ts)):
            inbound = await self._desk.reader.message(envelope, policy)
            name = await self._command_name(inbound)
            if name is None:
                await self._receive(envelope, inbound)
            elif not late:
                await self._command(name, envelope, inbound)
        return True

    async def _receive(self, envelope: Envelope, inbound: Inbound) -> None:
        event = envelope.event
        verdict = await self._desk.reception.receive(inbound)
        if verdict in (Verdict.QUEUED, Verdict.HELD):
            self._desk.courtesies.do("reaction", self._desk.api.react(event.channel, event.ts, "eyes"))
        if verdict is Verdict.HELD and event.user:
            self._desk.note(event.channel, event.user, HELD_NOTE, event.thread_ts)
        if verdict in (Verdict.ACCEPTED, Verdict.QUEUED, Verdict.HELD) and event.channel_type == "im":
            self._entitle(event.channel, event.thread_ts, event.ts, inbound.event)

    def _entitle(self, channel: str, thread: str | None, ts: str, said: Event) -> None:
        """Name a conversation by its first question, once."""
        if thread is not None and (channel, thread) not in self._untitled:
            return
        self._untitled.pop((channel, thread or ts), None)
        if title := title_of(said):
            self._desk.courtesies.do("title", self._desk.surface.entitle(channel, thread or ts, title))

    async def _command_name(self, inbound: Inbound) -> CommandName | None:
        """The command in a message that is for us for sure; a bare mention asks for help."""
        event = inbound.event
        name = command_in(event.text) if event.text else "help"
        if event.files or event.pointed_at or name is None:
            return None
        for_us = inbound.addressed or await self._desk.reception.takes_part(event.conversation)
        return name if for_us else None

    async def _command(self, name: CommandName, envelope: Envelope, inbound: Inbound) -> None:
        """Carry a command out, once, however often it comes: as a mention's two events, or again after a lost answer.

        It counts as taken before it is carried out. When that fails, the person is told instead of Slack: carried out
        at the second try, `stop` could stop another answer.
        """
        said, event, tenant = inbound.event, envelope.event, envelope.tenant
        # Said at top level, `stop` begins no conversation of its own: it means the one that is going on.
        last = None if event.thread_ts else await self._desk.reception.last_conversation(said.channel, said.author)
        if not await self._desk.reception.first_time(f"slack:command:{tenant}:{event.channel}:{event.ts}"):
            return
        user, conversation, elsewhere = event.user or "", last or said.conversation, last is not None
        where = (tenant, event.channel)
        try:
            note = await self._desk.carry_out(name, conversation, said.author, user, where, elsewhere=elsewhere)
        except StoreUnavailable:
            note = NOT_TAKEN
        self._desk.note(event.channel, user, note, event.thread_ts)
