"""What this process remembers of conversations, for conveniences only: nothing is lost when it forgets."""

from collections import OrderedDict

KEPT = 2_000


class Recent:
    """The conversations that were accepted lately, and each person's last one in each channel."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()

    def note(self, channel: str, user: str, conversation: str) -> None:
        """Somebody's message was accepted."""
        self._last[channel, user] = conversation
        self._last.move_to_end((channel, user))
        self._known[conversation] = None
        self._known.move_to_end(conversation)
        for memory in (self._last, self._known):
            if len(memory) > KEPT:
                memory.popitem(last=False)

    def last(self, channel: str, user: str) -> str | None:
        """Where the person last said something to us in this channel."""
        return self._last.get((channel, user))

    def knows(self, conversation: str) -> bool:
        """Whether we are part of the conversation, as far as this process remembers."""
        return conversation in self._known
