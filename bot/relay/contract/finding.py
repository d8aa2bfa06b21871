"""What an examination of the set-up found, for `python -m bot doctor`."""

from typing import Literal

from bot.domain.record import Record


class Finding(Record):
    """One thing that was looked at."""

    what: str
    """What was looked at, in a few words: `Slack: bot scopes`."""
    state: Literal["good", "warning", "bad"]
    """`warning`: it works, but something that people will expect does not. `bad`: it does not work."""
    detail: str = ""
    """What was seen."""
    fix: str = ""
    """What the operator should do, naming the page and the switch; empty when it is good."""
