"""Who answers: the assistant that is chosen, else the one that the conversation began with, else the channel's."""

from dataclasses import dataclass

from bot.domain.assistants import Assistant, tool_name
from bot.domain.deliveries import Delivery, Event
from bot.ports import ChannelRules, Store


@dataclass(frozen=True, slots=True)
class Answering:
    """Finds the assistant of a question. Whoever is not offered in its channel does not answer there."""

    store: Store
    rules: ChannelRules

    async def of(self, event: Event) -> Assistant:
        """Who answers a question.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        if event.assistant:
            return self.rules.assistant(event.ruled_by, event.assistant)
        return await self.here(event.ruled_by, event.conversation)

    async def here(self, channel: str, conversation: str) -> Assistant:
        """Who answers the next question of a conversation; nothing is looked up where there is only one.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        several = len(self.rules.assistants(channel)) > 1
        return self.rules.assistant(channel, await self._began_with(conversation) if several else "")

    async def anew(self, delivery: Delivery) -> Assistant | None:
        """Who answers a question once more: by the rules of today, but with no tool that the run did not have.

        None when there is no such run.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        run = await self.store.runs.get(delivery.run_id)
        if run is None:
            return None
        before = await self.store.assistants.get(run.assistant_id)
        name = (before.name if before is not None else None) or ""
        channel = run.ruled_by or delivery.channel
        now = self.rules.assistant(channel, name)
        allowed = {tool_name(tool) for tool in run.tools}
        if not run.ruled_by:  # the rules may be those of another channel: what the usual one may use is safe
            allowed &= {tool_name(tool) for tool in self.rules.assistant(channel).tools}
        return now.model_copy(update={"tools": tuple(tool for tool in now.tools if tool_name(tool) in allowed)})

    async def _began_with(self, conversation: str) -> str:
        """Name of the assistant of a conversation's first question; empty when there is none."""
        began = await self.store.deliveries.first_in(conversation)
        run = await self.store.runs.get(began.run_id) if began is not None else None
        assistant = await self.store.assistants.get(run.assistant_id) if run is not None else None
        return (assistant.name if assistant is not None else None) or ""
