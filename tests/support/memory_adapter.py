"""A chat platform in memory: a `bot.relay.contract.Adapter` that keeps what people would see and fails when told to."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from bot.domain.deliveries import Address, Heard, RemoteFile
from bot.errors import Forbidden, Gone, PlatformError, Refused, Unreachable
from bot.relay.contract import Capabilities, Finding, Outbound, Pacing, Posted, RateSignal, Reception, Terms
from bot.relay.text.measure import size

Operation = Literal["post", "edit", "find", "status", "download", "context"]
Trouble = Exception | asyncio.Event

CAPABILITIES = Capabilities(
    platform="memory",
    label="Memory",
    soft_limit=400,
    hard_limit=500,
    measure="utf16",
    max_segments=4,
    pacing=Pacing(limit=50, window=5.0, reserve=10, min_interval=0.05),
    max_file_bytes=1_000_000,
    status_refresh=10.0,
)


@dataclass
class MemoryMessage:
    """A message as people see it, with everything that it ever showed."""

    id: str
    key: str
    address: Address
    shown: list[Outbound]
    deleted: bool = False

    @property
    def now(self) -> Outbound:
        return self.shown[-1]


@dataclass
class Lost:
    """The request's answer never comes: before the platform did anything, or after it did it."""

    after: bool

    def raised(self) -> Unreachable:
        return Unreachable()


Fault = PlatformError | Lost


class PlainDialect:
    """Markdown stays as it is, and nobody is pinged."""

    def convert(self, markdown: str) -> str:
        return markdown.replace("@everyone", "@\u200beveryone")


async def _no_gate(_: str) -> None:
    return


@dataclass(eq=False)
class Switchboard:
    """The platform's end of all connections, whichever processes keep them."""

    names: tuple[str, ...] = ("memory",)
    keepers: dict[str, "MemoryAdapter"] = field(default_factory=dict)
    """Who keeps each of the connections now."""
    gone: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    """Set an exception on one, and the platform will never deliver anything through it again."""
    overlaps: list[str] = field(default_factory=list)
    """Connections that somebody began to keep while somebody else did."""
    troubles: defaultdict[str, deque[Trouble]] = field(default_factory=lambda: defaultdict(deque))
    """By name of a connection, or `connections`: errors to raise, events to wait for. Used up one a call."""
    tries: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()

    async def meet(self, name: str) -> None:
        """The next trouble with this name, if there is one."""
        self.tries.append(name)
        await self._tell()
        trouble = self.troubles[name].popleft() if self.troubles[name] else None
        if isinstance(trouble, asyncio.Event):
            await trouble.wait()
        elif trouble is not None:
            raise trouble

    @asynccontextmanager
    async def keeping(self, name: str, keeper: "MemoryAdapter") -> AsyncIterator[asyncio.Future[None]]:
        if name in self.keepers:
            self.overlaps.append(name)
        gone = asyncio.get_running_loop().create_future()
        self.keepers[name], self.gone[name] = keeper, gone
        await self._tell()
        try:
            yield gone
        finally:
            gone.cancel()
            if self.keepers.get(name) is keeper:
                del self.keepers[name]
            await self._tell()

    def kept_by(self, keeper: "MemoryAdapter") -> list[str]:
        return [name for name, by in self.keepers.items() if by is keeper]

    async def until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until `condition` holds; it is looked at whenever a connection was tried, entered or left."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(condition)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@dataclass(eq=False)
class MemoryAdapter:
    """Virtual messages; `faults` are used up one a call, `gate` is awaited before and after every effect."""

    capabilities: Capabilities = CAPABILITIES
    dialect: PlainDialect = field(default_factory=PlainDialect)
    messages: list[MemoryMessage] = field(default_factory=list)
    statuses: list[str | None] = field(default_factory=list)
    calls: list[tuple[float, Operation]] = field(default_factory=list)
    requests: list[Outbound] = field(default_factory=list)
    """Every post and edit that took effect, in order."""
    faults: defaultdict[Operation, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    terms_of: dict[str, Terms] = field(default_factory=dict)
    """By room, where they are not the usual ones."""
    terms_after: deque[Terms | None] = field(default_factory=deque)
    """What the next edits say that holds from then on."""
    heard: tuple[Heard, ...] = ()
    """What was said before in every room."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """What `download` gives, by `RemoteFile.source["id"]`."""
    gate: Callable[[str], "asyncio.Future[None] | object"] = _no_gate
    latency: float = 0.0
    further_conversation: str | None = None
    switchboard: "Switchboard" = field(default_factory=lambda: Switchboard())
    """The platform's end of the connections; adapters of several processes share one."""
    tell: Callable[[RateSignal], None] | None = None
    closed: bool = False

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()

    # --- Adapter

    def on_limits(self, tell: Callable[[RateSignal], None]) -> None:
        self.tell = tell

    async def connections(self) -> tuple[str, ...]:
        await self.switchboard.meet("connections")
        return self.switchboard.names

    @asynccontextmanager
    async def connected(self, name: str, reception: Reception) -> AsyncIterator[asyncio.Future[None]]:
        del reception
        await self.switchboard.meet(name)
        async with self.switchboard.keeping(name, self) as gone:
            yield gone

    async def close(self) -> None:
        self.closed = True

    def terms(self, address: Address) -> Terms:
        room = address.place["room"]
        return self.terms_of.get(room, Terms(bucket=room))

    async def context(self, address: Address, most: int) -> tuple[Heard, ...]:
        return await self._do("context", lambda: self.heard[-most:])

    async def check_up(self) -> tuple[Finding, ...]:
        return ()

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        return await self._do("post", lambda: self._post(address, outbound, key))

    async def find(self, address: Address, key: str, since: float, known: Sequence[dict[str, str]]) -> Posted | None:
        assert since <= time.time() - 23 * 3600, "our clock may be hours ahead of the platform's"
        run = key.rpartition("-")[0]
        others = {m.id for m in self.visible if m.key != key and m.key.rpartition("-")[0] == run}
        assert others <= {ref["id"] for ref in known}, "the answer's other messages are told"
        return await self._do("find", lambda: self._find(address, key))

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> Terms | None:
        await self._do("edit", lambda: self._edit(ref, outbound))
        return self.terms_after.popleft() if self.terms_after else None

    async def status(self, address: Address, text: str | None) -> None:
        return await self._do("status", lambda: self.statuses.append(text))

    async def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        await self._do("download", lambda: None)
        content = self.contents[file.source["id"]]
        for start in range(0, len(content), 65_536):
            yield content[start : start + 65_536]

    # --- what people see and do

    @property
    def visible(self) -> list[MemoryMessage]:
        return [message for message in self.messages if not message.deleted]

    @property
    def texts(self) -> list[str]:
        return [message.now.text for message in self.visible]

    def delete(self, message: MemoryMessage) -> None:
        message.deleted = True

    async def until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until `condition` holds; it is looked at after every call."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(condition)

    # --- inside

    async def _do(self, operation: Operation, effect: Callable[[], object]) -> object:
        if operation not in {"status", "context"}:
            await self.gate(f"before {operation}")
        self.calls.append((time.monotonic(), operation))
        await asyncio.sleep(self.latency)
        fault = self.faults[operation].popleft() if self.faults[operation] else None
        try:
            if isinstance(fault, Lost):
                if fault.after:
                    effect()
                raise fault.raised()
            if fault is not None:
                raise fault
            result = effect()
        finally:
            async with self._changed:
                self._changed.notify_all()
        if operation not in {"status", "context"}:
            await self.gate(f"after {operation}")
        return result

    def _post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        self._check(outbound)
        assert len(key) <= 25
        assert not outbound.files, "files come with an edit"
        message = MemoryMessage(f"m{len(self.messages)}", key, address, [outbound])
        self.messages.append(message)
        self.requests.append(outbound)
        return self._posted(message)

    def _find(self, address: Address, key: str) -> Posted | None:
        found = next((m for m in self.visible if m.key == key and m.address == address), None)
        return self._posted(found) if found else None

    def _edit(self, ref: dict[str, str], outbound: Outbound) -> None:
        self._check(outbound)
        message = next(m for m in self.messages if m.id == ref["id"])
        if message.deleted:
            raise Gone
        message.shown.append(outbound)
        self.requests.append(outbound)

    def _posted(self, message: MemoryMessage) -> Posted:
        return Posted(ref={"id": message.id}, conversation=self.further_conversation)

    def _check(self, outbound: Outbound) -> None:
        if not outbound.text.strip():
            raise Refused("empty")
        if size(outbound.text + outbound.footer, self.capabilities.measure) > self.capabilities.hard_limit:
            raise Refused("too long", too_long=True)
        if sum(len(file.content) for file in outbound.files) > self.capabilities.max_file_bytes:
            raise Forbidden("too much")
