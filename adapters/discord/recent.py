"""Where each person last spoke to the assistant in a channel. A convenience: nothing is lost when it is forgotten."""

from collections import OrderedDict

KEPT = 2_000


class Recent:
    """Last conversations by channel and person; `/stop` in a plain channel means that one."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], str] = OrderedDict()

    def note(self, channel: str, person: str, conversation: str) -> None:
        """Somebody's message was accepted."""
        self._last[channel, person] = conversation
        self._last.move_to_end((channel, person))
        if len(self._last) > KEPT:
            self._last.popitem(last=False)

    def last(self, channel: str, person: str) -> str | None:
        """The person's last conversation that began in this channel."""
        return self._last.get((channel, person))
