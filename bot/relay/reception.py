"""Taking in what one platform delivers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.domain.messages import Author
from bot.domain.runs import RunStatus
from bot.ports import ChannelRules, RunControl, Store
from bot.relay.answering import Answering
from bot.relay.commands import Commands
from bot.relay.contract import ChannelPolicy, Command, Deleted, Edited, Inbound, Press, Verdict
from bot.relay.full_lane import turn_away
from bot.relay.incoming import clean, clean_text, shorten, shortened
from bot.relay.policy import RelayPolicy
from bot.relay.presses import Presses

log = structlog.get_logger()

_LOOKS, _LOOK_AGAIN = 20, 0.5
"""So often, and after so many seconds, it is looked whether a conversation that is to be forgotten is at rest."""
_MOST_LIVE = 200
"""Conversations of one kind that are looked through after a time in which nobody listened."""


@dataclass(frozen=True, slots=True)
class PlatformReception:
    """Implements `bot.relay.contract.Reception` for one platform."""

    store: Store
    rules: ChannelRules
    answering: Answering
    platform: str
    chooses: bool
    """Whether people can say there which assistant a question is for."""
    commands: Commands
    presses: Presses
    control: RunControl
    limits: RelayPolicy

    async def receive(self, inbound: Inbound) -> Verdict:
        """Accept a message durably: one transaction, then the verdict."""
        event = inbound.event
        policy = self.policy(event.ruled_by)
        if not await self._is_for_us(inbound, policy):
            return Verdict.IGNORED
        event = await shorten(clean(event, self.limits.max_text), self.store.files, self.limits)
        address = event.address.model_copy(update={"manner": policy.delivery})
        event = event.model_copy(update={"address": address, "gaps": policy.mentions == "required"})
        assistant = await self.answering.of(event)
        acceptance = await self.store.intake.accept(event, assistant, self.limits.run_lifetime)
        if acceptance.duplicate:
            log.info("event seen before", run_id=acceptance.run_id)
            return Verdict.DUPLICATE
        log.info("event accepted", run_id=acceptance.run_id, thread_id=acceptance.thread_id, ahead=acceptance.ahead)
        if acceptance.ahead >= self.limits.lane_cap:
            await turn_away(self.store.notes, self.control, acceptance.run_id, self.limits.lane_cap)
        if acceptance.ahead == 1 and await self._waits_for_decision(acceptance.thread_id):
            return Verdict.HELD
        return Verdict.QUEUED if acceptance.ahead else Verdict.ACCEPTED

    async def _waits_for_decision(self, thread_id: str) -> bool:
        """Whether the answer that is next in a thread goes on only when somebody has pressed a button."""
        first, *_ = await self.store.runs.active(thread_id) or (None,)
        return first is not None and first.status is RunStatus.REQUIRES_ACTION

    async def command(self, command: Command) -> str:
        """Carry out a command."""
        assistant = await self.answering.here(command.channel, command.conversation)
        choosable = self.rules.assistants(command.channel) if self.chooses else ()
        return await self.commands.command(command, assistant, choosable)

    async def press(self, press: Press) -> str | None:
        """Carry out a button press."""
        return await self.presses.press(press)

    async def last_conversation(self, channel: str, person: Author) -> str | None:
        """Where the person last said something to us in a channel."""
        return await self.store.intake.last_conversation(channel, person)

    async def takes_part(self, conversation: str) -> bool:
        """Whether we are part of a conversation."""
        return await self.store.intake.thread_of(conversation) is not None

    async def live_conversations(self, since: float, within: Sequence[str], without: str) -> tuple[str, ...]:
        """Where something was said to us since then, so many of each kind, the newest first."""
        return await self.store.intake.live_conversations(since, within, without, _MOST_LIVE)

    async def first_time(self, key: str) -> bool:
        """Whether this key is told for the first time."""
        return await self.store.intake.first_time(key)

    async def edited(self, edited: Edited) -> bool:
        """A message was changed: whoever reads it from now on reads the new text."""
        words, whole = await shortened(clean_text(edited.text), self.store.files, self.limits)
        known = await self.store.corrections.edit(edited.key, words, whole, edited.at)
        if known:
            log.info("message edited", characters=len(words))
        return known

    async def deleted(self, deleted: Deleted) -> None:
        """Messages were deleted. Answers to them that are being made are stopped, here at once."""
        stopped = await self.store.corrections.delete(deleted.keys)
        for run_id in stopped:
            log.info("question deleted", run_id=run_id)
            await self.control.cancel(run_id)
        for conversation in deleted.conversations:
            await self._forget(conversation)

    async def _forget(self, conversation: str) -> None:
        """Forget a conversation whose place is gone. An answer that is being made there is stopped first."""
        for _ in range(_LOOKS):
            thread_id = await self.store.intake.thread_of(conversation)
            if thread_id is None:
                return
            if (forgotten := await self.store.upkeep.forget_thread(thread_id)) is not None:
                log.info("conversation forgotten", thread_id=thread_id, messages=forgotten.messages)
                return
            for run in await self.store.runs.active(thread_id):
                await self.control.cancel(run.id)
            await asyncio.sleep(_LOOK_AGAIN)
        log.warning("conversation not forgotten, it is still worked on", conversation=conversation)

    def policy(self, channel: str) -> ChannelPolicy:
        """What is in force in a channel."""
        return self.rules.policy(channel)

    def assistants(self, channel: str) -> tuple[str, ...]:
        """Names of the assistants that a person may choose in a channel."""
        return self.rules.assistants(channel)

    async def _is_for_us(self, inbound: Inbound, policy: ChannelPolicy) -> bool:
        """Whatever an adapter hands over, the operator's word on mentions holds."""
        if inbound.addressed or policy.mentions == "always":
            return True
        return policy.mentions == "threads" and await self.takes_part(inbound.event.conversation)
