"""The relay as an adapter sees it."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.channels import ChannelPolicy
from bot.domain.messages import Author
from bot.relay.contract.inbound import Command, Deleted, Edited, Inbound, Press, Verdict


class Reception(Protocol):
    """The relay as an adapter sees it."""

    async def receive(self, inbound: Inbound) -> Verdict:
        """Accept a message durably. Acknowledge it to the platform only after this returned.

        Raises:
            StoreUnavailable: not accepted; let the platform send it again, or tell the person.
        """
        ...

    async def command(self, command: Command) -> str:
        """Carry out a command. Returns what to show to the person only."""
        ...

    async def press(self, press: Press) -> str | None:
        """Carry out a button press. Returns a note for the person only, or None when the message itself shows it."""
        ...

    async def last_conversation(self, channel: str, person: Author) -> str | None:
        """Where the person last said something to us in a channel, named as in `Event.channel`.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        ...

    async def takes_part(self, conversation: str) -> bool:
        """Whether we are part of a conversation.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        ...

    async def live_conversations(self, since: float, within: Sequence[str], without: str) -> tuple[str, ...]:
        """Keys of conversations in which something was said to us: for catching up after nobody has listened.

        Args:
            since: Unix seconds.
            within: beginnings of keys, each with a share of its own: many conversations of one server, say, do not
                push those of another out. The answer has them in this order, and of each the newest first.
            without: a part that is found only in keys of conversations in whose place nothing can be read.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        ...

    async def first_time(self, key: str) -> bool:
        """Whether this key is told for the first time in the whole deployment, and remember it.

        For requests that must not work twice and leave no message by which they would be known.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        ...

    async def edited(self, edited: Edited) -> bool:
        """A message was changed: what the assistant reads from now on is the new text.

        Returns whether it was one of those that it reads.

        Raises:
            StoreUnavailable: not done; let the platform send it again.
        """
        ...

    async def deleted(self, deleted: Deleted) -> None:
        """Messages were deleted: forget what they said. Questions among them that are not answered yet are dropped.

        Raises:
            StoreUnavailable: not done; let the platform send it again.
        """
        ...

    def policy(self, channel: str) -> ChannelPolicy:
        """What is in force in a channel, named as in `Event.channel`. Of a thread that is a channel: `Event.parent`."""
        ...

    def assistants(self, channel: str) -> tuple[str, ...]:
        """Names of the assistants that a person may choose in a channel (`Event.assistant`), the usual one first.

        The channel is named as for `policy`.
        """
        ...
