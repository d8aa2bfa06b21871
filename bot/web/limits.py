"""How much the web server takes, and how long it waits."""

from bot.domain.record import Record


class WebLimits(Record):
    """Bounds of one server. Times are seconds."""

    connections: int = 500
    """Open at once; a further one is closed again. Slow clients hold connections, and nothing else."""
    in_work: int = 200
    """Requests that are answered at once; a further one is asked to come again."""
    head: float = 5.0
    """From the first byte of a request, or the beginning of a connection, to the end of its headers."""
    idle: float = 100.0
    """A connection without a request. Longer than proxies keep theirs (Heroku 90 s), so that they close them first."""
    linger: float = 1.0
    """For the rest of a body that was refused, so that the refusal arrives."""
    farewell: float = 5.0
    """For requests in work when receiving ends; platforms give up after three."""
    retry_after: int = 5
    """What a client that is turned away is told to wait."""
