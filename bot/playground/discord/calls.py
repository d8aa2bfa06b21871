"""The request log: what the bot asked, when, and what it was told."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Call:
    """One finished request."""

    method: str
    template: str
    """The path as the OpenAPI description writes it, e.g. `/channels/{channel_id}/messages`."""
    path: str
    """The path as it was asked, below `/api/v10`."""
    at: float
    """Unix seconds, when it came in."""
    took: float
    """Seconds until the answer."""
    status: int
    """HTTP status; 0 when the connection was cut."""
    request: object = field(default=None, repr=False)
    """Parsed JSON body, or the `payload_json` of a multipart one."""
    response: object = field(default=None, repr=False)
    """What was answered, as JSON."""
    files: tuple[str, ...] = ()
    """Names of the uploaded files."""

    @property
    def route(self) -> str:
        """Method and template, as faults name them."""
        return f"{self.method} {self.template}"


Observer = Callable[[Call], None]


class CallLog:
    """All calls in order, and those who listen to them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.invalid_requests = 0
        """401, 403 and 429 answers that were not for a shared limit: 10,000 in ten minutes mean a ban."""
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Call back after every request. Returns the function that ends it."""
        self._observers.append(observer)

        def end() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return end

    def add(self, call: Call, *, shared_limit: bool = False) -> None:
        """Write a call down."""
        self.calls.append(call)
        if call.status in {401, 403} or (call.status == 429 and not shared_limit):
            self.invalid_requests += 1
        for observer in list(self._observers):
            observer(call)
