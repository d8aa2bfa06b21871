"""A platform in memory: the page's tests drive it like a real stand-in; it plays a believable assistant."""

import asyncio
import struct
import time
import zlib
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Literal, Self

from markdown_it import MarkdownIt

from bot.playground.view import (
    PEOPLE,
    ButtonView,
    Change,
    ChannelShown,
    ChannelView,
    CommandView,
    ConnectionShown,
    FieldView,
    FileView,
    FormShown,
    FormView,
    HomeView,
    MenuView,
    MessageRemoved,
    MessageShown,
    MessageView,
    NotPossible,
    OptionView,
    PlatformName,
    PlatformView,
    PromptView,
    SceneryShown,
    StatusShown,
    Upload,
)

ANSWER = """Here is what the **handbook** says about holidays, with the numbers side by side.

| Contract | Days a year | Carried over |
|---|--:|--:|
| Full time | 28 | 5 |
| Part time | 17 | 3 |
| Student | 12 | 0 |

To count what is left of yours:

```python
def days_left(taken: int, allowed: int = 28) -> int:
    \"\"\"Holidays that are still to take.\"\"\"
    return max(allowed - taken, 0)
```

1. Ask your lead for the dates.
2. Enter them in the calendar, at least two weeks ahead.

> Days that are carried over end on 31 March. [handbook.md, page 4](https://example.org/handbook)

`!tool create_ticket` opens a request for you. *This answer was made by no language model.*
"""

FORM = FormView(
    id="form 1",
    title="Ask about this",
    submit="Ask",
    fields=(
        FieldView(id="question", label="Question", multiline=True, required=True, value="What does it mean?"),
        FieldView(id="tone", label="Tone", placeholder="friendly"),
    ),
)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_STOP = (ButtonView(id="stop", label="Stop", style="danger"),)
_DONE = (
    ButtonView(id="again", label="Regenerate"),
    ButtonView(id="good", label="👍"),
    ButtonView(id="bad", label="👎"),
)


class StageDouble:
    """Both a `Stage` and the bot on it. `async with` owns the answers that are being written.

    Args:
        platform: which one it plays.
        pace: seconds between two edits of an answer.
    """

    def __init__(self, platform: PlatformName, *, pace: float = 0.05) -> None:
        self.platform: PlatformName = platform
        self.pace = pace
        self.refusal: str | None = None
        """When set, the next `speak` fails with it."""
        self.limits: list[float] = []
        self.drops = 0
        self.chosen: list[tuple[str, str]] = []
        self.submitted: list[tuple[str, dict[str, str]]] = []
        self.visits: list[tuple[str, str]] = []
        self.prompts: dict[str, tuple[PromptView, ...]] = {}
        self.homes: tuple[HomeView, ...] = ()
        self.titles: dict[str, str] = {}
        self.pressed: list[tuple[str, str]] = []
        self.commands_used: list[tuple[str, dict[str, str], tuple[str, ...]]] = []
        self.connected = True
        self._channels = {channel.id: channel for channel in _channels(platform)}
        self._messages: dict[str, MessageView] = {}
        self._files: dict[str, tuple[str, str, bytes]] = {}
        self._callbacks: list[Callable[[Change], None]] = []
        self._number = 0
        self._writing: dict[str, asyncio.Task[None]] = {}
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._writing.values():
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def view(self) -> PlatformView:
        return PlatformView(
            platform=self.platform,
            title="Acme workspace" if self.platform == "slack" else "Acme server",
            bot_connected=self.connected,
            bot_name="Parley",
            channels=tuple(self._channels.values()),
            messages=tuple(self._messages.values()),
            commands=_commands(self.platform),
            menus=(MenuView(id="about", label="Ask about this"), MenuView(id="sum", label="Summarise thread")),
            prompts=self.prompts,
            homes=self.homes,
            titles=self.titles,
        )

    def watch(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    async def speak(
        self, person: str, channel: str, text: str, *, thread: str | None = None, files: tuple[Upload, ...] = ()
    ) -> str:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise NotPossible(refusal)
        said = self.say(person, channel, text, thread=thread, files=files)
        where = self._channels[channel]
        if "@Parley" in text or thread or where.kind != "channel":
            self._start(said.id, self._answer(said, text, bool(files)))
        return said.id

    async def command(
        self, person: str, channel: str, name: str, options: dict[str, str], files: tuple[Upload, ...] = ()
    ) -> str:
        self.commands_used.append((name, options, tuple(file.name for file in files)))
        note = f"{_name(person)} used /{name}"
        shown = self.show(self._new("bot", channel, html="", state="thinking", note=note))
        self._start(shown.id, self._write(shown, ANSWER))
        return ""

    async def press(self, person: str, channel: str, message: str, button: str) -> None:
        self.pressed.append((message, button))
        if button == "bad":
            raise NotPossible("This application did not respond in time.")
        if button == "stop":
            self._writing[message].cancel()
            self.change(message, buttons=_DONE)
        elif button == "good":
            mine = self._new("bot", channel, html=_html("Thank you, noted."), only_for=person)
            self.show(mine.model_copy(update={"thread": self._messages[message].thread}))

    async def choose(self, person: str, channel: str, message: str, menu: str) -> str:
        self.chosen.append((message, menu))
        if menu == "about":
            self.open_form(person, FORM)
            return ""
        return "On it, only you will see the answer."

    async def submit(self, person: str, form: str, values: dict[str, str]) -> None:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise NotPossible(refusal)
        self.submitted.append((form, values))

    async def complete(self, person: str, channel: str, command: str, option: str, typed: str) -> tuple[str, ...]:
        return tuple(name for name in ("Parley", "Support", "Sales") if name.lower().startswith(typed.lower()))

    async def amend(self, person: str, channel: str, message: str, text: str) -> None:
        if self._messages[message].author != person:
            raise NotPossible("This is somebody else's message.")
        self._edit(message, text)

    async def retract(self, person: str, channel: str, message: str) -> None:
        self.remove(message)

    async def visit(self, person: str, place: Literal["messages", "home"]) -> None:
        if self.platform == "discord":
            raise NotPossible("Discord has no such page.")
        self.visits.append((person, place))

    def file(self, file_id: str) -> tuple[str, str, bytes] | None:
        return self._files.get(file_id)

    def limit_rate(self, seconds: float) -> None:
        self.limits.append(seconds)

    def drop_connection(self) -> None:
        self.drops += 1
        self.set_connected(connected=False)

    # What tests do to it.

    def set_connected(self, *, connected: bool) -> None:
        self.connected = connected
        self._tell(ConnectionShown(self.platform, connected))

    def say(
        self, author: str, channel: str, text: str, *, thread: str | None = None, files: tuple[Upload, ...] = ()
    ) -> MessageView:
        """Put a message there without any answer."""
        views = tuple(self.attach(file.name, file.content) for file in files)
        message = self.show(self._new(author, channel, html=_html(text), thread=thread, files=views))
        if thread is not None:
            self.change(thread, replies=self._messages[thread].replies + 1)
        return message

    def show(self, message: MessageView) -> MessageView:
        """Put exactly this message there."""
        self._messages[message.id] = message
        self._tell(MessageShown(self.platform, message))
        return message

    def change(self, message_id: str, **update: object) -> MessageView:
        return self.show(self._messages[message_id].model_copy(update=update))

    def remove(self, message_id: str) -> None:
        message = self._messages.pop(message_id)
        self._tell(MessageRemoved(self.platform, message.channel, message_id))

    def dress(self) -> None:
        """Tell that prompts, homes or titles have changed."""
        self._tell(SceneryShown(self.platform))

    def open_form(self, person: str, form: FormView) -> None:
        self._tell(FormShown(self.platform, person, form))

    def open_thread(self, message: MessageView, name: str) -> ChannelView:
        """Discord: open a thread from a message."""
        thread = ChannelView(id=f"t{message.id}", name=name, kind="thread", parent=message.channel)
        self._channels[thread.id] = thread
        self._tell(ChannelShown(self.platform, thread))
        self.change(message.id, opens=thread.id)
        return thread

    def status(self, channel: str, text: str, thread: str | None = None) -> None:
        self._tell(StatusShown(self.platform, channel, thread, text))

    def attach(self, name: str, content: bytes) -> FileView:
        kinds = {"png": "image/png", "svg": "image/svg+xml", "html": "text/html", "csv": "text/csv"}
        media_type = kinds.get(name.rpartition(".")[2], "application/octet-stream")
        file_id = f"F{len(self._files)}"
        self._files[file_id] = (name, media_type, content)
        url = f"/files/{self.platform}/{file_id}"
        return FileView(id=file_id, name=name, size=len(content), media_type=media_type, url=url)

    # The bot that it plays.

    def _start(self, key: str, work: Coroutine[None, None, None]) -> None:
        self._writing[key] = self._tasks.create_task(work)

    async def _answer(self, said: MessageView, text: str, has_files: bool) -> None:
        self.change(said.id, reactions=("👀",))
        channel, thread = said.channel, None
        if self.platform == "slack":
            thread = said.thread or (said.id if self._channels[channel].kind == "channel" else None)
        elif self._channels[channel].kind == "channel":
            channel = self.open_thread(said, text.replace("@Parley", "").strip()[:40] or "Conversation").id
        self.status(channel, "Parley is reading the handbook…", thread)
        await asyncio.sleep(self.pace * 6)
        files: tuple[FileView, ...] = ()
        if has_files or "chart" in text:
            files = (self.attach("sales.png", chart_png()), self.attach("totals.csv", b"month,total\n1,1400\n"))
        shown = self.show(self._new("bot", channel, html=_html("…"), thread=thread, buttons=_STOP))
        if thread is not None:
            self.change(thread, replies=self._messages[thread].replies + 1)
        self.status(channel, "", thread)
        self._writing[shown.id] = self._writing[said.id]
        count = int(text.partition("!count")[2].split()[0]) if "!count" in text else 0
        await self._write(shown, ", ".join(str(n) for n in range(1, count + 1)) if count else ANSWER, files)
        self.change(said.id, reactions=("✅",))

    async def _write(self, shown: MessageView, text: str, files: tuple[FileView, ...] = ()) -> None:
        step = max(len(text) // 40, 4)
        for end in range(step, len(text) + step, step):
            await asyncio.sleep(self.pace)
            self._edit(shown.id, text[:end], buttons=_STOP, state="sent")
        self._edit(shown.id, text, buttons=_DONE, files=files)

    def _edit(self, message_id: str, text: str, **update: object) -> None:
        before, now = self._messages[message_id], time.time()
        first = before.first_edit or now
        self.change(message_id, html=_html(text), edits=before.edits + 1, first_edit=first, last_edit=now, **update)

    def _new(self, author: str, channel: str, *, html: str, **fields: object) -> MessageView:
        self._number += 1
        shown = {"id": f"{self.platform[0]}{self._number}", "channel": channel, "author": author, "html": html}
        return MessageView.model_validate(
            shown
            | {"author_name": _name(author), "at": time.time()}
            | {k: v for k, v in fields.items() if v is not None}
        )

    def _tell(self, change: Change) -> None:
        for callback in tuple(self._callbacks):
            callback(change)


def _html(text: str) -> str:
    return str(_MARKDOWN.render(text)).replace("@Parley", '<span class="mention">@Parley</span>')


def _name(author: str) -> str:
    return next((person.name for person in PEOPLE if person.id == author), "Parley")


def _channels(platform: PlatformName) -> list[ChannelView]:
    prefix = platform[0].upper()
    return [
        ChannelView(id=f"{prefix}1", name="general", kind="channel"),
        ChannelView(id=f"{prefix}2", name="support", kind="channel"),
        *(ChannelView(id=f"{prefix}D{person.id}", name="Parley", kind="dm", person=person.id) for person in PEOPLE),
    ]


def _commands(platform: PlatformName) -> tuple[CommandView, ...]:
    question = OptionView(name="question", description="What you want to know", required=True)
    if platform == "slack":
        text = OptionView(name="text", description="What you want to know", required=True)
        return (CommandView(name="ask", description="Ask the assistant", options=(text,)),)
    return (
        CommandView(
            name="ask",
            description="Ask the assistant",
            options=(
                question,
                OptionView(name="file", description="A file to look at", type="file"),
                OptionView(name="private", description="Only you see the answer", type="boolean"),
                OptionView(name="assistant", description="Who answers", completes=True),
            ),
        ),
        CommandView(name="forget", description="Delete what was said here"),
    )


def chart_png(width: int = 480, height: int = 240) -> bytes:
    """A bar chart, drawn by hand because a test needs no plotting library."""
    heights = (0.35, 0.5, 0.42, 0.66, 0.8, 0.72, 0.9)
    slot = width // len(heights)
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            bar = heights[min(x // slot, len(heights) - 1)]
            filled = slot * 0.2 < x % slot < slot * 0.8 and y > height * (1 - bar * 0.9) and y < height - 8
            rows += b"\x2f\x8f\x83" if filled else (b"\xdd\xdd\xd8" if y == height - 8 else b"\xff\xff\xff")
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
