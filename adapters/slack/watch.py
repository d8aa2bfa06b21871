"""How closely connections are watched."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watch:
    """How closely a connection is watched, in seconds."""

    ping: float = 3.0
    """Between pings; the SDK calls a connection stale after four of them without a pong."""
    tick: float = 1.0
    """Between two looks."""
    renew_after: float = 10.0
    """Down for so long: throw away the address, which is good for one use and which the SDK tries for ever."""
    replace_after: float = 60.0
    """Down for so long: throw away the client."""
    goodbye: float = 3.0
    """For events in work, and for the closing handshake, which Slack does not always finish."""
    gap: float = 5.0
    """No socket connected for longer: what was said meanwhile is read. Slack mends shorter gaps by itself."""
    again: float = 30.0
    """Until what could not be stored or read is read again."""
    look: float = 2.0
    """Between two looks whether another process has added, changed or removed an installation."""
